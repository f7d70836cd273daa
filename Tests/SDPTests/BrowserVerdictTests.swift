import SDP
import Testing

/// What is done to a browser's description, and what comes of it. The changes are those that both browsers were tried
/// with; what both refuse has to be refused here with the same reason, and what both take has to be taken.
struct Mutation: CustomTestStringConvertible, Sendable {
  enum Outcome: Hashable {
    case accepted
    case unreadable(SDPError.Problem)
    case refused(NegotiationError)
  }

  let name: String
  let asOffer: Outcome
  let asAnswer: Outcome
  let change: @Sendable (_ lines: [String]) -> [String]

  var testDescription: String { name }

  init(
    _ name: String, asOffer: Outcome = .accepted, asAnswer: Outcome = .accepted,
    _ change: @escaping @Sendable (_ lines: [String]) -> [String]
  ) {
    self.name = name
    self.asOffer = asOffer
    self.asAnswer = asAnswer
    self.change = change
  }

  /// Both browsers refuse it in either role.
  init(
    _ name: String, _ outcome: Outcome, _ change: @escaping @Sendable (_ lines: [String]) -> [String]
  ) {
    self.init(name, asOffer: outcome, asAnswer: outcome, change)
  }
}

private func without(_ prefixes: String...) -> @Sendable ([String]) -> [String] {
  { lines in lines.filter { line in !prefixes.contains { line.hasPrefix($0) } } }
}

private func replacing(_ prefix: String, _ line: @escaping @Sendable (String) -> String)
  -> @Sendable ([String]) -> [String]
{
  { lines in lines.map { $0.hasPrefix(prefix) ? line($0) : $0 } }
}

/// The session level and each section apart.
private func sections(_ lines: [String]) -> [[String]] {
  lines.reduce(into: [[]]) { result, line in
    if line.hasPrefix("m=") { result.append([]) }
    result[result.count - 1].append(line)
  }
}

private let mutations: [Mutation] = [
  Mutation("unchanged") { $0 },
  Mutation("no rtcp-mux", .refused(.missingRTCPMux(section: "0")), without("a=rtcp-mux")),
  Mutation("no fingerprint", .refused(.missingFingerprint(section: "0")), without("a=fingerprint")),
  Mutation("no ufrag", .refused(.missingICECredentials(section: "0")), without("a=ice-ufrag")),
  Mutation("no pwd", .refused(.missingICECredentials(section: "0")), without("a=ice-pwd")),
  Mutation(
    "short pwd", .refused(.invalidICEPassword(section: "0")), replacing("a=ice-pwd") { _ in "a=ice-pwd:short" }),
  Mutation("no t line", .unreadable(.missing("t=")), without("t=")),
  Mutation(
    "payload type without rtpmap", .refused(.payloadTypeWithoutCodec(section: "1", payloadType: 77)),
    replacing("m=video") { $0 + " 77" }),
  Mutation(
    "one m-line only", asOffer: .refused(.bundleNamesAbsentMid("1")),
    asAnswer: .refused(.sectionCount(expected: 2, found: 1))
  ) { sections($0).dropLast().flatMap { $0 } },
  Mutation(
    "m-lines swapped", asAnswer: .refused(.sectionKind(index: 0, expected: .audio, found: .video))
  ) { lines in [0, 2, 1].flatMap { sections(lines)[$0] } },
  // Firefox refuses this one, and Chromium takes it.
  Mutation("no mid", .refused(.bundleNamesAbsentMid("0")), without("a=mid")),
  Mutation(
    "setup actpass", asAnswer: .refused(.invalidSetup(section: "0", .actpass)),
    replacing("a=setup") { _ in "a=setup:actpass" }),
  // Both browsers take this answer, and then media never connects.
  Mutation("no BUNDLE group", asAnswer: .refused(.notBundled(section: "0")), without("a=group")),
  Mutation("setup passive", replacing("a=setup") { _ in "a=setup:passive" }),
  Mutation("no setup", without("a=setup")),
  Mutation("no rtcp-rsize", without("a=rtcp-rsize")),
  Mutation("no ice-options", without("a=ice-options")),
  Mutation("no msid", without("a=msid:")),
  Mutation("no ssrc lines", without("a=ssrc")),
  Mutation("no extmap", without("a=extmap")),
  Mutation("no direction", without("a=sendrecv")),
  Mutation("no c line", without("c=")),
  Mutation("no rtcp line", without("a=rtcp:")),
  Mutation("lower-case fingerprint") { lines in
    lines.map { line in
      guard line.hasPrefix("a=fingerprint:sha-256 ") else { return line }
      return line.lowercased()
    }
  },
  Mutation("upper-case hash name", replacing("a=fingerprint") { "a=fingerprint:SHA-256" + $0.dropFirst(21) }),
  Mutation("fingerprint at session level") { lines in
    let fingerprint = lines.filter { $0.hasPrefix("a=fingerprint") }.prefix(1)
    return sections(lines.filter { !$0.hasPrefix("a=fingerprint") }).enumerated().flatMap {
      $0.offset == 0 ? $0.element + fingerprint : $0.element
    }
  },
  Mutation("transport in the first section only") { lines in
    sections(lines).enumerated().flatMap {
      $0.offset < 2 ? $0.element : without("a=ice-", "a=fingerprint", "a=setup")($0.element)
    }
  },
  Mutation("video rejected", replacing("m=video") { "m=video 0" + $0.dropFirst(9) }),
  Mutation("profile RTP/SAVPF", replacing("m=") { $0.replacing("UDP/TLS/", with: "") }),
  Mutation("profile RTP/AVP", replacing("m=") { $0.replacing("UDP/TLS/RTP/SAVPF", with: "RTP/AVP") }),
  Mutation("no ssrc lines and no extmap", without("a=ssrc", "a=extmap")),
  Mutation("wrong fingerprint", replacing("a=fingerprint") { $0.dropLast(2) + "00" }),
  Mutation("VP8 and Opus only") { lines in
    sections(lines).flatMap { section -> [String] in
      guard let words = section.first?.split(separator: " "), words.count > 3 else { return section }
      let others = words.dropFirst(4).flatMap { ["a=rtpmap:\($0) ", "a=fmtp:\($0) ", "a=rtcp-fb:\($0) "] }
      return [words.prefix(4).joined(separator: " ")]
        + section.dropFirst().filter { line in !others.contains { line.hasPrefix($0) } }
    }
  },
  Mutation("unknown attributes") { lines in lines + ["a=x-unknown:hello", "a=x-flag"] },
]

@Suite struct BrowserVerdictTests {
  @Test(arguments: Fixture.browsers, mutations)
  func offer(from browser: String, _ mutation: Mutation) throws {
    let lines = try lines(of: Fixture(browser: browser, name: "offer"))
    let outcome = outcome(of: mutation.change(lines)) { try Negotiation(sessionID: 1).validate(offer: $0) }
    #expect(outcome == mutation.asOffer)
  }

  @Test(arguments: Fixture.browsers, mutations)
  func answer(from browser: String, _ mutation: Mutation) throws {
    // The offer and answer fixtures are of different calls of one browser with itself, so they fit together.
    let offer = try Fixture(browser: browser, name: "offer").description()
    let lines = try lines(of: Fixture(browser: browser, name: "answer"))
    let outcome = outcome(of: mutation.change(lines)) { try $0.validate(asAnswerTo: offer) }
    #expect(outcome == mutation.asAnswer)
  }

  @Test(arguments: Fixture.browsers)
  func lineEndsDoNotMatter(_ browser: String) throws {
    let fixture = Fixture(browser: browser, name: "offer")
    let lines = try lines(of: fixture)
    let description = try fixture.description()
    #expect(try SessionDescription(parsing: lines.joined(separator: "\n")) == description)
    #expect(try SessionDescription(parsing: lines.joined(separator: "\r\n")) == description)
    #expect(try SessionDescription(parsing: lines.joined(separator: "\n") + "\n\n") == description)
  }

  @Test(arguments: Fixture.browsers)
  func everyMDNAnswerFitsItsOffer(_ browser: String) throws {
    for round in ["mdn-", "mdn-second-"] {
      let offer = try Fixture(browser: browser, name: round + "offer").description()
      try offer.validateAsOffer()
      try Fixture(browser: browser, name: round + "answer").description().validate(asAnswerTo: offer)
    }
  }

  private func lines(of fixture: Fixture) throws -> [String] {
    try fixture.text().split(separator: "\r\n").map(String.init)
  }

  private func outcome(
    of lines: [String], check: (SessionDescription) throws -> Void
  ) -> Mutation.Outcome? {
    do {
      try check(SessionDescription(parsing: lines.map { $0 + "\r\n" }.joined()))
      return .accepted
    } catch let error as SDPError {
      return .unreadable(error.problem)
    } catch let error as NegotiationError {
      return .refused(error)
    } catch {
      return nil
    }
  }
}
