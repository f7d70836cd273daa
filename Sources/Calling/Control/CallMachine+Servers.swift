import NIOCore

/// Waiting for the STUN and TURN servers that the chat server names.
extension CallMachine {
  /// We are about to ask the chat server which STUN and TURN servers there are.
  mutating func expectServers(now: NIODeadline) {
    serversDue = now + configuration.serversPatience
  }

  mutating func serversKnown(now: NIODeadline) {
    serversDue = nil
    if hasDevices, case .opening(let offer) = stage { connect(offer, now: now) }
  }

  /// Begins the connection. Somebody who calls at once after logging in waits a moment for the ICE servers first: a
  /// connection that was made without them finds no way out of a NAT.
  mutating func connect(_ offer: Offer?, now: NIODeadline) {
    if let serversDue, now < serversDue {
      deadline = serversDue
    } else if let offer {
      take(offer, now: now)
    } else {
      makeOffer(now: now)
    }
  }
}
