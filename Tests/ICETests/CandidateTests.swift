import ICE
import NIOCore
import TestSupport
import Testing

/// Candidate-attributes of both browsers, and of nobody.
@Suite struct CandidateTests {
  @Test(arguments: ["", "a=", "candidate:", "a=candidate:"]) func readsChromium(prefix: String) throws {
    let text = "1018790119 1 udp 2122194687 192.0.2.2 43829 typ host generation 0 ufrag PMlI network-id 1"
    let candidate = try #require(try Candidate.parse(prefix + text))
    #expect(candidate.foundation == "1018790119")
    #expect(candidate.component == 1)
    #expect(candidate.transport == .udp)
    #expect(candidate.priority == 2_122_194_687)
    #expect(candidate.transportAddress == address("192.0.2.2", 43829))
    #expect(candidate.type == .host)
    #expect(candidate.usernameFragment == "PMlI")
  }

  @Test func readsReflexiveAndIPv6() throws {
    let candidate = try #require(
      try Candidate.parse("candidate:2 1 UDP 1686052607 2001:db8::7 61000 typ srflx raddr fd00::2 rport 5000 x y\r\n"))
    #expect(candidate.type == .serverReflexive)
    #expect(candidate.transportAddress == address("2001:db8::7", 61000))
    #expect(candidate.relatedAddress == address("fd00::2", 5000))
  }

  @Test(arguments: ["", " ", "\r\n", "a=end-of-candidates", "end-of-candidates"])
  func knowsTheEndOfCandidates(text: String) throws {
    #expect(try Candidate.parse(text) == nil)
  }

  @Test func readsWhatItPrints() throws {
    let texts = [
      "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
      "candidate:a/+ 2 udp 0 2001:db8::1 1 typ srflx raddr 10.0.0.1 rport 99 ufrag abcd",
      "candidate:2 1 tcp 2105458943 ea4a316a-f6e6-474c-b1fb-fc1a5506e406.local 9 typ host tcptype active",
    ]
    for text in texts { #expect(try Candidate.parse(text)?.attribute == text) }
  }

  @Test(arguments: [
    ("candidate:1", CandidateError.missing("component")),
    ("candidate:1 0 udp 1 192.0.2.1 1 typ host", .malformed("component", value: "0")),
    ("candidate:1 1 sctp 1 192.0.2.1 1 typ host", .malformed("transport", value: "sctp")),
    ("candidate:1 1 udp 4294967296 192.0.2.1 1 typ host", .malformed("priority", value: "4294967296")),
    ("candidate:1 1 udp -1 192.0.2.1 1 typ host", .malformed("priority", value: "-1")),
    ("candidate:1 1 udp 1 192.0.2 1 typ host", nil),
    ("candidate:1 1 udp 1 2001:db8:::1 1 typ host", .malformed("connection address", value: "2001:db8:::1")),
    ("candidate:1 1 udp 1 192.0.2.1 65536 typ host", .malformed("port", value: "65536")),
    ("candidate:1 1 udp 1 192.0.2.1 1 type host", .missing("typ")),
    ("candidate:1 1 udp 1 192.0.2.1 1 typ hose", .malformed("type", value: "hose")),
    ("candidate:ü 1 udp 1 192.0.2.1 1 typ host", .malformed("foundation", value: "ü")),
  ])
  func namesWhatIsWrong(text: String, expected: CandidateError?) {
    var found: CandidateError?
    do {
      // "192.0.2" could be a name; it is held for one and of no use.
      if case .name = try Candidate.parse(text)?.address { found = nil }
    } catch {
      found = error
    }
    #expect(found == expected)
  }

  @Test(arguments: ["EEtu\u{FFFD}.local\r\r", "a\u{7}b", "é"])
  func passesOverExtensionsThatNobodyCanMean(value: String) throws {
    let text = "candidate:1 1 udp 1677729532 203.0.113.7 46154 typ srflx ufrag \(value) network-id 1"
    let candidate = try #require(try Candidate.parse(text))
    #expect(candidate.usernameFragment == nil)
    #expect(try Candidate.parse(candidate.attribute) == candidate)
  }

  @Test func boundsTheLength() {
    #expect(throws: CandidateError.tooLong(1200)) { try Candidate.parse(String(repeating: "x", count: 1200)) }
  }

  @Test func standsRandomText() {
    var random = SeededGenerator(seed: 3)
    let words = [
      "candidate:", "1", "2", "udp", "tcp", "typ", "host", "srflx", "raddr", "rport", "::", "192.0.2.1", "x.local",
      "99999999999999999999", "-1", "\u{0}", "é", "ufrag", "tcptype", "65535", "%", "fe80::1%eth0", "a=",
    ]
    var read = 0
    for _ in 0..<20_000 {
      let text =
        Bool.random(using: &random)
        ? (0..<Int.random(in: 0...14, using: &random)).compactMap { _ in words.randomElement(using: &random) }
          .joined(separator: " ")
        : "1 1 udp 1 192.0.2.1 1 typ host".map { character in
          Int.random(in: 0..<12, using: &random) == 0 ? words.randomElement(using: &random) ?? "" : String(character)
        }.joined()
      if let candidate = try? Candidate.parse(text) {
        read += 1
        #expect((try? Candidate.parse(candidate.attribute)) == candidate)
      }
    }
    #expect(read > 100)
  }

  // MARK: What the agent makes of them

  private func agent() throws -> ICEAgent {
    let agent = ICEAgent(role: .controlling, random: SeededGenerator(seed: 1))
    agent.addLocalAddress(address("192.0.2.1", 5000), now: .uptimeNanoseconds(0))
    agent.setRemoteCredentials(
      try ICECredentials(usernameFragment: "PMlI", password: "abcdefghijklmnopqrstuv"), now: .uptimeNanoseconds(0))
    return agent
  }

  @Test(
    arguments: [
      ("candidate:1 1 UDP 2122252543 host.example.org 53092 typ host", .name),
      ("candidate:2 1 TCP 2105458943 192.0.2.2 9 typ host tcptype active", .tcp),
      ("candidate:0 2 UDP 2122187006 192.0.2.2 39451 typ host", .otherComponent),
      ("candidate:0 1 UDP 2122187006 192.0.2.2 39451 typ host ufrag olds", .otherGeneration),
      ("candidate:0 1 UDP 2122187006 0.0.0.0 39451 typ host", .unusableAddress),
      ("candidate:0 1 UDP 2122187006 192.0.2.2 0 typ host", .unusableAddress),
      ("candidate:0 1 UDP 2122187006 239.1.2.3 5000 typ host", .unusableAddress),
      ("candidate:0 1 UDP 2122187006 255.255.255.255 5000 typ host", .unusableAddress),
      ("candidate:0 1 UDP 2122187006 ff02::fb 5000 typ host", .unusableAddress),
      ("candidate:0 1 UDP 2122187006 ::ffff:192.0.2.2 5000 typ host", .unusableAddress),
    ] as [(String, ICEAgent.CandidateDisposition.Reason)])
  func dropsQuietlyWhatIsOfNoUse(text: String, reason: ICEAgent.CandidateDisposition.Reason) throws {
    let agent = try agent()
    let candidate = try #require(try Candidate.parse(text))
    #expect(agent.addRemoteCandidate(candidate, now: .uptimeNanoseconds(0)) == .ignored(reason))
    var transmitted = 0
    while let output = agent.pollOutput() {
      if case .transmit = output { transmitted += 1 }
    }
    #expect(transmitted == 0)
  }

  @Test func boundsTheCandidatesOfAPeer() throws {
    let agent = try agent()
    var dispositions: [ICEAgent.CandidateDisposition] = []
    for port in UInt16(1)...500 {
      let candidate = Candidate(
        foundation: "1", priority: UInt32(port), address: .ip(address("192.0.2.2", port)), type: .host)
      dispositions.append(agent.addRemoteCandidate(candidate, now: .uptimeNanoseconds(0)))
    }
    #expect(dispositions.filter { $0 == .added }.count == 64)
    #expect(dispositions.last == .ignored(.tooMany))
  }

  @Test func readsServerURIs() throws {
    func server(_ uri: String) throws -> String { try ICEServer(uri: uri).description }
    #expect(try server("stun:stun.example.org") == "stun:stun.example.org:3478")
    #expect(try server("STUN:192.0.2.1:99") == "stun:192.0.2.1:99")
    #expect(try server("stun:[2001:db8::1]:99") == "stun:[2001:db8::1]:99")
    #expect(try server("turns:turn.example.org") == "turns:turn.example.org:5349")
    #expect(try server("turn:turn.example.org?transport=tcp") == "turn:turn.example.org:3478?transport=tcp")
    // What there may be beside a list: each transport at a port that is named for its like.
    let listed = try ["stun:a", "turn:a:443", "turns:a", "turn:b?transport=tcp"].map {
      try ICEServer(uri: $0, username: "u", credential: "c")
    }
    let unlisted = ICEServer.unlistedWays(to: listed)
    #expect(
      unlisted.map(\.description) == ["turn:a:443?transport=tcp", "turn:b:3478", "turns:b:5349"])
    #expect(unlisted.allSatisfy { $0.credential == "c" })
    #expect(throws: ICEServerError.unknownScheme("http")) { try ICEServer(uri: "http://x") }
    #expect(throws: ICEServerError.badHost("")) { try ICEServer(uri: "stun:") }
    #expect(throws: ICEServerError.badPort(":0")) { try ICEServer(uri: "stun:x:0") }
    #expect(throws: ICEServerError.badHost("//x")) { try ICEServer(uri: "stun://x") }
    #expect(throws: ICEServerError.unknownQuery("transport=tcp")) { try ICEServer(uri: "stun:x?transport=tcp") }
  }

  @Test func looksUpNames() async throws {
    let loopback = [address("127.0.0.1", 3478), address("::1", 3478)]
    let found = try await ICEServer(uri: "stun:localhost").resolve()
    #expect(!found.isEmpty)
    #expect(found.allSatisfy(loopback.contains))
    await #expect(throws: ICEServerError.self) { try await ICEServer(uri: "stun:no-such-host.invalid").resolve() }
  }
}
