import NIOCore
import TestSupport
import Testing

@testable import ICE

/// Multicast DNS without sockets.
@Suite struct MDNSTests {
  private static let name = "1b8f2f5e-9d0f-4f1c-8c70-3f3d2a1b0c9d.local"
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  private func response(_ name: String, _ addresses: [TransportAddress], timeToLive: UInt32 = 120) throws -> DNSMessage
  {
    let records = addresses.map { DNSMessage.AddressRecord(name: name, address: $0, timeToLive: timeToLive) }
    return try #require(
      DNSMessage(parsing: DNSMessage(response: records).serialized(flushesCache: true)))
  }

  // MARK: The codec

  @Test func queryIsOnTheWireAsInTheRFC() {
    let query = DNSMessage(questions: [.init(name: "ab.local", type: DNSMessage.RecordType.a)])
    let expected: [UInt8] = [
      0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x62, 5, 0x6C, 0x6F, 0x63, 0x61, 0x6C, 0, 0, 1, 0, 1,
    ]
    #expect(Array(query.serialized(flushesCache: false).readableBytesView) == expected)
  }

  @Test func messagesSurviveTheWire() throws {
    let v6 = address("2001:db8::1", 0)
    let records = [
      DNSMessage.AddressRecord(name: Self.name, address: address("192.0.2.1", 0), timeToLive: 120),
      DNSMessage.AddressRecord(name: Self.name, address: v6, timeToLive: 10),
    ]
    let message = DNSMessage(
      response: records, id: 7, to: [.init(name: Self.name, type: DNSMessage.RecordType.aaaa, wantsUnicast: true)])
    #expect(DNSMessage(parsing: message.serialized(flushesCache: true)) == message)
  }

  /// As Avahi and browsers write it: the name once, then pointers to it; an NSEC record among the addresses.
  @Test func compressedNamesAreRead() throws {
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(UInt16(0), UInt16(0x8400), UInt16(0), UInt16(2), UInt16(0), UInt16(1))
    bytes.writeBytes([2, 0x41, 0x62, 5, 0x6C, 0x6F, 0x63, 0x61, 0x6C, 0])
    bytes.writeMultipleIntegers(UInt16(1), UInt16(0x8001), UInt32(120), UInt16(4), UInt32(0xC000_0201))
    bytes.writeMultipleIntegers(UInt16(0xC00C), UInt16(47), UInt16(0x8001), UInt32(120), UInt16(3))
    bytes.writeBytes([0xC0, 0x0C, 0])
    bytes.writeMultipleIntegers(UInt16(0xC00C), UInt16(28), UInt16(0x8001), UInt32(120), UInt16(16))
    bytes.writeMultipleIntegers(UInt64(0x2001_0DB8_0000_0000), UInt64(1))
    let message = try #require(DNSMessage(parsing: bytes))
    #expect(message.isResponse)
    #expect(message.addresses.map(\.address.ip) == ["192.0.2.1", "2001:db8::1"])
    #expect(message.addresses.allSatisfy { $0.name == "ab.local" })
  }

  @Test func loopsAndOverlongNamesAreRefused() {
    func message(_ name: [UInt8]) -> ByteBuffer {
      var bytes = ByteBuffer()
      bytes.writeMultipleIntegers(UInt16(0), UInt16(0), UInt16(1), UInt16(0), UInt16(0), UInt16(0))
      bytes.writeBytes(name)
      bytes.writeMultipleIntegers(UInt16(1), UInt16(1))
      return bytes
    }
    #expect(DNSMessage(parsing: message([0])) != nil)
    #expect(DNSMessage(parsing: message([0xC0, 12])) == nil)  // to itself
    #expect(DNSMessage(parsing: message([1, 0x61, 0xC0, 12])) == nil)  // round and round
    #expect(DNSMessage(parsing: message([0xC0, 40])) == nil)  // forwards
    #expect(DNSMessage(parsing: message([0x41, 0x61])) == nil)  // no such label
    let label = [UInt8(63)] + [UInt8](repeating: 0x61, count: 63)
    #expect(DNSMessage(parsing: message(label + label + label + [0])) != nil)
    #expect(DNSMessage(parsing: message(label + label + label + label + [0])) == nil)
  }

  @Test func anyBytesAreRead() throws {
    var random = SeededGenerator(seed: 53)
    let sample = DNSMessage(
      response: [.init(name: Self.name, address: address("192.0.2.1", 0), timeToLive: 1)], id: 1,
      to: [.init(name: Self.name, type: 1), .init(name: "x.local", type: 28)]
    ).serialized(flushesCache: true)
    for length in 0..<sample.readableBytes {
      #expect(DNSMessage(parsing: sample.getSlice(at: 0, length: length) ?? ByteBuffer()) == nil)
    }
    for round in 0..<20_000 {
      var mutated = sample
      if round % 4 == 0 {
        mutated = ByteBuffer(
          bytes: (0..<Int.random(in: 0...200, using: &random)).map { _ in random.next(upperBound: 255) })
      }
      for _ in 0..<Int.random(in: 1...6, using: &random) where mutated.readableBytes > 0 {
        mutated.setInteger(
          UInt8.random(in: 0...255, using: &random), at: .random(in: 0..<mutated.readableBytes, using: &random))
      }
      guard let message = DNSMessage(parsing: mutated) else { continue }
      #expect(message.questions.count <= DNSMessage.Limit.records)
      #expect(message.addresses.count <= DNSMessage.Limit.records)
      #expect(message.questions.allSatisfy { $0.name.unicodeScalars.count <= DNSMessage.Limit.name })
    }
  }

  @Test func onlyNamesOfTheLinkAreLookedFor() {
    for name in [Self.name, "Printer-2.LOCAL", "a.local"] { #expect(DNSMessage.isName(name)) }
    let long = String(repeating: "a", count: 64) + ".local"
    for name in ["example.org", ".local", "local", "a.b.local", "a b.local", "a.local.", "ä.local", long, ""] {
      #expect(!DNSMessage.isName(name))
    }
  }

  // MARK: Looking for names

  @Test func asksThreeTimesAndGivesUp() {
    var queries = MDNSQueries()
    let isTaken = queries.begin(Self.name, now: start)
    #expect(isTaken)
    var asked: [TimeAmount] = []
    var now = start
    var unknown: [MDNSQueries.Result] = []
    while let deadline = queries.nextDeadline {
      now = deadline
      let step = queries.handleTimeout(now: now)
      if let question = step.question {
        asked.append(now - start)
        #expect(question.questions.map(\.type) == [1, 28])
        #expect(question.questions.allSatisfy { $0.name == Self.name })
      }
      unknown += step.unknown
    }
    #expect(asked == [.zero, .seconds(1), .seconds(3)])
    #expect(now - start == .seconds(4))
    #expect(unknown == [.init(name: Self.name, addresses: [])])
  }

  @Test func anAnswerEndsTheSearch() throws {
    var queries = MDNSQueries()
    let areTaken = [queries.begin(Self.name.uppercased(), now: start), queries.begin(Self.name, now: start)]
    #expect(areTaken == [true, true])
    _ = queries.handleTimeout(now: start)
    let wanted = [address("192.0.2.1", 0), address("2001:db8::1", 0)]
    let found = [
      queries.receive(try response("other.local", wanted)),
      queries.receive(try response(Self.name, wanted, timeToLive: 0)),
      queries.receive(try response(Self.name.uppercased(), wanted)),
      queries.receive(try response(Self.name, wanted)),
    ]
    #expect(found == [[], [], [.init(name: Self.name, addresses: wanted)], []])
    #expect(queries.nextDeadline == nil)
  }

  @Test func aPeerCannotMakeUsAskForever() {
    var queries = MDNSQueries()
    let taken = (0..<100).filter { queries.begin("n\($0).local", now: start) }
    #expect(taken.count == MDNSQueries.maximumNames)
    var fresh = MDNSQueries()
    let isTaken = fresh.begin("example.org", now: start)
    #expect(!isTaken)
  }

  // MARK: Our own names

  @Test func namesAreRandomAndAnswered() throws {
    var random = SeededGenerator(seed: 1)
    var names = MDNSNames()
    let (one, other) = (address("192.0.2.1", 5000), address("2001:db8::1", 5000))
    let name = names.name(of: one, using: &random)
    #expect(name.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local/) != nil)
    let again = names.name(of: one.with(port: 7000), using: &random)
    let another = names.name(of: other, using: &random)
    #expect(again == name)
    #expect(another != name)

    let asker = address("192.0.2.9", 5353)
    func ask(_ type: UInt16, from remote: TransportAddress, unicast: Bool = false, after: TimeAmount) -> DNSMessage? {
      let question = DNSMessage(questions: [.init(name: name, type: type, wantsUnicast: unicast)])
      let answer = names.answer(question, from: remote, interface: 2, now: start + after)
      guard let answer else { return nil }
      #expect(answer.isMulticast == (remote.port == 5353 && !unicast))
      return DNSMessage(parsing: answer.message)
    }
    let answer = try #require(ask(1, from: asker, after: .zero))
    #expect(answer.isResponse)
    #expect(answer.addresses == [.init(name: name, address: one.with(port: 0), timeToLive: 120)])
    // All have heard it a moment ago.
    #expect(ask(1, from: asker, after: .milliseconds(900)) == nil)
    #expect(ask(1, from: asker, after: .seconds(1)) != nil)
    #expect(ask(1, from: asker, unicast: true, after: .seconds(1)) != nil)
    #expect(ask(28, from: asker, after: .seconds(5)) == nil)
    // A resolver that knows plain DNS only gets its question back, and a short life.
    let legacy = try #require(ask(255, from: address("192.0.2.9", 40000), after: .seconds(9)))
    #expect(legacy.questions.map(\.name) == [name])
    #expect(legacy.addresses.map(\.timeToLive) == [10])
    names.remove(one)
    #expect(ask(1, from: asker, after: .seconds(20)) == nil)
  }
}

extension SeededGenerator {
  fileprivate mutating func next(upperBound: UInt8) -> UInt8 { .random(in: 0...upperBound, using: &self) }
}
