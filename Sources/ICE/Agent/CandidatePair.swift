internal import NIOCore

/// A connectivity check under way.
struct Check {
  var transaction: STUNTransaction
  /// The role it claims; a 487 for a role we have left since is stale.
  let role: ICEAgent.Role
  let nominates: Bool

  /// Rc and Rm of RFC 8489 section 6.2.1 at an RTO of 500 ms come to this; here it is the limit for any RTO.
  static let lifetime = TimeAmount.milliseconds(39_500)
  /// For pairs in reserve: one that is silent for so long is none.
  static let reserveLifetime = TimeAmount.seconds(5)
  /// Checks do not back off beyond this: the RTO, which grows with the number of checks (RFC 8445 section 14.3), keeps their
  /// pace. So a path that loses much, or comes back just before consent expires, is found in time.
  static let longestInterval = TimeAmount.milliseconds(500)
}

/// A local base and a remote candidate (RFC 8445 section 6.1.2). Reflexive local candidates have none of their own: theirs
/// would be the same packets (section 6.1.2.4).
struct CandidatePair {
  /// RFC 8445 section 6.1.2.6. With one stream and one component nothing waits for another foundation; frozen are the
  /// pairs that were set aside when a better one was nominated.
  enum State {
    case frozen, waiting, inProgress, succeeded, failed
  }

  let base: Base
  /// Over TCP, with local port 0 until there is a connection.
  var route: Route
  var localPriority: UInt32
  var remotePriority: UInt32
  var priority: UInt64 = 0
  var state = State.waiting
  var check: Check?
  /// Until when the TCP connection that was asked for may take; nil if none was.
  var connectsUntil: NIODeadline?
  /// Nominated by us or by the peer, and valid.
  var isNominated = false
  /// The peer has sent USE-CANDIDATE before the pair was valid.
  var isNominatedByPeer = false
  /// Whether it ran out of time once; then it holds up failure no more, however often the peer triggers it.
  var hasFailed = false
  /// The address the peer sees us at: the local candidate of the valid pair (RFC 8445 section 7.2.5.3.2).
  var mapped: TransportAddress?
  var lastResponse: NIODeadline?
  var roundTripTime: TimeAmount?

  /// A check has yet to show whether it works.
  var isPending: Bool { state == .waiting || state == .inProgress }

  /// Whether a TCP connection has to be made before anything can be sent.
  var needsConnection: Bool { base.kind == .connector && route.local.port == 0 }

  /// Whether it can't be tried again: a connection that the peer made is gone.
  var isLost: Bool { base.kind == .listener && state == .failed }

  var nextDeadline: NIODeadline? { connectsUntil ?? check?.transaction.nextDeadline }

  mutating func updatePriority(role: ICEAgent.Role) {
    priority =
      role == .controlling
      ? Priority.pair(controlling: localPriority, controlled: remotePriority)
      : Priority.pair(controlling: remotePriority, controlled: localPriority)
  }

  mutating func measured(_ sample: TimeAmount) {
    roundTripTime = sample.smoothed(into: roundTripTime)
  }
}

extension TimeAmount {
  /// A round trip taken into the smoothed one (gain of RFC 6298 section 2).
  func smoothed(into average: TimeAmount?) -> TimeAmount {
    average.map { .nanoseconds(($0.nanoseconds * 7 + nanoseconds) / 8) } ?? self
  }
}
