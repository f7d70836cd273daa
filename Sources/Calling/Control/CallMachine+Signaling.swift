import NIOCore
import Signaling

// What comes from the server and the peer.

extension CallMachine {
  mutating func setOwnName(_ name: String) {
    ownName = name
    actions.append(.event(.ownName(name)))
  }

  mutating func setUsers(_ names: [String]) {
    let wasReachable = isPeerReachable
    isOnline = true
    users = names
    actions.append(.event(.users(names)))
    // A restart that had to wait for this, or was lost with the connection, goes out now.
    if recovery != nil, !wasReachable, isPeerReachable { setRecovery { $0.next = .distantPast } }
    guard !isIdle, !names.contains(status.peer) else { return }
    switch stage {
    case .incoming, .opening(.some): missed("\(status.peer) called and left the chat.")
    case .calling, .opening(nil): end(.unavailable)
    // The media need no server: whether the peer is really gone, its own silence will tell.
    case .connecting, .up, .idle: break
    }
  }

  mutating func serverLost() {
    isOnline = false
    setRecovery { $0.next = $0.until }
    switch stage {
    case .incoming: missed("\(status.peer) called, but the connection to the server broke.")
    case .calling, .opening: end(.failed("the connection to the server broke while calling"))
    case .connecting, .up, .idle: break
    }
  }

  /// - Parameter isFromOurs: whether the offer says that a Glyphone made it.
  mutating func offerCame(from name: String, sdp: String, isFromOurs: Bool, now: NIODeadline) {
    let offer = Offer(sdp: sdp, isFromOurs: isFromOurs)
    guard !isIdle else { return ring(offer, from: name, now: now) }
    guard name == status.peer else {
      // A hang-up is the one "busy" that a page understands too.
      actions.append(.sendHangUp(to: name, .busy))
      return notice(.warning, "Missed call from \(name), who heard that you are busy.")
    }
    switch stage {
    case .idle: break
    case .incoming: stage = .incoming(offer)
    case .opening(nil):
      // Both want the call and our offer is not out yet: theirs it is.
      stage = .opening(offer: offer)
      changePhase(.connecting)
    case .opening(.some): stage = .opening(offer: offer)
    case .calling: bothCalled(offer, from: name, now: now)
    case .connecting, .up:
      isPeerOurs = isFromOurs
      if isOfThisCall(sdp) {
        renegotiate(sdp, from: name, now: now)
      } else {
        end(.failed("\(name) started anew"))
        ring(offer, from: name, now: now)
      }
    }
  }

  mutating func answerCame(from name: String, sdp: String, now: NIODeadline) {
    guard name == status.peer else { return }
    switch stage {
    case .calling:
      stage = .connecting
      deadline = now + configuration.connectTime
      remoteSession = Self.session(of: sdp)
      actions.append(.ring(.silence))
      actions.append(.takeAnswer(callID, sdp: sdp))
      changePhase(.connecting)
    case .connecting, .up:
      if answerDue != nil { restartAnswered(sdp, by: name, now: now) }
    case .idle, .opening, .incoming: break
    }
  }

  /// - Parameter name: whose candidate it is; MDN's server does not say.
  mutating func candidateCame(from name: String?, _ candidate: ICECandidateInit) {
    guard !isIdle, name == nil || name == status.peer else {
      strayCandidates += 1
      return
    }
    switch stage {
    case .idle: break
    case .incoming(var offer):
      guard offer.candidates.count < Offer.maximumCandidates else { return strayCandidates += 1 }
      offer.candidates.append(candidate)
      stage = .incoming(offer)
    case .opening(.some(var offer)):
      guard offer.candidates.count < Offer.maximumCandidates else { return strayCandidates += 1 }
      offer.candidates.append(candidate)
      stage = .opening(offer: offer)
    case .opening(nil): strayCandidates += 1
    case .calling, .connecting, .up: actions.append(.addCandidate(callID, candidate))
    }
  }

  mutating func ringingCame(from name: String) {
    guard name == status.peer, case .calling = stage else { return }
    isPeerOurs = true
    stage = .calling(hasRung: true)
    actions.append(.ring(.ringback))
    changePhase(.ringing)
  }

  /// - Parameter name: who hung up. A page hangs up to everybody, so another's hang-up is none of our business.
  mutating func hangUpCame(from name: String, reason: HangUpReason?) {
    guard !isIdle, name == status.peer else { return }
    switch stage {
    case .idle: break
    case .incoming: missed("Missed call from \(name).")
    case .opening(.some): end(.peerHungUp)
    case .opening(nil): break
    // Nobody "ends" a call not yet taken: that is the end of the call before, crossing with this one.
    case .calling where reason == .ended: break
    case .calling: end(Self.endReason(for: reason ?? .declined))
    // The server lost the peer while a restart was under way; the media need no server.
    case .connecting where reason == .unavailable, .up where reason == .unavailable: break
    case .connecting, .up: end(reason == .failed ? .failed("\(name)'s side could not connect") : .peerHungUp)
    }
  }

  /// The server says that nobody of this name is there.
  mutating func peerUnavailable(_ name: String) {
    guard name == status.peer, case .calling = stage else { return }
    end(.unavailable)
  }
}
