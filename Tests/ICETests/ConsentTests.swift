import ICE
import NIOCore
import TestSupport
import Testing

/// What becomes of a call when the network goes away (RFC 7675).
@Suite struct ConsentTests {
  /// A connected pair at a moment when both sides were answered within the last 100 ms. It takes some minutes of virtual
  /// time until their random intervals fall together.
  private func pairJustAnswered(seed: UInt64) throws -> AgentPair {
    let pair = AgentPair(seed: seed, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    try pair.start()
    #expect(pair.connect())
    let sides = [pair.left, pair.right]
    let fellTogether = pair.network.run(limit: .hours(1)) {
      sides.allSatisfy { side in
        guard let last = side.agent.statistics.lastResponse else { return false }
        return side.state == .completed && pair.network.now - last < .milliseconds(100)
      }
    }
    #expect(fellTogether)
    return pair
  }

  private func outage(_ seconds: Int64, of pair: AgentPair) -> (last: [NIODeadline], end: NIODeadline) {
    let last = [pair.left, pair.right].compactMap { $0.agent.statistics.lastResponse }
    pair.left.host.conditions.isDown = true
    pair.network.run(for: .seconds(seconds))
    pair.left.host.conditions.isDown = false
    let end = pair.network.now
    pair.network.run(for: .seconds(20))
    return (last, end)
  }

  @Test(arguments: 0..<4) func nineSecondsAreSurvived(seed: UInt64) throws {
    let pair = try pairJustAnswered(seed: seed)
    let (_, end) = outage(9, of: pair)
    for side in [pair.left, pair.right] {
      #expect(!side.stateNames.contains("failed"))
      #expect(side.state == .completed)
      let back = side.states.last { $0.state == .connected || $0.state == .completed }?.time
      #expect(try #require(back) < end + .seconds(6))
    }
    #expect(pair.mediaFlows())
  }

  /// Consent runs 30 s from the last response, not from the start of the outage: an outage that begins when that response
  /// is some seconds old has as many seconds less.
  @Test(arguments: 0..<4) func twentyNineSecondsFromTheLastResponseAreSurvivedAndShown(seed: UInt64) throws {
    let pair = try pairJustAnswered(seed: seed)
    let (last, end) = outage(29, of: pair)
    #expect(last.count == 2)
    for (side, last) in zip([pair.left, pair.right], last) {
      #expect(side.stateNames.suffix(3).contains("disconnected"))
      #expect(side.state == .completed)
      // Between one consent check and five seconds after it: 4...6 s + 5 s.
      let shown = try #require(side.states.last { $0.state == .disconnected }?.time)
      #expect(shown - last >= .seconds(9) && shown - last <= .milliseconds(11_100))
      // Back with the next check, twice a second.
      let back = try #require(side.states.last { $0.state == .connected || $0.state == .completed }?.time)
      #expect(back - end < .seconds(1))
    }
    #expect(pair.mediaFlows())
  }

  @Test(arguments: 0..<4) func thirtyOneSecondsFromTheLastResponseAreNot(seed: UInt64) throws {
    let pair = try pairJustAnswered(seed: seed)
    let (last, _) = outage(31, of: pair)
    for (side, last) in zip([pair.left, pair.right], last) {
      let failed = try #require(side.states.first { $0.state == .failed }?.time)
      #expect(failed == last + .seconds(30))  // exactly
      #expect(side.agent.mediaPath == nil)
      #expect(side.selections.last == .some(nil))
      #expect(side.state == .failed)
    }
  }

  @Test func aRestartBringsAFailedCallBack() throws {
    let pair = try pairJustAnswered(seed: 5)
    _ = outage(31, of: pair)
    #expect(pair.left.state == .failed)
    pair.left.agent.restart(now: pair.network.now)
    pair.right.agent.restart(now: pair.network.now)
    pair.left.drain()
    pair.right.drain()
    pair.exchangeCredentials()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
  }

  @Test func mediaKeepsItsPathThroughARestart() throws {
    let pair = try pairJustAnswered(seed: 6)
    let old = pair.left.agent.localCredentials
    pair.left.agent.restart(now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.agent.localCredentials != old)
    // The peer's new description takes 12 s: consent of the old generation goes on.
    pair.network.run(for: .seconds(12))
    #expect(pair.mediaFlows())
    #expect(pair.left.isConnected)
    // The peer learns of it by our new credentials, and begins anew itself.
    pair.right.agent.setRemoteCredentials(pair.left.agent.localCredentials, now: pair.network.now)
    pair.right.drain()
    #expect(pair.mediaFlows())
    pair.left.agent.setRemoteCredentials(pair.right.agent.localCredentials, now: pair.network.now)
    pair.left.drain()
    #expect(pair.mediaFlows())
    pair.network.run(for: .seconds(60))
    for side in [pair.left, pair.right] {
      #expect(side.state == .completed)
      #expect(!side.stateNames.contains("disconnected"))
      #expect(!side.selections.contains(nil))
      #expect(side.selections.last??.local.usernameFragment == side.agent.localCredentials.usernameFragment)
    }
  }

  /// Checks go out 4...6 s apart, the times at random (RFC 7675 section 5.1).
  @Test func checksConsentEveryFiveSecondsOrSo() throws {
    let pair = AgentPair(seed: 7, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    let before = pair.left.agent.statistics.requestsSent
    pair.network.run(for: .seconds(500))
    let checks = pair.left.agent.statistics.requestsSent - before
    #expect((90...110).contains(checks))
  }

  @Test(arguments: 0..<4) func lossDoesNotLookLikeAnOutage(seed: UInt64) throws {
    let lossy = LinkConditions(latency: .milliseconds(25), loss: 0.05)
    let pair = AgentPair(
      seed: 30 + seed, left: Site("192.0.2.1", conditions: lossy), right: Site("192.0.2.2", conditions: lossy))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .minutes(10))
    #expect(!pair.left.stateNames.contains("disconnected"))
    #expect(!pair.right.stateNames.contains("disconnected"))
  }

  @Test func anotherPairTakesOverWhenThePathIsSilent() throws {
    let pair = AgentPair(
      seed: 40, left: Site("2001:db8::1", "192.0.2.1"), right: Site("2001:db8::2", "192.0.2.2"))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(10))
    #expect(pair.left.agent.selectedPair?.localAddress.family == .v6)
    for side in [pair.left, pair.right] {
      side.host.loses = { _, remote in remote.family == .v6 }
    }
    pair.network.run(for: .seconds(25))
    for side in [pair.left, pair.right] {
      #expect(side.isConnected)
      #expect(side.agent.selectedPair?.localAddress.family == .v4)
    }
    #expect(pair.mediaFlows())
  }
}
