import ICE
import NIOCore
import TestSupport
import Testing

/// What becomes of a call when the network goes away (RFC 7675).
@Suite struct ConsentTests {
  /// Outages begin at these steps of 271 ms after the pair is settled: every phase of the intervals between checks, with
  /// other random numbers each time.
  static let phases = Array(0..<16)

  private func settledPair(phase: Int = 0) throws -> AgentPair {
    let conditions = LinkConditions(latency: .milliseconds(25))
    let pair = AgentPair(
      seed: UInt64(phase), left: Site("192.0.2.1", conditions: conditions),
      right: Site("192.0.2.2", conditions: conditions))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(3) + .milliseconds(Int64(phase) * 271))
    return pair
  }

  /// - Returns: when it began and ended, and when each side got its last response: perhaps one that was on its way.
  @discardableResult
  private func outage(
    _ seconds: Int64, of pair: AgentPair
  ) -> (start: NIODeadline, end: NIODeadline, last: [NIODeadline]) {
    let start = pair.network.now
    pair.left.host.conditions.isDown = true
    pair.network.run(for: .seconds(1))
    let last = [pair.left, pair.right].compactMap { $0.agent.statistics.lastResponse }
    pair.network.run(for: .seconds(seconds - 1))
    pair.left.host.conditions.isDown = false
    let end = pair.network.now
    pair.network.run(for: .seconds(3))
    return (start, end, last)
  }

  @Test(arguments: [Int64(9), 29], phases) func anOutageIsShownAndSurvived(seconds: Int64, phase: Int) throws {
    let pair = try settledPair(phase: phase)
    let (start, end, _) = outage(seconds, of: pair)
    for side in [pair.left, pair.right] {
      #expect(!side.stateNames.contains("failed"))
      #expect(side.state == .completed)
      // Five seconds after the first check without an answer, of which there are two a second.
      let shown = try #require(side.states.last { $0.state == .disconnected }?.time)
      #expect(shown - start > .milliseconds(4_900) && shown - start < .milliseconds(5_600))
      let back = try #require(side.states.last { $0.state == .connected }?.time)
      #expect(back - end < .milliseconds(400))
    }
    #expect(pair.mediaFlows())
  }

  @Test(arguments: phases) func afterThirtySecondsConsentExpires(phase: Int) throws {
    let pair = try settledPair(phase: phase)
    let (start, _, last) = outage(31, of: pair)
    #expect(last.count == 2)
    for (side, last) in zip([pair.left, pair.right], last) {
      let failed = try #require(side.states.first { $0.state == .failed }?.time)
      #expect(failed == last + .seconds(30))  // exactly
      #expect(start - last < .milliseconds(600))
      #expect(side.agent.mediaRoute == nil)
      #expect(side.selections.last == .some(nil))
      #expect(side.state == .failed)
    }
  }

  @Test func aRestartBringsAFailedCallBack() throws {
    let pair = try settledPair()
    outage(31, of: pair)
    #expect(pair.left.state == .failed)
    pair.left.agent.restart(now: pair.network.now)
    pair.right.agent.restart(now: pair.network.now)
    pair.left.drain()
    pair.right.drain()
    pair.exchangeCredentials()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
  }

  /// 4...6 s apart, the times at random (RFC 7675 section 5.1).
  @Test func checksConsentEveryFiveSecondsOrSo() throws {
    var configuration = ICEAgent.Configuration()
    configuration.pathCheckInterval = .hours(1)
    let pair = AgentPair(
      seed: 7, left: Site("192.0.2.1"), right: Site("192.0.2.2"), configuration: configuration)
    try pair.start()
    #expect(pair.connect())
    var times: [NIODeadline] = []
    pair.left.host.loses = { datagram, _ in
      if let message = try? STUNMessage(parsing: datagram), message.messageClass == .request {
        times.append(pair.network.now)
      }
      return false
    }
    pair.network.run(for: .seconds(500))
    let intervals = zip(times.dropFirst(), times).map { $0 - $1 }
    #expect(intervals.allSatisfy { $0 >= .seconds(4) && $0 <= .seconds(6) })
    #expect(Set(intervals).count > intervals.count / 2)
    #expect(intervals.count > 90)
  }

  /// What an idle call costs: two checks a second each way.
  @Test func theSelectedPairIsCheckedTwiceASecond() throws {
    let pair = try settledPair()
    let before = pair.left.agent.statistics.requestsSent
    pair.network.run(for: .seconds(100))
    #expect((200...240).contains(pair.left.agent.statistics.requestsSent - before))
  }

  @Test(arguments: 0..<4) func lossDoesNotLookLikeAnOutage(seed: UInt64) throws {
    let lossy = LinkConditions(latency: .milliseconds(25), loss: 0.05)
    let pair = AgentPair(
      seed: 30 + seed, left: Site("192.0.2.1", conditions: lossy), right: Site("192.0.2.2", conditions: lossy))
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .minutes(2))
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
