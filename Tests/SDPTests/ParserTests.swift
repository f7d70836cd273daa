import SDP
import Testing

@Suite struct ParserTests {
  private static let head = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

  private func problem(_ text: String, limits: SDPLimits = .standard) -> SDPError? {
    do {
      _ = try SessionDescription(parsing: text, limits: limits)
      return nil
    } catch {
      return error
    }
  }

  @Test func theShortestDescription() throws {
    let description = try SessionDescription(parsing: Self.head)
    #expect(description.origin == Origin(sessionID: 1, version: 2))
    #expect(description.media.isEmpty)
    #expect(description.description == Self.head)
  }

  @Test(arguments: [
    ("", "v="), ("v=0\n", "o="), ("v=0\no=- 1 2 IN IP4 0\n", "s="), ("v=0\no=- 1 2 IN IP4 0\ns=-\n", "t="),
  ])
  func aLineThatHasToBeThere(_ text: String, missing: String) {
    #expect(problem(text)?.problem == .missing(missing))
  }

  @Test func theFirstLineHasToBeTheVersion() {
    #expect(problem("v=1\r\n") == SDPError.at(1, .notVersion0("v=1")))
    #expect(problem("{\"type\":\"offer\"}")?.problem == .notVersion0("{\"type\":\"offer\"}"))
  }

  @Test(arguments: [
    ("m=audio", "m="), ("m=audio x UDP/TLS/RTP/SAVPF 0", "m="), ("m=audio 65536 UDP/TLS/RTP/SAVPF 0", "m="),
    ("m=audio 9 UDP/TLS/RTP/SAVPF 128", "m="), ("m=audio 9 UDP/TLS/RTP/SAVPF", "m="), ("o=- 1 2", "o="),
    ("o=- -1 2 IN IP4 0", "o="), ("b=AS", "b="), ("b=AS:-5", "b="), ("a=", "a="), ("a=:x", "a="),
    ("a=group:", "a=group"),
    ("a=fingerprint:sha-256 AB:CD", "a=fingerprint"), ("a=fingerprint:sha-256", "a=fingerprint"),
    ("a=fingerprint:foo AB:C", "a=fingerprint"), ("a=setup:both", "a=setup"), ("a=ice-ufrag:a b", "a=ice-ufrag"),
    ("a=ice-pwd", "a=ice-pwd"), ("a=extmap:0 urn:x", "a=extmap"), ("a=extmap:1", "a=extmap"),
    ("a=extmap:1/sideways urn:x", "a=extmap"),
  ])
  func aMalformedSessionLine(_ line: String, name: String) {
    let value = String(line.dropFirst(line.hasPrefix("a=") && line != "a=" && line != "a=:x" ? name.count + 1 : 2))
    #expect(problem(Self.head + line + "\r\n") == SDPError.at(5, .malformed(name, value: value)))
  }

  @Test(arguments: [
    ("rtpmap", "96"), ("rtpmap", "96 VP8"), ("rtpmap", "96 VP8/0"), ("rtpmap", "96 VP8/9/0"), ("rtpmap", "x VP8/90000"),
    ("rtpmap", "200 VP8/90000"), ("fmtp", "96"), ("fmtp", ""), ("rtcp-fb", "96"), ("rtcp-fb", "* "), ("mid", ""),
    ("mid", "a b"), ("msid", ""), ("msid", "a b c"), ("ssrc", "1"), ("ssrc", "x cname:y"),
    ("ssrc", "4294967296 cname:y"),
    ("ssrc-group", ""), ("ssrc-group", "FID 1 x"),
  ])
  func aMalformedMediaLine(_ name: String, value: String) {
    let text = Self.head + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=\(name):\(value)\r\n"
    #expect(problem(text) == SDPError.at(6, .malformed("a=" + name, value: value)))
  }

  @Test func linesThatAreNone() {
    #expect(problem(Self.head + "hello\r\n") == SDPError.at(5, .notALine("hello")))
    #expect(problem(Self.head + "A=x\r\n") == SDPError.at(5, .notALine("A=x")))
    #expect(problem(Self.head + "a=x\u{0}y\r\n") == SDPError.at(5, .controlCharacter))
    #expect(problem(Self.head + "a=x\ry\r\n") == SDPError.at(5, .controlCharacter))
  }

  @Test func limits() {
    let limits = SDPLimits(bytes: 400, lineBytes: 40, linesPerSection: 6, sections: 2)
    let section = "m=audio 9 RTP/AVP 0\r\n"
    #expect(problem(Self.head + section + section, limits: limits) == nil)
    #expect(problem(Self.head + section + section + section, limits: limits)?.problem == .tooManySections(limit: 2))
    #expect(problem(Self.head + "a=x\na=x\n", limits: limits) == nil)
    #expect(problem(Self.head + "a=x\na=x\na=x\n", limits: limits) == SDPError.at(7, .tooManyLines(limit: 6)))
    #expect(
      problem(Self.head + "a=" + String(repeating: "x", count: 39), limits: limits)
        == SDPError.at(5, .lineTooLong(limit: 40)))
    #expect(problem(String(repeating: "x", count: 401), limits: limits)?.problem == .tooLarge(limit: 400))
  }

  @Test func theSessionLevelSpeaksForSectionsThatDoNot() throws {
    let text =
      Self.head
        + """
        c=IN IP4 192.0.2.7
        a=recvonly
        a=ice-ufrag:sess
        a=ice-pwd:sessionsessionsession1
        a=setup:passive
        a=extmap:1 urn:one
        a=extmap:2 urn:two
        m=audio 9 RTP/AVP 0
        m=video 9 RTP/AVP 96
        c=IN IP4 192.0.2.8
        a=sendonly
        a=ice-ufrag:sect
        a=ice-pwd:sectionsectionsection1
        a=setup:active
        a=extmap:9 urn:one
        """
    let media = try SessionDescription(parsing: text).media
    #expect(media.map(\.connection) == ["IN IP4 192.0.2.7", "IN IP4 192.0.2.8"])
    #expect(media.map(\.direction) == [.recvonly, .sendonly])
    #expect(media.map(\.transport.iceUfrag) == ["sess", "sect"])
    #expect(media.map(\.transport.setup) == [.passive, .active])
    #expect(media[0].headerExtensions.map(\.id) == [1, 2])
    #expect(media[1].headerExtensions.map(\.id) == [9, 2])
  }

  @Test func whatIsSaidOfPayloadTypesNotListedIsDropped() throws {
    let text = Self.head + "m=video 9 RTP/AVP 96 96\na=rtpmap:97 VP9/90000\na=rtcp-fb:* nack\na=rtpmap:96 VP8/90000\n"
    let section = try SessionDescription(parsing: text).media[0]
    #expect(section.payloadFormats.map(\.payloadType) == [96])
    #expect(section.feedback(for: section.payloadFormats[0]) == [.nack])
  }

  @Test func formatParameters() {
    let parameters: FormatParameters = "minptime=10; UseInbandFEC=1;flag;x=a=b"
    #expect(parameters["minptime"] == "10")
    #expect(parameters["useinbandfec"] == "1")
    #expect(parameters["x"] == "a=b")
    #expect(parameters["flag"] == nil)
  }

  @Test func messagesNameTheLine() {
    let error = problem(Self.head + "a=setup:\u{e9}vil" + String(repeating: "y", count: 900))
    #expect("\(error?.description ?? "")".hasPrefix("SDP line 5: malformed a=setup: \"?vilyyy"))
    #expect("\(error?.description ?? "")".utf8.count < 120)
  }
}

extension SDPError {
  fileprivate static func at(_ line: Int, _ problem: Problem) -> SDPError { SDPError(line: line, problem: problem) }
}
