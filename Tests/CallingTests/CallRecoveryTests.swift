import ICE
import NIOCore
import Signaling
import Testing

@testable import Calling

extension Scene {
  fileprivate var restarts: Int { actions.count { if case .restart = $0 { true } else { false } } }
  fileprivate var takesOffer: Bool { actions.contains { if case .takeOffer = $0 { true } else { false } } }
  fileprivate var takesAnswer: Bool { actions.contains { if case .takeAnswer = $0 { true } else { false } } }

  fileprivate mutating func answerComes(session: Int = 1) {
    let then = now
    act { $0.answerCame(from: "alice", sdp: Self.sdp(session), now: then) }
  }

  /// Lets the clock run to where the machine wants to be called.
  fileprivate mutating func passToDeadline() {
    if let deadline = machine.deadline { pass(max(deadline - now, .zero)) }
  }
}

@Suite("A call whose path breaks")
struct CallRecoveryTests {
  @Test("silence: shown as interrupted, ICE is restarted at once, and the call goes on by itself")
  func interruption() {
    var scene = Scene.inCall()
    scene.transport(.interrupted)
    #expect(scene.phases == [.interrupted])
    #expect(scene.actions.contains(.restart(scene.machine.callID, to: "alice")))
    scene.answerComes()
    #expect(scene.takesAnswer)
    scene.transport(.connected)
    #expect(scene.phases == [.active])
    scene.pass(.minutes(5))
    #expect(scene.actions.isEmpty && scene.machine.deadline == nil)
  }

  @Test("restarts are tried again, and the call ends with a reason when none helps within 40 s")
  func givesUp() {
    var scene = Scene.inCall()
    let begin = scene.now
    scene.transport(.interrupted)
    var restarts = scene.restarts
    scene.transport(.lost("consent expired"))
    while !scene.machine.isIdle, scene.machine.deadline != nil {
      scene.passToDeadline()
      restarts += scene.restarts
    }
    #expect(restarts == 4)
    #expect(scene.now - begin == .seconds(40))
    guard case .ended(.failed(let text))? = scene.phases.first else {
      Issue.record("the call did not fail: \(scene.phases)")
      return
    }
    #expect(text.contains("alice") && text.contains("consent expired"))
    #expect(scene.hangUps == [.sendHangUp(to: "alice", .failed)])
  }

  @Test("another network: restart before anything breaks, while the call stays active")
  func networkChange() {
    var scene = Scene.inCall()
    scene.transport(.networkChanged)
    #expect(scene.restarts == 1 && scene.phases.isEmpty)
    scene.answerComes()
    #expect(scene.takesAnswer && scene.machine.deadline == nil)
    // Nobody answers the next one; the path holds, so the call does.
    scene.transport(.networkChanged)
    while scene.machine.deadline != nil { scene.passToDeadline() }
    #expect(scene.machine.status.phase == .active)
  }

  @Test("another network while the first restart is out: the next one follows at once")
  func networkChangesTwice() {
    var scene = Scene.inCall()
    scene.transport(.networkChanged)
    scene.transport(.networkChanged)
    #expect(scene.restarts == 1)
  }

  @Test("without the server the restart waits for it, and goes out as soon as both are back")
  func waitsForTheServer() {
    var scene = Scene.inCall()
    scene.act { $0.serverLost() }
    scene.transport(.interrupted)
    #expect(scene.restarts == 0)
    scene.pass(.seconds(12))
    scene.act { $0.setUsers(["bob"]) }
    scene.pass(.seconds(1))
    #expect(scene.restarts == 0)
    scene.act { $0.setUsers(["bob", "alice"]) }
    scene.passToDeadline()
    #expect(scene.restarts == 1)
  }

  @Test("a restart that went down with the connection to the server is sent once more")
  func sendsAgain() {
    var scene = Scene.inCall()
    scene.transport(.networkChanged)
    scene.act { $0.serverLost() }
    scene.act { $0.setUsers(["alice", "bob"]) }
    scene.passToDeadline()
    #expect(scene.restarts == 1)
  }

  @Test("the server never comes back: the reason says so")
  func serverGone() {
    var scene = Scene.inCall()
    scene.act { $0.serverLost() }
    scene.transport(.interrupted)
    scene.passToDeadline()
    guard case .ended(.failed(let text))? = scene.phases.first else {
      Issue.record("the call did not fail")
      return
    }
    #expect(text.contains("server"))
  }

  @Test("both restart at once: the offer of the smaller name stands", arguments: [true, false])
  func glare(weAreSmaller: Bool) {
    var scene = Scene(weAreSmaller ? "aaron" : "bob", users: ["alice", "aaron", "bob"])
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    scene.transport(.connected)
    scene.transport(.interrupted)
    scene.offer(from: "alice")
    #expect(scene.takesOffer == !weAreSmaller)
    scene.answerComes()
    #expect(scene.takesAnswer == weAreSmaller)
  }

  @Test("a restart of the peer's that meets ours is enough: none follows while the path holds")
  func glareIsEnough() {
    var scene = Scene.inCall()
    scene.transport(.networkChanged)
    scene.offer(from: "alice")
    #expect(scene.takesOffer && scene.machine.deadline == nil)
  }

  @Test("an answer that never came does not block the peer's own restart")
  func staleGlare() {
    var scene = Scene("aaron", users: ["alice", "aaron"])
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    scene.transport(.connected)
    scene.transport(.networkChanged)
    scene.now = scene.now + .seconds(11)
    scene.offer(from: "alice")
    #expect(scene.takesOffer)
  }

  @Test("a page that had dropped the call is called anew; a Glyphone that had is not")
  func peerStartedAnew() {
    var page = Scene()
    page.offer(from: "alice", isFromOurs: false)
    page.answer()
    page.devices()
    page.transport(.connected)
    page.transport(.interrupted)
    page.answerComes(session: 2)
    #expect(page.hangUps == [.sendHangUp(to: "alice", .failed)])
    #expect(page.actions.contains(.makeOffer(page.machine.callID, to: "alice")))
    page.answerComes(session: 3)
    page.transport(.connected)
    #expect(page.machine.status.phase == .active)

    var ours = Scene.inCall()
    ours.transport(.interrupted)
    ours.answerComes(session: 2)
    #expect(ours.machine.isIdle)
  }

  @Test("the server's word that the peer is gone does not end a call that lives")
  func unavailable() {
    var scene = Scene.inCall()
    scene.act { $0.hangUpCame(from: "alice", reason: .unavailable) }
    #expect(!scene.machine.isIdle)
    scene.act { $0.hangUpCame(from: "alice", reason: .ended) }
    #expect(scene.machine.isIdle)
  }

  @Test("the first connection gets no second chance, but a network change restarts it")
  func connecting() {
    var scene = Scene()
    scene.offer(from: "alice")
    scene.answer()
    scene.devices()
    scene.transport(.networkChanged)
    #expect(scene.restarts == 1)
    scene.answerComes()
    #expect(scene.takesAnswer)
    scene.transport(.lost("no path"))
    #expect(scene.machine.isIdle)
  }
}

@Suite("ICE servers from the chat server")
struct ICEServerBookTests {
  private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

  private func book(_ message: ICEServersMessage) -> ICEServerBook {
    var book = ICEServerBook()
    #expect(book.take(message, now: now).isEmpty)
    return book
  }

  @Test("come behind a person's own, and none twice")
  func joined() throws {
    let own = [try ICEServer(uri: "turn:t", username: "me", credential: "mine")]
    let book = book(
      ICEServersMessage(servers: [ICEServerInit(urls: ["stun:s", "turn:t:3478"], username: "u", credential: "c")]))
    #expect(book.joined(to: own, now: now).map(\.description) == ["turn:t:3478", "stun:s:3478"])
    #expect(book.joined(to: own, now: now).first?.username == "me")
    #expect(book.refreshAt == nil)
  }

  @Test("are asked for again halfway, and not used past their time")
  func lifetime() throws {
    let book = book(ICEServersMessage(servers: [ICEServerInit(urls: ["turn:t"])], lifetime: 600))
    #expect(book.refreshAt == now + .seconds(300))
    #expect(book.joined(to: [], now: now + .seconds(599)).count == 1)
    #expect(book.joined(to: [], now: now + .seconds(600)).isEmpty)
  }

  @Test("any lifetime is taken without harm", arguments: [Int64.min, -1, 0, 1, .max])
  func extremes(lifetime: Int64) {
    let book = book(ICEServersMessage(servers: [], lifetime: lifetime))
    #expect((book.refreshAt ?? now) >= now + .seconds(30))
  }

  @Test("what is no server is said, and the others are used")
  func wrong() {
    var book = ICEServerBook()
    let problems = book.take(ICEServersMessage(servers: [ICEServerInit(urls: ["http://x", "stun:s"])]), now: now)
    #expect(problems.count == 1)
    #expect(book.joined(to: [], now: now).count == 1)
  }
}
