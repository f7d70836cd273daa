import NIOCore
import Signaling
import TestSupport
import Testing

@testable import Calling

/// A machine with hands: what a person and the network do to it, and what it wanted done.
struct Scene {
  var machine: CallMachine
  var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  var actions: [CallMachine.Action] = []

  init(_ name: String = "bob", users: [String] = ["alice", "bob", "carol"]) {
    machine = CallMachine(configuration: .init())
    act {
      $0.setOwnName(name)
      $0.setUsers(users)
    }
  }

  mutating func act(_ change: (inout CallMachine) -> Void) {
    change(&machine)
    actions = machine.takeActions()
  }

  mutating func pass(_ time: TimeAmount) {
    now = now + time
    let then = now
    act { $0.handleTimeout(now: then) }
  }

  var phases: [CallStatus.Phase] {
    actions.compactMap { if case .event(.call(let status)) = $0 { status.phase } else { nil } }
  }

  var notices: [String] {
    actions.compactMap { if case .event(.notice(let notice)) = $0 { notice.text } else { nil } }
  }

  var hangUps: [CallMachine.Action] { actions.filter { if case .sendHangUp = $0 { true } else { false } } }

  static let ready = CallMachine.DeviceOutcome.ready(camera: "test pattern", microphone: "tone")
  static func sdp(_ session: Int) -> String { "v=0\r\no=- \(session) 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" }

  mutating func offer(from name: String, session: Int = 1, isFromOurs: Bool = true) {
    let then = now
    act { $0.offerCame(from: name, sdp: Self.sdp(session), isFromOurs: isFromOurs, now: then) }
  }

  mutating func devices(_ outcome: CallMachine.DeviceOutcome = ready) {
    let then = now
    act { $0.devicesOpened($0.callID, outcome, now: then) }
  }

  mutating func transport(_ transport: CallMachine.Transport) {
    let then = now
    act { $0.transportChanged($0.callID, transport, now: then) }
  }

  mutating func call(_ name: String) {
    let then = now
    act { $0.invite(name, now: then) }
  }

  mutating func answer() {
    let then = now
    act { $0.answer(now: then) }
  }

  /// In a call that alice made.
  static func inCall() -> Scene {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    scene.transport(.connected)
    return scene
  }

  /// Waiting for alice's answer.
  static func calling() -> Scene {
    var scene = Scene()
    scene.call("alice")
    scene.devices()
    return scene
  }
}

@Suite("The course of a call")
struct CallMachineTests {
  @Test("a call that is answered, connects and is hung up")
  func outgoing() {
    var scene = Scene()
    scene.call("alice")
    #expect(scene.actions.contains(.openDevices(scene.machine.callID, nil)))
    let id = scene.machine.callID
    scene.devices()
    #expect(scene.actions.contains(.makeOffer(id, to: "alice")))
    scene.act { $0.ringingCame(from: "alice") }
    #expect(scene.phases == [.ringing])
    #expect(scene.actions.contains(.ring(.ringback)))
    let then = scene.now
    scene.act { $0.answerCame(from: "alice", sdp: Scene.sdp(7), now: then) }
    #expect(scene.actions.contains(.takeAnswer(id, sdp: Scene.sdp(7))))
    #expect(scene.actions.contains(.ring(.silence)))
    scene.transport(.connected)
    #expect(scene.phases == [.active])
    #expect(scene.machine.status.cameraName == "test pattern")
    scene.act { $0.hangUp() }
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .ended)])
    #expect(scene.actions.contains(.release(id)))
    #expect(scene.phases == [.ended(.hungUp), .idle])
  }

  @Test("an incoming call rings, and devices are touched only after yes")
  func incoming() {
    var scene = Scene()
    scene.offer(from: "alice")
    #expect(scene.phases == [.incoming])
    #expect(scene.actions.contains(.ring(.incoming)))
    #expect(scene.actions.contains(.sendRinging(to: "alice")))
    #expect(!scene.actions.contains { if case .openDevices = $0 { true } else { false } })
    scene.answer()
    #expect(scene.actions.contains(.openDevices(scene.machine.callID, nil)))
    scene.devices()
    #expect(scene.actions.contains(.takeOffer(scene.machine.callID, from: "alice", sdp: Scene.sdp(1))))
  }

  @Test("a page is not told that it rings: it knows no such message")
  func pageIsNotTold() {
    var scene = Scene()
    scene.offer(from: "alice", isFromOurs: false)
    #expect(scene.phases == [.incoming])
    #expect(!scene.actions.contains(.sendRinging(to: "alice")))
  }

  @Test("candidates that come while it rings are kept for the call, in order, and bounded")
  func candidatesWait() {
    var scene = Scene()
    scene.offer(from: "alice")
    let candidates = (0..<100).map { ICECandidateInit(candidate: "candidate:\($0)", sdpMid: "0", sdpMLineIndex: 0) }
    for candidate in candidates { scene.act { $0.candidateCame(from: nil, candidate) } }
    scene.answer()
    scene.devices()
    let added = scene.actions.compactMap { if case .addCandidate(_, let candidate) = $0 { candidate } else { nil } }
    #expect(added == Array(candidates.prefix(CallMachine.Offer.maximumCandidates)))
    #expect(scene.machine.strayCandidates == 100 - CallMachine.Offer.maximumCandidates)
  }

  @Test("candidates of nobody's call are dropped and counted")
  func strayCandidates() {
    var scene = Scene()
    let candidate = ICECandidateInit(candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0)
    scene.act { $0.candidateCame(from: nil, candidate) }
    #expect(scene.actions.isEmpty)
    scene = .inCall()
    scene.act { $0.candidateCame(from: "carol", candidate) }
    #expect(scene.actions.isEmpty)
    #expect(scene.machine.strayCandidates == 1)
  }

  @Test("MDN's sanity checks: one call at a time, not with oneself, and only with who is there")
  func sanity() {
    var scene = Scene()
    scene.call("bob")
    #expect(scene.phases.isEmpty && scene.notices.count == 1)
    scene.call("dave")
    #expect(scene.phases.isEmpty && scene.notices[0].contains("dave"))
    scene = .inCall()
    scene.call("carol")
    #expect(scene.phases.isEmpty && scene.notices[0].contains("alice"))
  }

  @Test("declining tells the caller and touches nothing")
  func decline() {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.act { $0.reject() }
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .declined)])
    #expect(scene.phases == [.ended(.declined), .idle])
  }

  @Test(
    "the caller learns why there is no call",
    arguments: [
      (HangUpReason.declined, EndReason.declined), (.busy, .busy), (.noAnswer, .noAnswer), (.unavailable, .unavailable),
    ])
  func reasons(wire: HangUpReason, shown: EndReason) {
    var scene = Scene.calling()
    scene.act { $0.hangUpCame(from: "alice", reason: wire) }
    #expect(scene.phases == [.ended(shown), .idle])
    #expect(scene.hangUps.isEmpty)
  }

  @Test("an unanswered call ends by itself after 45 s and is shown as missed")
  func ringTimeout() {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.pass(.seconds(44))
    #expect(scene.actions.isEmpty)
    scene.pass(.seconds(1))
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .noAnswer)])
    #expect(scene.notices == ["Missed call from alice."])
    #expect(scene.machine.isIdle && scene.machine.deadline == nil)
  }

  @Test("a caller that gives up, or leaves, stops the ringing", arguments: [true, false])
  func callerGivesUp(hangsUp: Bool) {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.act { if hangsUp { $0.hangUpCame(from: "alice", reason: nil) } else { $0.setUsers(["bob"]) } }
    #expect(scene.actions.contains(.ring(.silence)))
    #expect(scene.notices.count == 1)
    #expect(scene.machine.isIdle)
  }

  @Test("nobody answers a page's silence for ever")
  func patience() {
    var scene = Scene.calling()
    scene.pass(.seconds(60))
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .noAnswer)])
    #expect(scene.phases == [.ended(.noAnswer), .idle])
  }

  @Test("a second caller hears busy, is shown as missed, and the call goes on")
  func busy() {
    var scene = Scene.inCall()
    scene.offer(from: "carol")
    #expect(scene.hangUps == [.sendHangUp(to: "carol", .busy)])
    #expect(scene.notices.count == 1 && scene.phases.isEmpty)
    #expect(scene.machine.status.peer == "alice" && scene.machine.status.phase == .active)
  }

  @Test("a hang-up of somebody else, as MDN's server spreads it, ends nothing")
  func foreignHangUp() {
    var scene = Scene.inCall()
    scene.act { $0.hangUpCame(from: "carol", reason: nil) }
    #expect(scene.actions.isEmpty)
    scene.act { $0.hangUpCame(from: "alice", reason: nil) }
    #expect(scene.phases == [.ended(.peerHungUp), .idle])
  }

  @Test("an offer of the present peer is renegotiation, never a new ring")
  func renegotiation() {
    var scene = Scene.inCall()
    scene.offer(from: "alice", session: 1)
    #expect(scene.actions == [.takeOffer(scene.machine.callID, from: "alice", sdp: Scene.sdp(1))])
  }

  @Test("an offer of the present peer from another session is a new call: its program was restarted")
  func restartedPeer() {
    var scene = Scene.inCall()
    let old = scene.machine.callID
    scene.offer(from: "alice", session: 99)
    #expect(scene.actions.contains(.release(old)))
    #expect(scene.machine.status.phase == .incoming)
  }

  @Test("when both call, one offer stands and both agree which", arguments: ["aaron", "zoe"])
  func glare(ownName: String) {
    var scene = Scene(ownName, users: [ownName, "mia"])
    scene.call("mia")
    scene.devices()
    let id = scene.machine.callID
    scene.offer(from: "mia")
    if ownName < "mia" {
      #expect(scene.actions.isEmpty)
    } else {
      #expect(scene.actions.contains(.makeWay(id)))
      #expect(scene.actions.contains(.takeOffer(id, from: "mia", sdp: Scene.sdp(1))))
      #expect(scene.machine.status.phase == .connecting)
    }
  }

  @Test("when a page calls while we call it, it is freed and called anew")
  func glareWithPage() {
    var scene = Scene.calling()
    scene.offer(from: "alice", isFromOurs: false)
    #expect(
      scene.actions.prefix(2) == [
        .sendHangUp(to: "alice", .failed), .makeOffer(scene.machine.callID, to: "alice"),
      ])
  }

  @Test("an offer that comes before ours is out is answered at once")
  func glareBeforeOffer() {
    var scene = Scene()
    scene.call("alice")
    scene.offer(from: "alice")
    scene.devices()
    #expect(scene.actions.contains(.takeOffer(scene.machine.callID, from: "alice", sdp: Scene.sdp(1))))
    #expect(!scene.actions.contains(.makeOffer(scene.machine.callID, to: "alice")))
  }

  @Test("a call made right after logging in waits for the ICE servers, and not for ever", arguments: [true, false])
  func serversFirst(serverAnswers: Bool) {
    var scene = Scene()
    let then = scene.now
    scene.act { $0.expectServers(now: then) }
    scene.call("alice")
    scene.devices()
    let offer = CallMachine.Action.makeOffer(scene.machine.callID, to: "alice")
    #expect(!scene.actions.contains(offer))
    if serverAnswers { scene.act { $0.serversKnown(now: then) } } else { scene.pass(.seconds(2)) }
    #expect(scene.actions.contains(offer))
    scene.act { $0.serversKnown(now: then) }
    #expect(!scene.actions.contains(offer), "the offer is made once")
  }

  @Test("an answer waits for the ICE servers too, and a caller who leaves meanwhile is not answered")
  func serversBeforeAnswer() {
    var scene = Scene()
    let then = scene.now
    scene.act { $0.expectServers(now: then) }
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    #expect(scene.machine.deadline == then + .seconds(2))
    scene.act { $0.hangUpCame(from: "alice", reason: .ended) }
    #expect(scene.machine.isIdle && scene.machine.deadline == nil)
    scene.act { $0.serversKnown(now: then) }
    #expect(scene.actions.isEmpty)
  }

  @Test("a missing device asks the person; cancelling tells a caller that was waiting")
  func deviceQuestion() {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.answer()
    let question = DeviceQuestion(device: "camera", text: "No camera was found.")
    scene.devices(.question(question))
    #expect(scene.actions == [.event(.deviceQuestion(question))])
    scene.act { $0.chooseDevices(.receiveOnly) }
    #expect(scene.actions == [.openDevices(scene.machine.callID, .receiveOnly)])
    scene.devices(.question(question))
    scene.act { $0.chooseDevices(.cancel) }
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .declined)])
    #expect(scene.machine.isIdle)
  }

  @Test("refused permission cancels quietly, any other trouble says what it is")
  func deviceTrouble() {
    var scene = Scene()
    scene.call("alice")
    scene.devices(.refused("no permission"))
    #expect(scene.phases == [.ended(.cancelled), .idle] && scene.hangUps.isEmpty)
    scene.call("alice")
    scene.devices(.failed("/dev/video0: Input/output error"))
    #expect(scene.notices == ["/dev/video0: Input/output error"])
    #expect(scene.machine.isIdle)
  }

  @Test("what comes late from a call that is over touches nothing")
  func lateEvents() {
    var scene = Scene.calling()
    let old = scene.machine.callID
    scene.act { $0.hangUp() }
    let then = scene.now
    scene.act {
      $0.devicesOpened(old, Scene.ready, now: then)
      $0.transportChanged(old, .connected, now: then)
      $0.negotiationFailed(old, "late")
      $0.answerCame(from: "alice", sdp: Scene.sdp(1), now: then)
      $0.ringingCame(from: "alice")
      $0.chooseDevices(.synthetic)
    }
    #expect(scene.actions.isEmpty)
    #expect(scene.machine.isIdle)
  }

  @Test("a call outlives the server, ringing does not")
  func serverLost() {
    var scene = Scene.inCall()
    scene.act { $0.serverLost() }
    #expect(scene.actions.isEmpty)
    scene.act { $0.setUsers(["bob"]) }
    #expect(scene.machine.status.phase == .active)
    scene = .calling()
    scene.act { $0.serverLost() }
    #expect(scene.machine.isIdle)
  }

  @Test("silence is shown and goes away by itself; failure ends the call and tells the peer")
  func interruption() {
    var scene = Scene.inCall()
    scene.transport(.interrupted)
    #expect(scene.phases == [.interrupted])
    scene.transport(.connected)
    #expect(scene.phases == [.active])
    scene.transport(.failed("consent expired"))
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .failed)])
    #expect(scene.phases == [.ended(.failed("consent expired")), .idle])
  }

  @Test("the peer's hang-up of the call before does not end the next one")
  func crossingHangUp() {
    var scene = Scene.inCall()
    scene.act { $0.hangUp() }
    scene.call("alice")
    scene.devices()
    scene.act { $0.hangUpCame(from: "alice", reason: .ended) }
    #expect(scene.actions.isEmpty)
    #expect(scene.machine.status.phase == .calling)
  }

  @Test("a peer that closes the connection has hung up, and is told nothing that could hit the next call")
  func closedByPeer() {
    var scene = Scene.inCall()
    scene.transport(.closed)
    #expect(scene.phases == [.ended(.peerHungUp), .idle])
    #expect(scene.hangUps.isEmpty)
  }

  @Test("a bad second offer does not end a running call, a bad first one does")
  func badDescription() {
    var scene = Scene.inCall()
    scene.act { $0.negotiationFailed($0.callID, "line 3") }
    #expect(scene.machine.status.phase == .active && scene.notices == ["line 3"])
    scene = Scene()
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    scene.act { $0.negotiationFailed($0.callID, "line 3") }
    #expect(scene.phases == [.ended(.failed("line 3")), .idle])
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .failed)])
  }

  @Test("mute and camera off are kept from call to call")
  func switches() {
    var scene = Scene()
    scene.act {
      $0.setMuted(microphone: true)
      $0.setCameraOff(true)
    }
    scene.call("alice")
    #expect(scene.machine.status.isMicrophoneMuted && scene.machine.status.isCameraOff)
  }

  @Test("whatever happens in whatever order, a call that ends is released and idle follows", arguments: 0..<40)
  func randomOrder(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var scene = Scene()
    var open: Set<Int> = []
    for _ in 0..<400 {
      let name = ["alice", "bob", "carol"].randomElement(using: &random) ?? "alice"
      let then = scene.now
      switch Int.random(in: 0..<17, using: &random) {
      case 0: scene.call(name)
      case 1: scene.answer()
      case 2: scene.act { $0.reject() }
      case 3: scene.act { $0.hangUp() }
      case 4:
        scene.offer(from: name, session: Int.random(in: 1...2, using: &random), isFromOurs: .random(using: &random))
      case 5: scene.act { $0.answerCame(from: name, sdp: Scene.sdp(1), now: .now()) }
      case 6: scene.act { $0.hangUpCame(from: name, reason: HangUpReason.allCases.randomElement(using: &random)) }
      case 7: scene.devices()
      case 8: scene.devices(.failed("x"))
      case 9: scene.transport([.connected, .interrupted, .failed("x")].randomElement(using: &random) ?? .connected)
      case 10: scene.pass(.seconds(Int64.random(in: 0...50, using: &random)))
      case 11: scene.act { $0.setUsers(["bob"] + (Bool.random() ? [name] : [])) }
      case 12: scene.act { $0.setUsers(["alice", "bob", "carol"]) }
      case 13: scene.act { $0.negotiationFailed($0.callID, "x") }
      case 14: scene.act { $0.expectServers(now: then) }
      case 15: scene.act { $0.serversKnown(now: then) }
      default: scene.act { $0.serverLost() }
      }
      for action in scene.actions {
        switch action {
        case .openDevices(let id, _): open.insert(id)
        case .release(let id): open.remove(id)
        case .makeOffer(let id, _), .takeOffer(let id, _, _), .takeAnswer(let id, _), .addCandidate(let id, _):
          #expect(id == scene.machine.callID)
        default: break
        }
      }
      if scene.machine.isIdle {
        #expect(open.isEmpty, "a call that is over still has devices")
        #expect(scene.machine.status.phase == .idle && scene.machine.deadline == nil)
      }
    }
  }
}
