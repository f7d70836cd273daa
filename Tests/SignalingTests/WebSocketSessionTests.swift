import NIOCore
import NIOWebSocket
import TestSupport
import Testing

@testable import Signaling

/// RFC 6455; the rules that Autobahn tries with 247 cases, one of each kind.
struct WebSocketSessionTests {
  /// A frame as a client sends it, with any first byte.
  private func frame(_ first: UInt8, _ payload: [UInt8], mask: [UInt8]? = [1, 2, 3, 4]) -> [UInt8] {
    var bytes = [first]
    let bit: UInt8 = mask == nil ? 0 : 0x80
    switch payload.count {
    case ..<126: bytes.append(bit | UInt8(payload.count))
    case ..<65536: bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    default: bytes += [bit | 127] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xff) }
    }
    guard let mask else { return bytes + payload }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
  }

  private func events(
    _ bytes: [UInt8], role: WebSocketRole = .server, limits: WebSocketLimits = WebSocketLimits(), step: Int = .max
  ) -> [WebSocketSession.Event] {
    var session = WebSocketSession(role: role, limits: limits)
    var events: [WebSocketSession.Event] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      session.receive(ByteBuffer(bytes: rest.prefix(step)))
      rest = rest.dropFirst(step)
      while let event = session.next() { events.append(event) }
    }
    return events
  }

  private func code(_ events: [WebSocketSession.Event]) -> UInt16? {
    guard events.count == 1, case .violation(let close) = events[0] else { return nil }
    return close.code
  }

  private func text(_ string: String) -> WebSocketSession.Event { .message(.text(ByteBuffer(string: string))) }

  @Test(arguments: [Int.max, 1, 2, 3, 7])
  func readsMessagesHoweverTheyAreCut(step: Int) {
    let long = [UInt8](repeating: 0x78, count: 70_000)
    let limits = {
      var limits = WebSocketLimits()
      limits.maximumFrame = 100_000
      return limits
    }()
    let bytes =
      frame(0x81, Array("Hello é".utf8)) + frame(0x82, long) + frame(0x81, []) + frame(0x82, Array(long[..<300]))
    #expect(
      events(bytes, limits: limits, step: step) == [
        text("Hello é"), .message(.binary(ByteBuffer(bytes: long))), text(""),
        .message(.binary(ByteBuffer(bytes: long[..<300]))),
      ])
  }

  @Test(arguments: [Int.max, 1])
  func controlFramesMayComeBetweenFragments(step: Int) {
    // The character is cut by the fragments, too.
    let bytes =
      frame(0x01, [0x48, 0xc3]) + frame(0x89, [1, 2]) + frame(0x00, []) + frame(0x8a, []) + frame(0x80, [0xa9])
    #expect(events(bytes, step: step) == [.ping(ByteBuffer(bytes: [1, 2])), .pong, text("Hé")])
  }

  @Test func refusesAtTheHeader() {
    #expect(code(events([0xc1])) == 1002, "RSV1")
    #expect(code(events([0xa1])) == 1002, "RSV2")
    #expect(code(events([0x91])) == 1002, "RSV3")
    for opcode: UInt8 in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] { #expect(code(events([0x80 | opcode])) == 1002) }
    #expect(code(events([0x81, 0x05])) == 1002, "not masked")
    #expect(code(events([0x81, 0x85], role: .client)) == 1002, "masked")
    #expect(code(events([0x09, 0x80])) == 1002, "fragmented ping")
    #expect(code(events([0x89, 0xfe])) == 1002, "long ping")
    #expect(code(events([0x80])) == 1002, "continuation of nothing")
    #expect(code(events([0x81, 0xfe, 0, 125, 0, 0, 0, 0])) == 1002, "length not in its shortest form")
    #expect(code(events([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0])) == 1002, "likewise")
    #expect(code(events([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])) == 1002, "top bit of the length")
    #expect(code(events([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0])) == 1009, "frame over 64 KiB")
    #expect(
      events(frame(0x01, [0x61]) + frame(0x81, [0x62])) == [
        .violation(WebSocketClose(code: 1002, reason: "new message inside a fragmented one"))
      ])
  }

  @Test func boundsMessages() {
    var limits = WebSocketLimits()
    limits.maximumMessage = 150
    let part = [UInt8](repeating: 0x61, count: 100)
    #expect(code(events(frame(0x01, part) + frame(0x80, part), limits: limits)) == 1009)
  }

  @Test(arguments: [
    [0xc0, 0xaf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5], [0x80], [0xff],
    [0x61, 0xc3, 0x28], [0xf0, 0x80, 0x80, 0x80], [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xed, 0xa0, 0x80, 0x65],
  ])
  func failsFastOnBadUTF8(_ bad: [UInt8]) {
    // Neither the frame nor the message ends.
    let begun = [0x01, 0xfe, 0x10, 0x00, 0, 0, 0, 0] + bad
    #expect(code(events(begun)) == 1007)
    #expect(code(events(begun, step: 1)) == 1007)
  }

  @Test func textEndsWithAWholeCharacter() {
    #expect(code(events(frame(0x81, [0x61, 0xe2, 0x82]))) == 1007)
    #expect(events(frame(0x81, [0xf4, 0x8f, 0xbf, 0xbf])) == [text("\u{10ffff}")])
  }

  @Test func readsCloseFrames() {
    func closes(_ payload: [UInt8]) -> [WebSocketSession.Event] { events(frame(0x88, payload)) }
    #expect(closes([]) == [.close(WebSocketClose(code: nil))])
    #expect(closes([0x03, 0xe8] + Array("bye".utf8)) == [.close(WebSocketClose(code: 1000, reason: "bye"))])
    #expect(code(closes([3])) == 1002)
    for bad in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16] {
      #expect(code(closes([UInt8(bad >> 8), UInt8(bad & 0xff)])) == 1002)
    }
    for good in [1001, 1007, 1011, 1014, 3000, 4999] as [UInt16] {
      #expect(closes([UInt8(good >> 8), UInt8(good & 0xff)]) == [.close(WebSocketClose(code: good))])
    }
    #expect(code(closes([0x03, 0xe8, 0xc3])) == 1007)
    #expect(code(closes([0x03, 0xe8] + [UInt8](repeating: 0x61, count: 124))) == 1002)
  }

  @Test func readsNothingAfterTheEnd() {
    #expect(events(frame(0x88, []) + frame(0x81, [0x61])).count == 1)
    #expect(events([0xff] + frame(0x81, [0x61])).count == 1)
  }

  @Test func readsWhatItWrites() {
    let long = ByteBuffer(repeating: 0x79, count: 200_000)
    for role in [WebSocketRole.client, .server] {
      var keys = SeededGenerator(seed: 3)
      let key: (() -> UInt32)? = role == .client ? { UInt32.random(in: .min ... .max, using: &keys) } : nil
      for message in [WebSocketMessage.text(ByteBuffer(string: "héllo")), .binary(long), .text(ByteBuffer())] {
        let frames = WebSocketFrames.encode(message, maskedWith: key)
        #expect(
          events(Array(frames.readableBytesView), role: role == .client ? .server : .client) == [.message(message)])
      }
    }
  }

  @Test func cutsReasonsThatAreTooLong() {
    let frame = WebSocketFrames.close(
      WebSocketClose(code: 1008, reason: String(repeating: "é", count: 100)), maskedWith: nil)
    #expect(frame.readableBytes <= 127)
    let close = WebSocketClose(code: 1008, reason: String(repeating: "é", count: 61))
    #expect(events(Array(frame.readableBytesView), role: .client) == [.close(close)])
  }

  @Test func survivesNoise() {
    var random = SeededGenerator(seed: 2)
    let good =
      frame(0x01, Array("hé".utf8)) + frame(0x89, [1]) + frame(0x80, Array("llo".utf8))
      + frame(0x82, [UInt8](repeating: 7, count: 300))
    for round in 0..<4_000 {
      var bytes = good
      for _ in 0..<(round % 5) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      if round % 7 == 0 { bytes = (0..<40).map { _ in UInt8.random(in: .min ... .max, using: &random) } }
      let step = Int.random(in: 1...bytes.count, using: &random)
      // However the bytes are cut, they mean the same.
      #expect(events(bytes, step: step) == events(bytes))
    }
  }
}
