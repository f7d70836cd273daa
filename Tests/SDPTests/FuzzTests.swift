import SDP
import TestSupport
import Testing

/// Whatever a peer sends: no trap, and whatever is taken keeps its promises.
@Suite struct FuzzTests {
  @Test(arguments: Fixture.all)
  func mutatedDescriptions(_ fixture: Fixture) throws {
    let original = Array(try fixture.text().utf8)
    var random = SeededGenerator(seed: UInt64(original.count))
    for _ in 0..<50 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, using: &random) }
      try check(String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test func randomLines() throws {
    let pieces = [
      "v=0", "o=- 1 1 IN IP4 0", "s=-", "t=0 0", "m=audio 9 RTP/AVP 0", "m=video 0 UDP/TLS/RTP/SAVPF 96 97", "a=mid:",
      "a=group:BUNDLE", "a=ssrc:", "a=extmap:", "a=rtcp-fb:*", "\r\n", "\n", " ", "/", ":", "=", "1", "65536",
      "\u{301}", "\t",
      "\u{0}", "a=candidate:", "a=msid:", "b=AS:", "c=", "a=fmtp:96 apt=", "18446744073709551616", "-1",
    ]
    var random = SeededGenerator(seed: 7)
    for _ in 0..<1500 {
      let text = (0..<Int.random(in: 0...40, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
      try check("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\n" + text.joined())
      try check(text.joined())
    }
  }

  private func check(_ text: String) throws {
    guard let description = try? SessionDescription(parsing: text) else { return }
    #expect(try SessionDescription(parsing: description.description) == description)
    if (try? description.validateAsOffer()) != nil {
      var callee = Caller()
      let answer = try callee.answer(description)
      try answer.validate(asAnswerTo: description)
      _ = NegotiatedMedia.all(local: answer, remote: description)
      try callee.offer().validateAsOffer()
    }
    var caller = Caller()
    _ = caller.offer()
    _ = try? caller.accept(description)
  }

  private func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
    let position = Int.random(in: 0..<bytes.count, using: &random)
    let other = Int.random(in: 0..<bytes.count, using: &random)
    let length = min(Int.random(in: 1...40, using: &random), bytes.count - max(position, other))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[position] = Array("0123456789 :/=-\n".utf8).randomElement(using: &random) ?? 0
    case 2: bytes.removeSubrange(position..<position + length)
    case 3: bytes.insert(contentsOf: bytes[other..<other + length], at: position)
    case 4: bytes.replaceSubrange(position..<position + length, with: bytes[other..<other + length])
    default: bytes.removeSubrange(position...)
    }
    if bytes.isEmpty { bytes = [0x76] }
  }
}
