import ICE
import NIOCore
import TestSupport
import Testing

/// Agents find each other through what the network puts between them.
@Suite struct ConnectivityTests {
  static let stun = address("198.51.100.1", 3478)

  @Test(arguments: [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
  func connectsWithoutNAT(ips: (String, String)) throws {
    let pair = AgentPair(seed: 1, left: Site(ips.0), right: Site(ips.1))
    try pair.start()
    let started = pair.network.now
    #expect(pair.connect())
    // One trip of the candidates, one round trip for the check, one for the nomination: no waiting in between.
    #expect(pair.network.now - started < .milliseconds(20 + 20 + 20 + 30))
    #expect(pair.mediaFlows())
    #expect(pair.left.agent.selectedPair?.local.type == .host)
    #expect(pair.left.agent.selectedPair?.remoteAddress == address(ips.1, 5000))
    pair.network.run(for: .seconds(3))
    #expect(pair.left.stateNames == ["checking", "connected", "completed"])
    #expect(pair.right.stateNames == ["checking", "connected", "completed"])
  }

  @Test func findsThePeerBehindTheSameNATDirectly() throws {
    let pair = AgentPair(seed: 4, left: Site("10.0.0.2"), right: Site("10.0.0.3"))
    try pair.start()
    #expect(pair.connect())
    #expect(pair.left.agent.selectedPair?.remote.type == .host)
  }

  /// The callee tells nothing: the caller's checks are enough to find it (RFC 8863).
  @Test(arguments: [true, false]) func connectsByPeerReflexiveCandidates(leftIsSilent: Bool) throws {
    let pair = AgentPair(seed: 5, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    let silent = leftIsSilent ? "192.0.2.1" : "192.0.2.2"
    pair.carries = { $0.transportAddress?.ip != silent }
    try pair.start()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    let talker = leftIsSilent ? pair.right : pair.left
    #expect(talker.agent.selectedPair?.remote.type == .peerReflexive)
  }

  @Test func peerReflexiveCandidatesGetTheirTrueTypeWhenToldLater() throws {
    let pair = AgentPair(seed: 6, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    pair.carries = { $0.transportAddress?.ip != "192.0.2.2" }
    try pair.start()
    #expect(pair.connect())
    let candidate = try #require(pair.right.candidates.first)
    #expect(pair.left.agent.addRemoteCandidate(candidate, now: pair.network.now) == .known)
  }

  @Test(arguments: [0, 10, 20, 30, 40], 0..<6) func connectsInSpiteOfLoss(percent: Int, seed: UInt64) throws {
    let lossy = LinkConditions(latency: .milliseconds(25), jitter: .milliseconds(10), loss: Double(percent) / 200)
    let pair = AgentPair(
      seed: 100 + seed, left: Site("192.0.2.1", conditions: lossy), right: Site("192.0.2.2", conditions: lossy))
    try pair.start()
    #expect(pair.connect(limit: .seconds(20)))
    pair.network.run(for: .seconds(15))
    #expect(!pair.left.stateNames.contains("failed"))
    #expect(!pair.right.stateNames.contains("failed"))
  }

  @Test(arguments: 0..<5) func standsDuplicatesAndReordering(seed: UInt64) throws {
    var rough = LinkConditions(latency: .milliseconds(40), jitter: .milliseconds(60), loss: 0.05)
    rough.duplication = 0.3
    rough.reordering = 0.3
    let pair = AgentPair(
      seed: 200 + seed, left: Site("192.0.2.1", conditions: rough), right: Site("192.0.2.2", conditions: rough))
    try pair.start()
    #expect(pair.connect())
    #expect(pair.left.agent.selectedPair?.remoteAddress == pair.right.bases[0])
  }

  @Test func prefersTheBetterPairWhenItComesLate() throws {
    let pair = AgentPair(
      seed: 7, left: Site("2001:db8::1", "192.0.2.1"), right: Site("2001:db8::2", "192.0.2.2"))
    pair.carries = { $0.transportAddress?.family == .v4 }
    try pair.start()
    #expect(pair.connect())
    #expect(pair.left.agent.selectedPair?.remoteAddress.family == .v4)
    for (side, other) in [(pair.left, pair.right), (pair.right, pair.left)] {
      let late = try #require(other.candidates.first { $0.transportAddress?.family == .v6 })
      side.agent.addRemoteCandidate(late, now: pair.network.now)
      side.drain()
    }
    pair.network.run(for: .seconds(1))
    for side in [pair.left, pair.right] {
      #expect(side.agent.selectedPair?.remoteAddress.family == .v6)
      #expect(side.agent.selectedPair?.isNominated == true)
    }
    #expect(pair.mediaFlows())
  }

  @Test func asksAgainToKeepTheMappingWhileThePhoneRings() throws {
    let network = SimulatedNetwork(seed: 8)
    let server = SimulatedSTUNServer(at: Self.stun, on: network)
    let host = Site("10.0.0.2", behind: .portRestricted, as: "203.0.113.1").host(on: network)
    let caller = AgentEndpoint(.controlling, on: host, network: network, seed: 8)
    caller.gather(servers: [Self.stun])
    network.run(for: .seconds(46))
    #expect(server.requests == 4)  // at 0, 15, 30 and 45 s
    #expect(caller.candidates.map(\.type) == [.host, .serverReflexive])
    #expect(caller.candidates.last?.transportAddress?.ip == "203.0.113.1")
    #expect(caller.candidates.last?.relatedAddress == caller.bases[0])
  }

  @Test func gatheringEndsWithoutAnAnswerOfTheServer() throws {
    let network = SimulatedNetwork(seed: 9)
    let caller = AgentEndpoint(
      .controlling, on: Site("192.0.2.1").host(on: network), network: network, seed: 9)
    caller.gather(servers: [Self.stun, address("198.51.100.9", 3478)])
    #expect(caller.agent.gatheringState == .gathering)
    network.run(for: .seconds(11))
    #expect(caller.agent.gatheringState == .complete)
    #expect(caller.candidates.count == 1)
  }
}
