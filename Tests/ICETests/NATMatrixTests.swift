import ICE
import NIOCore
import TestSupport
import Testing

/// Every kind of box before either side, with what each side may use: which way the call takes, or that there is none.
@Suite struct NATMatrixTests {
  /// Nil: no box.
  static let boxes: [NAT.Kind?] = [nil] + NAT.Kind.allCases

  enum Means: CaseIterable {
    case host, reflexive, relay
  }

  struct Outcome: Equatable {
    /// Types of the left side's local and remote candidate.
    let local: CandidateType
    let remote: CandidateType
  }

  /// Which pairs of NATs two server-reflexive candidates get through; RFC 8445 leaves the rest to relays.
  static func passes(_ left: NAT.Kind?, _ right: NAT.Kind?) -> Bool {
    let hard: [NAT.Kind?] = [.symmetric, .portRestricted]
    return !((left == .symmetric && hard.contains(right)) || (right == .symmetric && hard.contains(left)))
  }

  /// What theory says; nil: no connection.
  static func outcome(_ left: NAT.Kind?, _ right: NAT.Kind?, _ means: Means) -> Outcome? {
    let direct = Outcome(local: type(left, means), remote: type(right, means))
    switch means {
    case .host: return left == nil || right == nil ? direct : nil
    case .reflexive: return passes(left, right) ? direct : nil
    // The side that chooses prefers its own end to be direct; so the relay is that of the other one.
    case .relay: return passes(left, right) ? direct : Outcome(local: direct.local, remote: .relay)
    }
  }

  /// What a side's address turns out to be. A symmetric NAT shows the peer another address than the server.
  private static func type(_ box: NAT.Kind?, _ means: Means) -> CandidateType {
    switch box {
    case nil: .host
    case .symmetric: .peerReflexive
    case .fullCone, .addressRestricted, .portRestricted: means == .host ? .peerReflexive : .serverReflexive
    }
  }

  private static func site(
    _ box: NAT.Kind?, isLeft: Bool, _ family: TransportAddress.Family, conditions: LinkConditions = .init()
  ) -> Site {
    let number = isLeft ? 1 : 2
    let (inside, outside) =
      family == .v4 ? ("10.0.\(number).2", "203.0.113.\(number)") : ("fd00:\(number)::2", "2001:db8:\(number)::1")
    return box.map { Site(inside, behind: $0, as: outside, conditions: conditions) }
      ?? Site(outside, conditions: conditions)
  }

  private static func pair(
    seed: UInt64, _ left: NAT.Kind?, _ right: NAT.Kind?, _ family: TransportAddress.Family, _ means: Means,
    conditions: LinkConditions = .init()
  ) throws -> TransportPair {
    let pair = TransportPair(
      seed: seed, left: site(left, isLeft: true, family, conditions: conditions),
      right: site(right, isLeft: false, family, conditions: conditions))
    switch means {
    case .host: pair.start()
    case .reflexive: pair.start(left: [try pair.stun()], right: [try pair.stun()])
    case .relay: pair.start(left: [try pair.server()], right: [try pair.server()])
    }
    return pair
  }

  private static func check(
    _ left: NAT.Kind?, _ right: NAT.Kind?, _ family: TransportAddress.Family, _ means: Means
  ) throws {
    let pair = try pair(seed: 1, left, right, family, means)
    let expected = outcome(left, right, means)
    #expect(pair.connect(limit: .seconds(4)) == (expected != nil))
    guard let expected else { return }
    pair.network.run(for: .seconds(1))
    #expect(pair.left.selectedTypes == [expected.local, expected.remote])
    let media = pair.exchangeMedia(for: .milliseconds(500), every: .milliseconds(100))
    #expect(media.fromLeft == media.sent && media.fromRight == media.sent)
  }

  @Test(arguments: boxes, boxes) func withHostCandidates(left: NAT.Kind?, right: NAT.Kind?) throws {
    for family in [TransportAddress.Family.v4, .v6] { try Self.check(left, right, family, .host) }
  }

  @Test(arguments: boxes, boxes) func withASTUNServer(left: NAT.Kind?, right: NAT.Kind?) throws {
    for family in [TransportAddress.Family.v4, .v6] { try Self.check(left, right, family, .reflexive) }
  }

  @Test(arguments: boxes, boxes) func withARelay(left: NAT.Kind?, right: NAT.Kind?) throws {
    for family in [TransportAddress.Family.v4, .v6] { try Self.check(left, right, family, .relay) }
  }

  /// One side may use nothing but its relay: the other is seen as what its box makes of it.
  @Test(arguments: boxes, [NAT.Kind?.none, .portRestricted, .symmetric]) func withRelayOnly(
    left: NAT.Kind?, right: NAT.Kind?
  )
    throws
  {
    let pair = TransportPair(
      seed: 2, left: Self.site(left, isLeft: true, .v4), right: Self.site(right, isLeft: false, .v4),
      relayOnly: (true, false))
    pair.start(left: [try pair.server()], right: [try pair.stun()])
    #expect(pair.connect(limit: .seconds(6)))
    #expect(Set(pair.left.candidates.map(\.type)) == [.relay])
    #expect(pair.left.transport.selectedPair?.local.type == .relay)
    #expect(pair.right.transport.selectedPair?.remote.type == .relay)
    #expect(pair.left.candidates.allSatisfy { $0.relatedAddress?.isUsable == false })
    let media = pair.exchangeMedia(for: .milliseconds(500), every: .milliseconds(100))
    #expect(media.fromLeft == media.sent && media.fromRight == media.sent)
  }

  // MARK: On bad networks

  /// Percent lost on the way between the two, each way.
  static let losses = [0, 10, 20, 40]

  private static func rough(percent: Int) -> LinkConditions {
    // Each packet passes two links.
    var conditions = LinkConditions(
      latency: .milliseconds(25), jitter: .milliseconds(20), loss: Double(percent) / 200)
    conditions.reordering = 0.1
    conditions.duplication = 0.05
    return conditions
  }

  @Test(arguments: [Means.reflexive, .relay], losses) func connectsInSpiteOfLoss(means: Means, percent: Int) throws {
    for (seed, box) in NAT.Kind.allCases.enumerated() {
      let left = means == .relay ? NAT.Kind.symmetric : .portRestricted
      guard Self.outcome(left, box, means) != nil else { continue }
      let pair = try Self.pair(
        seed: UInt64(100 + seed), left, box, .v4, means, conditions: Self.rough(percent: percent))
      #expect(pair.connect(limit: .seconds(15)))
      pair.network.run(for: .seconds(10))
      for side in pair.sides { #expect(!side.states.contains(.failed)) }
    }
  }

  /// Both begin again at the same time while media flows: it never has nowhere to go.
  @Test(arguments: [Means.reflexive, .relay], losses)
  func bothSidesRestartInSpiteOfLoss(means: Means, percent: Int) throws {
    let left = means == .relay ? NAT.Kind.symmetric : .fullCone
    let pair = try Self.pair(
      seed: UInt64(200 + percent), left, .portRestricted, .v4, means, conditions: Self.rough(percent: percent))
    #expect(pair.connect(limit: .seconds(15)))
    pair.network.run(for: .seconds(5))
    for side in pair.sides {
      side.transport.restart(now: pair.network.now)
      side.drain()
    }
    pair.network.schedule(after: .milliseconds(150)) { pair.exchangeCredentials() }
    let media = pair.exchangeMedia(for: .seconds(6), every: .milliseconds(20))
    // Of what was sent, about as much arrives as the network lets through: 0.8 is more than four standard deviations.
    let share = (1 - Double(percent) / 200) * (1 - Double(percent) / 200) * 0.8
    #expect(Double(min(media.fromLeft, media.fromRight)) >= Double(media.sent) * share)
    if percent == 0 { #expect(min(media.fromLeft, media.fromRight) >= media.sent) }
    for side in pair.sides {
      #expect(!side.states.contains(.failed))
      #expect(!side.selections.contains(nil))
      let fragment = side.transport.localCredentials.usernameFragment
      #expect(side.transport.selectedPair?.local.usernameFragment == fragment)
    }
  }

  /// Both think that they choose; the agents settle it on the way.
  @Test(arguments: losses) func aRoleConflictIsSettledInSpiteOfLoss(percent: Int) throws {
    for role in [ICEAgent.Role.controlling, .controlled] {
      let conditions = Self.rough(percent: percent)
      let pair = AgentPair(
        seed: UInt64(300 + percent), left: Self.site(.fullCone, isLeft: true, .v4, conditions: conditions),
        right: Self.site(.portRestricted, isLeft: false, .v4, conditions: conditions), roles: (role, role))
      let server = SimulatedSTUNServer(at: ConnectivityTests.stun, on: pair.network)
      try pair.start(servers: [server.address])
      #expect(pair.connect(limit: .seconds(15)))
      #expect(pair.left.agent.currentRole != pair.right.agent.currentRole)
    }
  }
}
