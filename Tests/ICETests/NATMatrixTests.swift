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

  /// Longer than a box remembers: the other side's phone rings for two minutes.
  @Test(arguments: boxes, [Means.reflexive, .relay]) func mappingsLastWhileThePhoneRings(
    left: NAT.Kind?, means: Means
  ) throws {
    let right = means == .relay ? NAT.Kind.symmetric : .fullCone
    let pair = TransportPair(
      seed: 3, left: Self.site(left, isLeft: true, .v4), right: Self.site(right, isLeft: false, .v4))
    let server = means == .relay ? try pair.server() : try pair.stun()
    pair.gather(left: [server], right: [server])
    pair.network.run(for: .minutes(2))
    pair.exchangeCredentials()
    #expect(pair.connect(limit: .seconds(4)))
    #expect(pair.mediaFlows())
  }

  // MARK: On bad networks

  /// Percent lost on the way between the two, each way.
  static let losses = [0, 10, 20, 40]
  static let families = [TransportAddress.Family.v4, .v6]
  /// Each two boxes once.
  static let pairs = boxes.indices.flatMap { left in boxes[left...].map { (boxes[left], $0) } }

  private static func rough(percent: Int) -> LinkConditions {
    // Each packet passes two links.
    var conditions = LinkConditions(
      latency: .milliseconds(25), jitter: .milliseconds(20), loss: Double(percent) / 200)
    conditions.reordering = 0.1
    conditions.duplication = 0.05
    return conditions
  }

  /// An outcome in which no matter by whom a reflexive address is known: with losses that is chance.
  private static func kinds(_ types: [CandidateType]) -> [CandidateType] {
    types.map { $0 == .peerReflexive ? .serverReflexive : $0 }
  }

  /// With all means at hand every pair of boxes gets the way that theory says. With four in ten lost the search for a better
  /// one may end before that has worked once; then it is the relay.
  @Test(arguments: boxes, boxes) func takesTheBestWayInSpiteOfLoss(left: NAT.Kind?, right: NAT.Kind?) throws {
    let expected = try #require(Self.outcome(left, right, .relay))
    for family in Self.families {
      for percent in Self.losses {
        let pair = try Self.pair(
          seed: UInt64(100 + percent), left, right, family, .relay, conditions: Self.rough(percent: percent))
        let context = Comment(rawValue: "\(family), \(percent) %")
        #expect(pair.connect(limit: .seconds(10)), context)
        pair.network.run(for: .seconds(3))
        let types = Self.kinds(pair.left.selectedTypes)
        let isBest = types == Self.kinds([expected.local, expected.remote])
        #expect(isBest || percent == 40 && types.contains(.relay), context)
        for side in pair.sides { #expect(!side.states.contains(.failed), context) }
      }
    }
  }

  /// Without a relay, and without any server, the same pairs get through as on good networks.
  @Test(arguments: boxes, boxes) func getsThroughWithoutARelayInSpiteOfLoss(
    left: NAT.Kind?, right: NAT.Kind?
  ) throws {
    for (number, percent) in Self.losses.dropFirst().enumerated() {
      for means in [Means.host, .reflexive] {
        let family = Self.families[number % 2]
        let expected = Self.outcome(left, right, means)
        let pair = try Self.pair(
          seed: UInt64(400 + percent), left, right, family, means, conditions: Self.rough(percent: percent))
        let context = Comment(rawValue: "\(family), \(percent) %, \(means)")
        #expect(pair.connect(limit: .seconds(expected == nil ? 4 : 15)) == (expected != nil), context)
        guard let expected else { continue }
        #expect(Self.kinds(pair.left.selectedTypes) == Self.kinds([expected.local, expected.remote]), context)
      }
    }
  }

  /// Both begin again at the same time while media flows: it never has nowhere to go.
  @Test(arguments: pairs) func bothSidesRestartInSpiteOfLoss(left: NAT.Kind?, right: NAT.Kind?) throws {
    for percent in Self.losses {
      let pair = try Self.pair(
        seed: UInt64(200 + percent), left, right, .v4, .relay, conditions: Self.rough(percent: percent))
      #expect(pair.connect(limit: .seconds(15)))
      pair.network.run(for: .seconds(5))
      for side in pair.sides {
        side.transport.restart(now: pair.network.now)
        side.drain()
      }
      pair.network.schedule(after: .milliseconds(150)) { pair.exchangeCredentials() }
      let media = pair.exchangeMedia(for: .seconds(5), every: .milliseconds(100))
      // Of what was sent, about as much arrives as the network lets through: 0.7 is more than four standard deviations.
      let share = percent == 0 ? 1 : (1 - Double(percent) / 200) * (1 - Double(percent) / 200) * 0.7
      #expect(Double(min(media.fromLeft, media.fromRight)) >= Double(media.sent) * share, "\(percent) %")
      for side in pair.sides {
        #expect(!side.states.contains(.failed))
        #expect(!side.selections.contains(nil))
        let fragment = side.transport.localCredentials.usernameFragment
        #expect(side.transport.selectedPair?.local.usernameFragment == fragment, "\(percent) %")
      }
    }
  }

  /// Both think that they choose, or that the other does; the agents settle it on the way.
  @Test(arguments: pairs) func aRoleConflictIsSettledInSpiteOfLoss(left: NAT.Kind?, right: NAT.Kind?) throws {
    guard Self.passes(left, right) else { return }
    for percent in Self.losses {
      for role in [ICEAgent.Role.controlling, .controlled] {
        let conditions = Self.rough(percent: percent)
        let pair = AgentPair(
          seed: UInt64(300 + percent), left: Self.site(left, isLeft: true, .v4, conditions: conditions),
          right: Self.site(right, isLeft: false, .v4, conditions: conditions), roles: (role, role))
        let server = SimulatedSTUNServer(at: ConnectivityTests.stun, on: pair.network)
        try pair.start(servers: [server.address])
        #expect(pair.connect(limit: .seconds(15)), "\(percent) %")
        #expect(pair.left.agent.currentRole != pair.right.agent.currentRole)
      }
    }
  }

  // MARK: Outages

  /// Nine seconds and 29 are survived on every kind of way; after 30 consent is over, on both sides.
  @Test(arguments: pairs) func anOutageCostsACallOnlyAfterThirtySeconds(
    left: NAT.Kind?, right: NAT.Kind?
  ) throws {
    for means in Means.allCases where Self.outcome(left, right, means) != nil {
      // With a relay at hand these would take the direct way once more.
      if means == .relay, Self.passes(left, right) { continue }
      for seconds in [9, 29, 31] as [Int64] {
        let pair = try Self.pair(
          seed: UInt64(500 + seconds), left, right, .v4, means, conditions: LinkConditions(latency: .milliseconds(25)))
        #expect(pair.connect(limit: .seconds(4)))
        pair.network.run(for: .seconds(7))
        let types = pair.left.selectedTypes
        pair.left.host.conditions.isDown = true
        pair.network.run(for: .seconds(seconds))
        pair.left.host.conditions.isDown = false
        pair.network.run(for: .seconds(2))
        for side in pair.sides {
          #expect(side.states.contains(.disconnected))
          #expect(side.states.contains(.failed) == (seconds > 30), "\(means), \(seconds) s")
          #expect(side.isConnected == (seconds < 30), "\(means), \(seconds) s")
        }
        guard seconds < 30 else { continue }
        #expect(pair.left.selectedTypes == types)
        #expect(pair.mediaFlows())
      }
    }
  }
}
