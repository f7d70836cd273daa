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
    /// How long the connection may take after the answer.
    var connectTime = TimeAmount.seconds(30)
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
    /// The peer said goodbye on the connection itself; its hang-up may still be on its way.
    case closed
  }

  private enum Stage {
    case idle
    /// Devices are being opened to call, or to answer the offer.
    case opening(offer: Offer?)
    /// Our offer is out.
    case calling(hasRung: Bool)
    case incoming(Offer)
    case connecting
    case up
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
  private(set) var users: [String] = []
  private(set) var ownName = ""
  private(set) var callID: CallID = 0
  /// When ``handleTimeout(now:)`` wants to be called.
  private(set) var deadline: NIODeadline?
  /// When the person called, or said yes.
  private(set) var began: NIODeadline?
  /// Candidates that belonged to no call of ours.
  private(set) var strayCandidates = 0
  private var stage = Stage.idle
  /// The session of the peer's offer or answer, to tell a renegotiation from a new call after a crash (RFC 8866 §5.2).
  private var remoteSession: String?
  private var actions: [Action] = []

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

// MARK: - What comes from the server and the peer

extension CallMachine {
  mutating func setOwnName(_ name: String) {
    ownName = name
    actions.append(.event(.ownName(name)))
  }

  mutating func setUsers(_ names: [String]) {
    users = names
    actions.append(.event(.users(names)))
    guard !isIdle, !names.contains(status.peer) else { return }
    switch stage {
    case .incoming, .opening(.some): missed("\(status.peer) called and left the chat.")
    case .calling, .opening(nil): end(.unavailable)
    // The media need no server: whether the peer is really gone, its own silence will tell.
    case .connecting, .up, .idle: break
    }
  }

  mutating func serverLost() {
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
      let session = Self.session(of: sdp)
      if remoteSession == nil || session == remoteSession {
        actions.append(.takeOffer(callID, from: name, sdp: sdp))
      } else {
        end(.failed("\(name) started anew"))
        ring(offer, from: name, now: now)
      }
    }
  }

  mutating func answerCame(from name: String, sdp: String, now: NIODeadline) {
    guard name == status.peer, case .calling = stage else { return }
    stage = .connecting
    deadline = now + configuration.connectTime
    remoteSession = Self.session(of: sdp)
    actions.append(.ring(.silence))
    actions.append(.takeAnswer(callID, sdp: sdp))
    changePhase(.connecting)
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
    case .connecting, .up: end(reason == .failed ? .failed("\(name)'s side could not connect") : .peerHungUp)
    }
  }

  /// The server says that nobody of this name is there.
  mutating func peerUnavailable(_ name: String) {
    guard name == status.peer, case .calling = stage else { return }
    end(.unavailable)
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
      if let offer { take(offer, now: now) } else { makeOffer(now: now) }
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
      deadline = nil
      if status.since == nil { status.since = now }
      changePhase(.active)
    case (.interrupted, .up): changePhase(.interrupted)
    case (.failed(let text), _): end(.failed(text), telling: .failed)
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
    case .idle, .opening, .up: break
    }
  }
}

// MARK: - Steps

extension CallMachine {
  private mutating func begin(with peer: String) {
    callID += 1
    var fresh = CallStatus(phase: .idle, peer: peer)
    fresh.isMicrophoneMuted = status.isMicrophoneMuted
    fresh.isCameraOff = status.isCameraOff
    status = fresh
    remoteSession = nil
  }

  private mutating func ring(_ offer: Offer, from name: String, now: NIODeadline) {
    begin(with: name)
    stage = .incoming(offer)
    deadline = now + configuration.ringTime
    if offer.isFromOurs { actions.append(.sendRinging(to: name)) }
    actions.append(.ring(.incoming))
    changePhase(.incoming)
  }

  private mutating func makeOffer(now: NIODeadline) {
    stage = .calling(hasRung: false)
    deadline = now + configuration.patience
    actions.append(.makeOffer(callID, to: status.peer))
    changePhase(.calling)
  }

  private mutating func take(_ offer: Offer, now: NIODeadline) {
    stage = .connecting
    deadline = now + configuration.connectTime
    remoteSession = Self.session(of: offer.sdp)
    actions.append(.takeOffer(callID, from: status.peer, sdp: offer.sdp))
    for candidate in offer.candidates { actions.append(.addCandidate(callID, candidate)) }
    changePhase(.connecting)
  }

  /// Both sides called each other and both offers are out: one must give way, and both must agree which.
  private mutating func bothCalled(_ offer: Offer, from name: String, now: NIODeadline) {
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

  private mutating func cancelOpening(_ offer: Offer?) {
    if offer == nil { end(.cancelled) } else { end(.declined, telling: .declined) }
  }

  private mutating func missed(_ text: String) {
    notice(.warning, text)
    end(.cancelled)
  }

  private mutating func end(_ reason: EndReason, telling wire: HangUpReason? = nil) {
    if let wire { actions.append(.sendHangUp(to: status.peer, wire)) }
    stage = .idle
    deadline = nil
    actions.append(.ring(.silence))
    actions.append(.release(callID))
    changePhase(.ended(reason))
    begin(with: "")
    changePhase(.idle)
  }

  private mutating func changePhase(_ phase: CallStatus.Phase) {
    status.phase = phase
    actions.append(.event(.call(status)))
  }

  private mutating func notice(_ severity: Notice.Severity, _ text: String) {
    actions.append(.event(.notice(Notice(severity, text))))
  }

  private static func endReason(for reason: HangUpReason) -> EndReason {
    switch reason {
    case .declined: .declined
    case .busy: .busy
    case .noAnswer: .noAnswer
    case .unavailable: .unavailable
    case .failed: .failed("the other side could not connect")
    case .ended: .peerHungUp
    }
  }

  /// The origin's session id: the same in every offer and answer of one peer connection (RFC 9429 §5.2.1).
  private static func session(of sdp: String) -> String? {
    for line in sdp.split(whereSeparator: \.isNewline).prefix(8) where line.hasPrefix("o=") {
      let fields = line.split(separator: " ")
      return fields.count > 1 ? String(fields[1]) : nil
    }
    return nil
  }
}
