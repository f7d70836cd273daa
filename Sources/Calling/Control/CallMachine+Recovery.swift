import NIOCore
import Signaling

// Finding a path again in a call.

extension CallMachine {
  var isPeerReachable: Bool { isOnline && users.contains(status.peer) }

  /// The one place that changes ``recovery``, so that the deadline follows.
  mutating func setRecovery(_ change: (inout Recovery) -> Void) {
    guard var recovery, case .up = stage else { return }
    change(&recovery)
    self.recovery = recovery
    deadline = recovery.deadline
  }

  /// Restarts ICE now, unless that is under way.
  /// - Parameter anew: whether what is under way knew less than we do now.
  mutating func recover(_ reason: String, now: NIODeadline, anew: Bool = false) {
    let isUnderWay = recovery != nil && !anew
    let until = now + configuration.recoveryTime
    recovery = recovery ?? Recovery(until: until, next: until, reason: reason)
    setRecovery {
      $0.reason = reason
      if anew { $0.until = until }
    }
    if !isUnderWay { restart(now: now) }
  }

  mutating func restart(now: NIODeadline) {
    guard isPeerReachable else { return setRecovery { $0.next = $0.until } }
    let due = now + configuration.restartInterval
    answerDue = due
    setRecovery { $0.next = due }
    actions.append(.restart(callID, to: status.peer))
  }

  mutating func restartAnswered(_ sdp: String, by name: String, now: NIODeadline) {
    answerDue = nil
    guard isOfThisCall(sdp) else {
      // It had thrown away its connection, and takes our offer for a call.
      guard !isPeerOurs else { return end(.failed("\(name) started anew"), telling: .failed) }
      // A page has done so within seconds, and answers by itself: once more, from the start.
      recovery = nil
      remoteSession = nil
      actions.append(.sendHangUp(to: name, .failed))
      return makeOffer(now: now)
    }
    actions.append(.takeAnswer(callID, sdp: sdp))
    restartAgreed(now: now)
  }

  /// Both sides look for paths anew: that is all there is to do if the present one holds, and all for a while if not.
  private mutating func restartAgreed(now: NIODeadline) {
    if status.phase == .interrupted {
      let next = now + configuration.restartInterval
      setRecovery { $0.next = next }
    } else if case .up = stage {
      recovery = nil
      deadline = nil
    }
  }

  /// Takes an offer in mid-call. When it meets our own restart, one must give way, and both must agree which: the offer of
  /// the smaller name stands.
  mutating func renegotiate(_ sdp: String, from name: String, now: NIODeadline) {
    if let due = answerDue, due > now, ownName < name { return }
    answerDue = nil
    actions.append(.takeOffer(callID, from: name, sdp: sdp))
    // It finds a path as well as our own restart would.
    restartAgreed(now: now)
  }

  mutating func recoveryDue(now: NIODeadline) {
    guard let recovery else { return }
    if recovery.until > now {
      deadline = recovery.deadline
      return restart(now: now)
    }
    self.recovery = nil
    // What the network's change called for, but nobody answered; the path holds all the same.
    guard status.phase == .interrupted else { return }
    let detail = isPeerReachable ? "new paths were tried" : "the server could not be reached to try new paths"
    end(.failed("the connection to \(status.peer) was lost: \(recovery.reason), and \(detail)"), telling: .failed)
  }
}
