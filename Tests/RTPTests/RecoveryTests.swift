import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct RecoveryTests {
  private func poll(_ generator: inout NACKGenerator, _ milliseconds: Int64, roundTrip: Int64 = 100) -> [UInt16] {
    var sequences: [SequenceNumber] = []
    generator.poll(now: .at(milliseconds: milliseconds), roundTrip: .milliseconds(roundTrip), into: &sequences)
    return sequences.map(\.rawValue)
  }

  @Test func asksOnceReorderingIsUnlikely() {
    var nack = NACKGenerator()
    nack.received(1, now: .at(milliseconds: 0))
    nack.received(3, now: .at(milliseconds: 5))
    #expect(poll(&nack, 5) == [])
    #expect(nack.nextDeadline(roundTrip: .milliseconds(100)) == .at(milliseconds: 15))
    #expect(poll(&nack, 15) == [2])
    // Not again before an answer can have come.
    #expect(poll(&nack, 100) == [])
    #expect(poll(&nack, 140) == [2])
    nack.received(2, now: .at(milliseconds: 150))
    #expect(nack.nextDeadline(roundTrip: .milliseconds(100)) == nil)
  }

  @Test func threeNewerPacketsDecideAtOnce() {
    var nack = NACKGenerator()
    for sequence: Int64 in [65534, 65536, 65537, 65538] { nack.received(sequence, now: .at(milliseconds: 0)) }
    #expect(poll(&nack, 0) == [65535])
  }

  @Test func reorderedPacketsAreNotAskedFor() {
    var nack = NACKGenerator()
    for sequence: Int64 in [1, 3, 2, 5, 4] { nack.received(sequence, now: .at(milliseconds: 0)) }
    #expect(poll(&nack, 1000) == [])
  }

  @Test func givesUpAfterAWhile() {
    var nack = NACKGenerator()
    nack.received(1, now: .at(milliseconds: 0))
    nack.received(3, now: .at(milliseconds: 0))
    var requests = 0
    for millisecond in Int64(0)...3000 { requests += poll(&nack, millisecond, roundTrip: 20).count }
    #expect((2...10).contains(requests))
    let gaveUp = nack.takeGivenUp()
    #expect(gaveUp)
    #expect(nack.nextDeadline(roundTrip: .zero) == nil)
  }

  @Test func jumpsAreGivenUpAndListsBounded() {
    var nack = NACKGenerator()
    nack.received(0, now: .at(milliseconds: 0))
    nack.received(100_000, now: .at(milliseconds: 0))
    let gaveUp = nack.takeGivenUp()
    #expect(gaveUp && nack.count == 0)
    for step in Int64(1)...1000 { nack.received(100_000 + step * 2, now: .at(milliseconds: 0)) }
    #expect(nack.count <= NACKGenerator.Limits().missing)
    #expect(poll(&nack, 10).count <= NACKGenerator.Limits().batch)
  }

  @Test func duplicatesAreFound() {
    var generator = SeededGenerator(seed: 6)
    var filter = DuplicateFilter()
    var seen: Set<Int64> = []
    var newest: Int64 = 70_000
    var mistakes = 0
    for _ in 0..<50_000 {
      let sequence = newest + Int64.random(in: -300...20, using: &generator)
      newest = max(newest, sequence)
      if filter.insert(sequence) != seen.insert(sequence).inserted { mistakes += 1 }
    }
    #expect(mistakes == 0)
    // Older than it remembers: rather a duplicate than twice.
    let isTaken = filter.insert(newest - Int64(DuplicateFilter.window))
    #expect(!isTaken)
  }

  @Test func historyAnswersWithinItsLimits() throws {
    var limits = PacketHistory.Limits()
    limits.packets = 10
    limits.bytes = 2000
    limits.resends = 2
    var history = PacketHistory(limits: limits)
    var packetizer = VP8Packetizer(pictureID: 0)
    var sequence = SequenceNumber(65530)
    packetizer.packetize(ByteBuffer(repeating: 1, count: 1200), maximumPayload: 104) { fragment in
      history.append(
        sequence: sequence, timestamp: RTPTimestamp(0), fragment: fragment, now: .at(milliseconds: 0))
      sequence = sequence.advanced(by: 1)
    }
    #expect(history.count == 10)
    let interval = TimeAmount.milliseconds(50)
    func resend(_ number: UInt16, at milliseconds: Int64) -> PacketHistory.Entry? {
      history.resend(SequenceNumber(number), interval: interval, now: .at(milliseconds: milliseconds))
    }
    #expect(resend(65530, at: 100) == nil)  // pushed out
    #expect(resend(6, at: 100) == nil)  // never sent
    #expect(resend(5, at: 20) == nil)  // only just sent
    #expect(resend(5, at: 100)?.fragment.isLast == true)
    #expect(resend(5, at: 120) == nil)
    #expect(resend(5, at: 160) != nil)
    #expect(resend(5, at: 1000) == nil)  // often enough
    packetizer.packetize(ByteBuffer(repeating: 1, count: 1900), maximumPayload: 2000) { fragment in
      history.append(
        sequence: sequence, timestamp: RTPTimestamp(0), fragment: fragment, now: .at(milliseconds: 0))
    }
    #expect(history.bytes <= 2000 && history.count == 1)
  }
}
