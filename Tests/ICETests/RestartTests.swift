import ICE
import NIOCore
import TestSupport
import Testing

/// New generations in the middle of a call (RFC 8445 section 9): media never has nowhere to go.
@Suite struct RestartTests {
  private func connectedPair(seed: UInt64, loss: Double = 0) throws -> AgentPair {
    let conditions = LinkConditions(latency: .milliseconds(25), loss: loss)
    let pair = AgentPair(
      seed: seed, left: Site("192.0.2.1", conditions: conditions), right: Site("192.0.2.2", conditions: conditions))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(3))
    return pair
  }

  /// Begins anew on one side; the descriptions take 100 ms each way.
  private func restart(_ side: AgentEndpoint, of pair: AgentPair) {
    let other = side === pair.left ? pair.right : pair.left
    side.agent.restart(now: pair.network.now)
    side.drain()
    let offered = side.agent.localCredentials
    pair.network.schedule(after: .milliseconds(100)) {
      other.agent.setRemoteCredentials(offered, now: pair.network.now)
      other.drain()
      let answered = other.agent.localCredentials
      pair.network.schedule(after: .milliseconds(100)) {
        // An answer to an offer that was replaced is not taken.
        guard side.agent.localCredentials == offered else { return }
        side.agent.setRemoteCredentials(answered, now: pair.network.now)
        side.drain()
      }
    }
  }

  /// - Returns: whether every packet of ten seconds arrived, one each 20 ms both ways.
  private func everyPacketArrives(_ pair: AgentPair) -> Bool {
    let before = (pair.left.media.count, pair.right.media.count)
    for number in 0..<500 {
      pair.left.sendMedia("\(number)")
      pair.right.sendMedia("\(number)")
      pair.network.run(for: .milliseconds(20))
    }
    pair.network.run(for: .seconds(1))
    return pair.left.media.count - before.0 == 500 && pair.right.media.count - before.1 == 500
  }

  private func expectUndisturbed(_ pair: AgentPair) {
    for side in [pair.left, pair.right] {
      #expect(side.state == .completed)
      #expect(!side.stateNames.contains("disconnected"))
      #expect(!side.selections.contains(nil))
      #expect(side.agent.selectedPair?.local.usernameFragment == side.agent.localCredentials.usernameFragment)
      #expect(side.agent.selectedPair?.isNominated == true)
    }
  }

  @Test(arguments: [true, false]) func eitherSideMayRestart(leftRestarts: Bool) throws {
    let pair = try connectedPair(seed: 1)
    let old = [pair.left.agent.localCredentials, pair.right.agent.localCredentials]
    restart(leftRestarts ? pair.left : pair.right, of: pair)
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
    let new = [pair.left.agent.localCredentials, pair.right.agent.localCredentials]
    #expect(Set(old).isDisjoint(with: new))
  }

  @Test func bothMayRestartAtOnce() throws {
    let pair = try connectedPair(seed: 2)
    for side in [pair.left, pair.right] {
      side.agent.restart(now: pair.network.now)
      side.drain()
    }
    pair.network.schedule(after: .milliseconds(100)) { pair.exchangeCredentials() }
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
  }

  @Test func oneRestartMayOvertakeAnother() throws {
    let pair = try connectedPair(seed: 3)
    restart(pair.left, of: pair)
    pair.network.run(for: .milliseconds(150))
    restart(pair.left, of: pair)
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
  }

  /// The peer's new description takes 12 s: consent of the old generation goes on.
  @Test func mediaKeepsItsPathUntilThePeerAnswers() throws {
    let pair = try connectedPair(seed: 4)
    pair.left.agent.restart(now: pair.network.now)
    pair.left.drain()
    #expect(everyPacketArrives(pair))
    #expect(pair.left.isConnected)
    pair.right.agent.setRemoteCredentials(pair.left.agent.localCredentials, now: pair.network.now)
    pair.right.drain()
    #expect(pair.mediaFlows())
    pair.left.agent.setRemoteCredentials(pair.right.agent.localCredentials, now: pair.network.now)
    pair.left.drain()
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
  }

  @Test func serversAreAskedAgain() throws {
    let pair = AgentPair(
      seed: 5, left: Site("10.0.0.2", behind: .portRestricted, as: "203.0.113.1"), right: Site("192.0.2.2"))
    let server = SimulatedSTUNServer(at: ConnectivityTests.stun, on: pair.network)
    try pair.start(servers: [server.address])
    #expect(pair.connect())
    pair.network.run(for: .seconds(1))
    let before = (requests: server.requests, candidates: pair.left.candidates.count)
    restart(pair.left, of: pair)
    pair.network.run(for: .seconds(2))
    #expect(server.requests == before.requests + 2)
    let new = pair.left.candidates.dropFirst(before.candidates)
    #expect(new.map(\.type) == [.host, .serverReflexive])
    #expect(Set(new.map(\.usernameFragment)) == [pair.left.agent.localCredentials.usernameFragment])
    #expect(pair.left.agent.gatheringState == .complete)
  }

  /// An offer that restarts meets another and is rolled back.
  @Test func aRestartCanBeTakenBack() throws {
    let pair = try connectedPair(seed: 6)
    let old = pair.left.agent.localCredentials
    let told = pair.left.candidates.count
    pair.left.agent.restart(now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.candidates.count == told + 1)
    pair.network.run(for: .seconds(8))
    pair.left.agent.undoRestart(now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.agent.localCredentials == old)
    // What the peer knows already is not told again.
    #expect(pair.left.candidates.count == told + 1)
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
    // A later one is as good as any.
    restart(pair.left, of: pair)
    #expect(everyPacketArrives(pair))
    expectUndisturbed(pair)
  }

  @Test func aRestartThePeerKnowsOfCannotBeTakenBack() throws {
    let pair = try connectedPair(seed: 7)
    restart(pair.left, of: pair)
    pair.network.run(for: .seconds(1))
    let new = pair.left.agent.localCredentials
    pair.left.agent.undoRestart(now: pair.network.now)
    #expect(pair.left.agent.localCredentials == new)
    expectUndisturbed(pair)
  }
}
