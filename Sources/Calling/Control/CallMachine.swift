import NIOCore
import Signaling

/// The course of a call as a value: what was said and heard goes in, with the time; what is to be done comes out.
///
/// It holds no connection, device or clock, so every order of events can be tried in a test. `CallController` performs
/// the actions. A call has a number, and whatever is done for it later names that number, so that nothing which comes
/// late can touch the next call.
struct CallMachine {
  struct Configuration {
    /// How long an incoming call rings before it ends by itself.
    var ringTime = TimeAmount.seconds(45)
    /// How long we wait for an answer: a little more than others ring.
    var patience = TimeAmount.seconds(60)
    /// How long a call waits for the chat server to name its STUN and TURN servers.
    var serversPatience = TimeAmount.seconds(2)
    /// How long the connection may take after the answer.
    var connectTime = TimeAmount.seconds(30)
    /// How long a broken path may take to come back before the call ends.
    var recoveryTime = TimeAmount.seconds(40)
    /// How long an ICE restart may take before the next.
    var restartInterval = TimeAmount.seconds(10)
  }

  /// Number of a call, unique within this process.
  typealias CallID = Int

  enum Action: Equatable {
    case event(CallEvent)
    /// Open camera and microphone; `answer` says what the person chose to do without one.
    case openDevices(CallID, DeviceAnswer?)
    /// Make an offer with our tracks and send it. Whatever connection this call had before is thrown away.
    case makeOffer(CallID, to: String)
    /// Throw away our own offer: the peer's is about to be taken.
    case makeWay(CallID)
    /// Take the offer with our tracks and send the answer.
    case takeOffer(CallID, from: String, sdp: String)
    case takeAnswer(CallID, sdp: String)
    /// Restart ICE and send the offer; if one is out without an answer, send that once more.
    case restart(CallID, to: String)
    case addCandidate(CallID, ICECandidateInit)
    case sendHangUp(to: String, HangUpReason)
    /// Tell a caller that announced it understands, that it rings here.
    case sendRinging(to: String)
    /// Tone for the person at this end.
    case ring(Ring)
    /// Let go of devices and connection of this call.
    case release(CallID)
  }

  enum Ring: Equatable { case incoming, ringback, silence }

  /// What came of opening the devices.
  enum DeviceOutcome: Equatable {
    case ready(camera: String, microphone: String)
    case question(DeviceQuestion)
    /// MDN's "permission refused": the same as the person cancelling.
    case refused(String)
    /// The person should read this; the call is off.
    case failed(String)
  }

  /// What the peer connection says.
  enum Transport: Equatable {
    case connected, interrupted, failed(String)
    /// No path is left, but an ICE restart may find one.
    case lost(String)
    /// Our network is another now: the present path may break, and there may be better ones.
    case networkChanged
    /// The peer said goodbye on the connection itself; its hang-up may still be on its way.
    case closed
  }

  enum Stage {
    case idle
    /// Devices are being opened to call, or to answer the offer.
    case opening(offer: Offer?)
    /// Our offer is out.
    case calling(hasRung: Bool)
    case incoming(Offer)
    case connecting
    case up
  }

  /// What is under way to find a path again (ICE restarts, RFC 8445 section 2.4).
  struct Recovery {
    /// When it ends; the call ends too if there is no path then.
    var until: NIODeadline
    /// When the next restart is due. Not before the server can be reached: then it is ``until``.
    var next: NIODeadline
    /// Why there is no path.
    var reason: String

    var deadline: NIODeadline { min(until, next) }
  }

  /// An offer that waits for the person, and the candidates that came behind it.
  struct Offer: Equatable {
    var sdp: String
    var candidates: [ICECandidateInit] = []
    var isFromOurs: Bool
    /// What is kept of the candidates that come while it rings.
    static let maximumCandidates = 64
  }

  let configuration: Configuration
  private(set) var status = CallStatus()
  var users: [String] = []
  var ownName = ""
  private(set) var callID: CallID = 0
  /// When ``handleTimeout(now:)`` wants to be called.
  var deadline: NIODeadline?
  /// When the person called, or said yes.
  private(set) var began: NIODeadline?
  /// Candidates that belonged to no call of ours.
  var strayCandidates = 0
  var stage = Stage.idle
  /// The session of the peer's offer or answer, to tell a renegotiation from a new call after a crash (RFC 8866 §5.2).
  var remoteSession: String?
  /// Whether the peer's program said that it is a Glyphone.
  var isPeerOurs = false
  /// Whether the server can be reached.
  var isOnline = true
  /// Until when a call waits for STUN and TURN servers; nil once they are known, or if this server names none.
  var serversDue: NIODeadline?
  /// Whether the devices of the call that is being opened are open.
  var hasDevices = false
  var recovery: Recovery?
  /// Until when our restart's offer waits for its answer.
  var answerDue: NIODeadline?
  var actions: [Action] = []

  init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// What is to be done since the last call of this.
  mutating func takeActions() -> [Action] {
    defer { actions.removeAll(keepingCapacity: true) }
    return actions
  }

  var isIdle: Bool { if case .idle = stage { true } else { false } }
}

// MARK: - What the person wants

extension CallMachine {
  mutating func invite(_ name: String, now: NIODeadline) {
    // MDN's two sanity checks, and a third that its page cannot fail.
    guard isIdle else {
      return notice(.warning, "You can't start a call: the one with \(status.peer) is still on. Hang up first.")
    }
    guard name != ownName else {
      return notice(.warning, "That is you. Calling yourself would be a short conversation: pick somebody else.")
    }
    guard users.contains(name) else {
      return notice(.warning, "\(name) is not here. The user list shows who can be called.")
    }
    begin(with: name)
    began = now
    stage = .opening(offer: nil)
    changePhase(.calling)
    actions.append(.openDevices(callID, nil))
  }

  mutating func answer(now: NIODeadline) {
    guard case .incoming(let offer) = stage else { return notice(.information, "Nobody is calling.") }
    began = now
    stage = .opening(offer: offer)
    deadline = nil
    actions.append(.ring(.silence))
    changePhase(.connecting)
    actions.append(.openDevices(callID, nil))
  }

  mutating func reject() {
    guard case .incoming = stage else { return notice(.information, "Nobody is calling.") }
    actions.append(.sendHangUp(to: status.peer, .declined))
    end(.declined)
  }

  mutating func hangUp() {
    switch stage {
    case .idle: notice(.information, "There is no call to hang up.")
    case .incoming: reject()
    case .opening(nil): end(.cancelled)
    case .opening: end(.declined, telling: .declined)
    case .calling: end(.cancelled, telling: .ended)
    case .connecting, .up: end(.hungUp, telling: .ended)
    }
  }

  mutating func chooseDevices(_ answer: DeviceAnswer) {
    guard case .opening(let offer) = stage else { return }
    if answer == .cancel { return cancelOpening(offer) }
    actions.append(.openDevices(callID, answer))
  }

  mutating func setMuted(microphone muted: Bool) {
    status.isMicrophoneMuted = muted
    actions.append(.event(.call(status)))
  }

  mutating func setCameraOff(_ off: Bool) {
    status.isCameraOff = off
    actions.append(.event(.call(status)))
  }
}

// MARK: - What comes from devices, the connection and the clock

extension CallMachine {
  mutating func devicesOpened(_ id: CallID, _ outcome: DeviceOutcome, now: NIODeadline) {
    guard id == callID, case .opening(let offer) = stage else { return }
    switch outcome {
    case .ready(let camera, let microphone):
      status.cameraName = camera
      status.microphoneName = microphone
      hasDevices = true
      connect(offer, now: now)
    case .question(let question): actions.append(.event(.deviceQuestion(question)))
    case .refused(let text):
      notice(.information, text)
      cancelOpening(offer)
    case .failed(let text):
      notice(.error, text)
      cancelOpening(offer)
    }
  }

  mutating func transportChanged(_ id: CallID, _ transport: Transport, now: NIODeadline) {
    guard id == callID, !isIdle else { return }
    switch (transport, stage) {
    case (.connected, .connecting), (.connected, .up):
      stage = .up
      recovery = nil
      deadline = nil
      if status.since == nil { status.since = now }
      changePhase(.active)
    case (.interrupted, .up):
      changePhase(.interrupted)
      recover("nothing was heard from \(status.peer) any more", now: now)
    case (.lost(let text), .up):
      if status.phase != .interrupted { changePhase(.interrupted) }
      recover(text, now: now)
    case (.networkChanged, .up): recover("the network changed", now: now, anew: true)
    case (.networkChanged, .connecting): restart(now: now)
    case (.failed(let text), _), (.lost(let text), _): end(.failed(text), telling: .failed)
    // Telling a peer that has left could only hit the next call with it.
    case (.closed, _): end(.peerHungUp)
    default: break
    }
  }

  /// Something that the peer sent could not be used: the call cannot go on.
  mutating func negotiationFailed(_ id: CallID, _ text: String) {
    guard id == callID, !isIdle else { return }
    // A failed renegotiation leaves what was agreed before in force.
    if case .up = stage { return notice(.warning, text) }
    end(.failed(text), telling: .failed)
  }

  mutating func handleTimeout(now: NIODeadline) {
    guard let deadline, deadline <= now else { return }
    self.deadline = nil
    switch stage {
    case .incoming:
      actions.append(.sendHangUp(to: status.peer, .noAnswer))
      missed("Missed call from \(status.peer).")
    case .calling(let hasRung):
      if !hasRung { notice(.information, "\(status.peer)'s program said nothing, not even that it rings.") }
      end(.noAnswer, telling: .noAnswer)
    case .connecting: end(.failed("no path to \(status.peer) was found"), telling: .failed)
    case .up: recoveryDue(now: now)
    case .opening(let offer): if hasDevices { connect(offer, now: now) }
    case .idle: break
    }
  }
}

// MARK: - Steps

extension CallMachine {
  mutating func begin(with peer: String) {
    callID += 1
    var fresh = CallStatus(phase: .idle, peer: peer)
    fresh.isMicrophoneMuted = status.isMicrophoneMuted
    fresh.isCameraOff = status.isCameraOff
    status = fresh
    remoteSession = nil
    hasDevices = false
    isPeerOurs = false
    recovery = nil
    answerDue = nil
  }

  mutating func ring(_ offer: Offer, from name: String, now: NIODeadline) {
    begin(with: name)
    isPeerOurs = offer.isFromOurs
    stage = .incoming(offer)
    deadline = now + configuration.ringTime
    if offer.isFromOurs { actions.append(.sendRinging(to: name)) }
    actions.append(.ring(.incoming))
    changePhase(.incoming)
  }

  mutating func makeOffer(now: NIODeadline) {
    stage = .calling(hasRung: false)
    deadline = now + configuration.patience
    actions.append(.makeOffer(callID, to: status.peer))
    changePhase(.calling)
  }

  mutating func take(_ offer: Offer, now: NIODeadline) {
    stage = .connecting
    deadline = now + configuration.connectTime
    remoteSession = Self.session(of: offer.sdp)
    actions.append(.takeOffer(callID, from: status.peer, sdp: offer.sdp))
    for candidate in offer.candidates { actions.append(.addCandidate(callID, candidate)) }
    changePhase(.connecting)
  }

  /// Both sides called each other and both offers are out: one must give way, and both must agree which.
  mutating func bothCalled(_ offer: Offer, from name: String, now: NIODeadline) {
    if !offer.isFromOurs {
      // A page that gets our offer now sits down to wait for an answer to its own, for ever. A hang-up frees it, and
      // it takes the next offer as a fresh call.
      actions.append(.sendHangUp(to: name, .failed))
      makeOffer(now: now)
    } else if ownName > name {
      // Between two of ours the offer of the smaller name stands.
      actions.append(.ring(.silence))
      actions.append(.makeWay(callID))
      take(offer, now: now)
    }
  }

  mutating func cancelOpening(_ offer: Offer?) {
    if offer == nil { end(.cancelled) } else { end(.declined, telling: .declined) }
  }

  mutating func missed(_ text: String) {
    notice(.warning, text)
    end(.cancelled)
  }

  mutating func end(_ reason: EndReason, telling wire: HangUpReason? = nil) {
    if let wire { actions.append(.sendHangUp(to: status.peer, wire)) }
    stage = .idle
    deadline = nil
    actions.append(.ring(.silence))
    actions.append(.release(callID))
    changePhase(.ended(reason))
    begin(with: "")
    changePhase(.idle)
  }

  mutating func changePhase(_ phase: CallStatus.Phase) {
    status.phase = phase
    actions.append(.event(.call(status)))
  }

  mutating func notice(_ severity: Notice.Severity, _ text: String) {
    actions.append(.event(.notice(Notice(severity, text))))
  }

  static func endReason(for reason: HangUpReason) -> EndReason {
    switch reason {
    case .declined: .declined
    case .busy: .busy
    case .noAnswer: .noAnswer
    case .unavailable: .unavailable
    case .failed: .failed("the other side could not connect")
    case .ended: .peerHungUp
    }
  }

  /// Whether a description comes from the peer connection that this call is with.
  func isOfThisCall(_ sdp: String) -> Bool {
    remoteSession == nil || Self.session(of: sdp) == remoteSession
  }

  /// The origin's session id: the same in every offer and answer of one peer connection (RFC 9429 §5.2.1).
  static func session(of sdp: String) -> String? {
    for line in sdp.split(whereSeparator: \.isNewline).prefix(8) where line.hasPrefix("o=") {
      let fields = line.split(separator: " ")
      return fields.count > 1 ? String(fields[1]) : nil
    }
    return nil
  }
}
