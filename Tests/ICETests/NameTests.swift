import ICE
import NIOCore
import TestSupport
import Testing

/// Addresses that are hidden behind mDNS names, the peer's and our own.
@Suite struct NameTests {
  private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private let agent = ICEAgent(role: .controlling, random: SeededGenerator(seed: 1))
  private static let name = "ea4a316a-f6e6-474c-b1fb-fc1a5506e406.local"

  init() throws {
    agent.addLocalAddress(address("192.0.2.1", 5000), now: now)
    agent.addLocalAddress(address("2001:db8::1", 5001), now: now)
    agent.setRemoteCredentials(
      try ICECredentials(usernameFragment: "peer", password: "peerpeerpeerpeerpeerpeer"), now: now)
    _ = outputs()
  }

  private func outputs() -> (names: [String], checked: [TransportAddress]) {
    var (names, checked): ([String], [TransportAddress]) = ([], [])
    while let output = agent.pollOutput() {
      switch output {
      case .resolve(let name): names.append(name)
      case .transmit(_, let route): checked.append(route.remote)
      case .connect, .disconnect, .event: break
      }
    }
    return (names, checked)
  }

  private func add(_ text: String) throws -> ICEAgent.CandidateDisposition {
    agent.addRemoteCandidate(try #require(try Candidate.parse(text)), now: now)
  }

  @Test func aCandidateWaitsForItsName() throws {
    let text = "candidate:1 1 udp 2122252543 \(Self.name) 53092 typ host"
    #expect(try add(text) == .held)
    #expect(try add(text) == .known)
    // Another port of the same host; the name is asked for once.
    #expect(try add("candidate:2 1 udp 2122252542 \(Self.name.uppercased()) 53093 typ host") == .held)
    #expect(outputs() == ([Self.name], []))
    agent.resolved(Self.name.uppercased(), to: [address("192.0.2.2", 1), address("192.0.2.3", 1)], now: now)
    agent.handleTimeout(now: now + .milliseconds(100))
    // The first address of a family counts, with the candidates' ports.
    #expect(Set(outputs().checked) == [address("192.0.2.2", 53092), address("192.0.2.2", 53093)])
  }

  @Test func aNameWithoutAnAddressIsDropped() throws {
    #expect(try add("candidate:1 1 udp 2122252543 \(Self.name) 53092 typ host") == .held)
    agent.resolved(Self.name, to: [], now: now)
    agent.resolved("unknown.local", to: [address("192.0.2.2", 1)], now: now)
    agent.handleTimeout(now: now + .seconds(1))
    #expect(outputs() == ([Self.name], []))
    #expect(agent.connectionState == .checking)
  }

  /// They would send us to any host the peer likes, and tell its name server where we are.
  @Test func otherNamesAreNotLookedUp() throws {
    #expect(try add("candidate:1 1 udp 2122252543 host.example.org 53092 typ host") == .ignored(.name))
    #expect(outputs() == ([], []))
  }

  @Test func namesOfAPeerAreBounded() throws {
    for number in 0..<100 { _ = try add("candidate:1 1 udp 1 name\(number).local 5000 typ host") }
    #expect(outputs().names.count == 64)
    #expect(try add("candidate:1 1 udp 1 192.0.2.2 5000 typ host") == .ignored(.tooMany))
  }

  @Test func namesOfAnOlderGenerationAreForgotten() throws {
    #expect(try add("candidate:1 1 udp 1 \(Self.name) 5000 typ host") == .held)
    agent.setRemoteCredentials(
      try ICECredentials(usernameFragment: "again", password: "peerpeerpeerpeerpeerpeer"), now: now)
    agent.resolved(Self.name, to: [address("192.0.2.2")], now: now)
    agent.handleTimeout(now: now + .seconds(1))
    #expect(outputs().checked.isEmpty)
  }

  // MARK: Two agents

  private static func hiddenPair(seed: UInt64) -> AgentPair {
    let pair = AgentPair(
      seed: seed, left: Site("10.0.0.2", behind: .portRestricted, as: "203.0.113.1"),
      right: Site("10.0.1.2", behind: .portRestricted, as: "203.0.113.2"))
    for (side, name) in [(pair.left, "left.local"), (pair.right, "right.local")] {
      for base in side.bases { side.names[base] = name }
    }
    return pair
  }

  /// Nothing of ours says where we are at home; reflexive addresses do the work.
  @Test func ourAddressesAreHidden() throws {
    let pair = Self.hiddenPair(seed: 1)
    let server = SimulatedSTUNServer(at: address("198.51.100.1", 3478), on: pair.network)
    pair.left.usesTCP = true
    try pair.start(servers: [server.address])
    #expect(pair.connect())
    #expect(pair.left.candidates.allSatisfy { !$0.attribute.contains("10.0.0.2") })
    #expect(pair.left.candidates.filter { $0.attribute.contains(" left.local ") }.count == 3)
    let reflexive = try #require(pair.left.candidates.first { $0.type == .serverReflexive })
    #expect(reflexive.attribute.contains("raddr 0.0.0.0 rport 9"))
    #expect(pair.left.agent.selectedPair.map { !$0.local.attribute.contains("10.0.0.2") } == true)
    #expect(pair.right.namesToResolve == ["left.local"])
  }

  /// Two hidden agents in one network: names resolve, or one of them does, or the peer's checks tell enough.
  @Test(arguments: [true, false], [true, false]) func namesNeedNotBeResolved(left: Bool, right: Bool) throws {
    let pair = AgentPair(seed: 2, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    for (side, name) in [(pair.left, "left.local"), (pair.right, "right.local")] {
      for base in side.bases { side.names[base] = name }
    }
    try pair.start()
    pair.network.run(for: .seconds(3))
    for (side, other, resolves) in [(pair.left, pair.right, left), (pair.right, pair.left, right)] {
      let name = try #require(side.namesToResolve.first)
      side.agent.resolved(name, to: resolves ? [other.bases[0]] : [], now: pair.network.now)
      side.drain()
    }
    // With neither name nobody knows where to begin.
    #expect(pair.connect(limit: .seconds(20)) == (left || right))
    if left || right { #expect(pair.mediaFlows()) }
    if left != right { #expect((left ? pair.right : pair.left).agent.selectedPair?.remote.type == .peerReflexive) }
  }
}
