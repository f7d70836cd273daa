import ICE
import NIOCore
import TestSupport
import Testing

/// Interfaces that go and come in the middle of a call.
@Suite struct RoamingTests {
  /// The left side has a cable, 192.0.2.1, and a radio, 198.18.0.1.
  private func pair(seed: UInt64, unplugged: String? = nil) throws -> AgentPair {
    let pair = AgentPair(seed: seed, left: Site("192.0.2.1", "198.18.0.1"), right: Site("192.0.2.2"))
    if let unplugged { pair.left.unplugged = pair.left.bases.filter { $0.ip == unplugged } }
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    return pair
  }

  private func restart(_ pair: AgentPair) {
    pair.left.agent.restart(now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .milliseconds(50))
    pair.right.agent.setRemoteCredentials(pair.left.agent.localCredentials, now: pair.network.now)
    pair.right.drain()
    pair.network.run(for: .milliseconds(50))
    pair.left.agent.setRemoteCredentials(pair.right.agent.localCredentials, now: pair.network.now)
    pair.left.drain()
  }

  @Test func mediaMovesAtOnceToAnotherInterface() throws {
    let pair = try pair(seed: 1)
    #expect(pair.left.agent.mediaRoute?.local == pair.left.bases[0])
    // Long after the pairs were found: those in reserve were kept warm.
    pair.network.run(for: .minutes(5))
    pair.left.unplug(pair.left.bases[0])
    #expect(pair.left.agent.mediaRoute?.local == pair.left.bases[1])
    let before = pair.right.media.count
    pair.left.sendMedia("at once")
    pair.network.run(for: .milliseconds(20))
    #expect(pair.right.media.count == before + 1)
    // The peer comes after as soon as it misses an answer: the other pair was nominated.
    pair.network.run(for: .milliseconds(1_200))
    #expect(pair.right.agent.mediaRoute?.remote == pair.left.bases[1])
    #expect(pair.mediaFlows())
    #expect(!pair.left.selections.contains(nil))
    for side in [pair.left, pair.right] { #expect(!side.stateNames.contains("failed")) }
  }

  @Test func theRestartThatFollowsBringsThePeerAtOnce() throws {
    let pair = try pair(seed: 2)
    pair.left.unplug(pair.left.bases[0])
    restart(pair)
    pair.network.run(for: .milliseconds(300))
    #expect(pair.right.agent.mediaRoute?.remote == pair.left.bases[1])
    #expect(pair.mediaFlows())
    #expect(!pair.right.stateNames.contains("disconnected"))
  }

  @Test func withoutAnotherInterfaceItWaitsForOne() throws {
    let pair = try pair(seed: 3, unplugged: "198.18.0.1")
    pair.left.unplug(pair.left.bases[0])
    #expect(pair.left.agent.mediaRoute == nil)
    #expect(pair.left.state == .disconnected)
    pair.network.run(for: .seconds(20))
    #expect(pair.left.state == .disconnected)
    pair.left.plug(pair.left.bases[1])
    restart(pair)
    pair.network.run(for: .milliseconds(500))
    #expect(pair.mediaFlows())
    for side in [pair.left, pair.right] { #expect(!side.stateNames.contains("failed")) }
    #expect(pair.left.agent.localCandidates.map(\.transportAddress) == [pair.left.bases[1]])
  }

  /// It needs no restart: the peer learns of it by candidates and checks of the same generation.
  @Test func aNewInterfaceIsTakenUpWithoutARestart() throws {
    let pair = try pair(seed: 4, unplugged: "198.18.0.1")
    pair.left.unplug(pair.left.bases[0])
    pair.network.run(for: .seconds(2))
    let fragment = pair.left.agent.localCredentials.usernameFragment
    pair.left.plug(pair.left.bases[1])
    pair.network.run(for: .seconds(1))
    #expect(pair.mediaFlows())
    for side in [pair.left, pair.right] { #expect(side.isConnected) }
    #expect(pair.left.candidates.last?.usernameFragment == fragment)
    #expect(pair.left.candidates.last?.transportAddress == pair.left.bases[1])
  }

  /// UDP between them is blocked until the cable is plugged in; it has the number of the interface that was there before.
  @Test func aBetterInterfaceIsPreferredToARelay() throws {
    let pair = AgentPair(seed: 5, left: Site("192.0.2.1", "10.0.0.1"), right: Site("192.0.2.2"))
    let relay = SimulatedRelay("198.51.100.1", on: pair.network)
    pair.left.relay = relay
    pair.left.unplugged = [pair.left.bases[0]]
    // The other interface leads nowhere.
    pair.right.host.loses = { _, remote in remote.ip == "10.0.0.1" }
    pair.left.host.loses = { [left = pair.left] _, _ in !left.unplugged.isEmpty }
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    #expect(pair.left.agent.selectedPair?.local.type == .relay)
    pair.left.plug(pair.left.bases[0])
    pair.network.run(for: .seconds(2))
    for side in [pair.left, pair.right] {
      #expect(side.agent.selectedPair?.local.type == .host)
      #expect(side.agent.selectedPair?.isNominated == true)
      #expect(!side.selections.contains(nil))
    }
    #expect(pair.mediaFlows())
  }

  @Test func anAllocationThatIsLostIsLikeAnInterface() throws {
    let pair = AgentPair(seed: 6, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    let relays = [
      SimulatedRelay("198.51.100.1", on: pair.network), SimulatedRelay("198.51.100.2", over: .tls, on: pair.network),
    ]
    // Only relays lead to the other side; the peer has one, too.
    for side in [pair.left, pair.right] { side.host.loses = { _, remote in remote.ip.hasPrefix("192.0.2.") } }
    pair.left.relay = relays[0]
    pair.right.relay = relays[1]
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    let lost = try #require(pair.left.candidates.first { $0.type == .relay }?.transportAddress)
    #expect([pair.left.agent.mediaRoute?.local, pair.left.agent.mediaRoute?.remote].contains(lost))
    pair.left.unplug(lost)
    pair.network.run(for: .seconds(10))
    #expect(pair.left.agent.selectedPair?.remote.type == .relay)
    #expect(pair.mediaFlows())
  }

  /// The interface goes while the new generation is still on its way.
  @Test func thePathMayGoInTheMiddleOfARestart() throws {
    let pair = try pair(seed: 7)
    pair.left.agent.restart(now: pair.network.now)
    pair.left.drain()
    pair.left.unplug(pair.left.bases[0])
    #expect(pair.left.agent.mediaRoute == nil)
    #expect(pair.left.state == .disconnected)
    pair.right.agent.setRemoteCredentials(pair.left.agent.localCredentials, now: pair.network.now)
    pair.right.drain()
    pair.left.agent.setRemoteCredentials(pair.right.agent.localCredentials, now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .milliseconds(300))
    #expect(pair.left.agent.mediaRoute?.local == pair.left.bases[1])
    #expect(pair.mediaFlows())
  }

  @Test func interfacesThatComeAndGoLeaveNothingBehind() throws {
    let pair = try pair(seed: 8, unplugged: "198.18.0.1")
    for _ in 0..<200 {
      pair.left.plug(pair.left.bases[1])
      pair.network.run(for: .milliseconds(100))
      pair.left.unplug(pair.left.bases[1])
    }
    #expect(pair.left.agent.localCandidates.count == 1)
    #expect(pair.left.state == .completed || pair.left.state == .connected)
    #expect(pair.mediaFlows())
  }
}
