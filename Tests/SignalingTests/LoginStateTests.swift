import NIOCore
import TestSupport
import Testing

@testable import Signaling

struct LoginStateTests {
  private let ours = Announcement(name: "glyphone", version: "1", features: [.callState])
  private let server = Announcement(name: "s", version: "1", features: [.callState])

  private func users(_ names: String...) -> SignalingMessage { .userList(UserListMessage(users: names)) }

  @Test func logsIn() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    let greeting = login.receive(.id(IDMessage(id: 5, server: server)), date: 9)
    #expect(greeting.reply == .username(UsernameMessage(name: "naomi", id: 5, date: 9, client: ours)))
    #expect(greeting.events == [.connected(id: 5, server: server)])
    #expect(login.receive(users("priya"), date: 9).events == [.message(users("priya"))])
    #expect(
      login.receive(users("priya", "naomi"), date: 9).events == [.named("naomi"), .message(users("priya", "naomi"))])
    #expect(login.receive(users("naomi"), date: 9).events == [.message(users("naomi"))])
  }

  @Test func keepsTheNameItWasGiven() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    _ = login.receive(.id(IDMessage(id: 5, server: server)), date: 9)
    let rejection = SignalingMessage.rejectUsername(RejectUsernameMessage(id: 5, name: "naomi1"))
    #expect(login.receive(rejection, date: 9).events == [.message(rejection), .named("naomi1")])
    login.disconnected()
    let again = login.receive(.id(IDMessage(id: 6)), date: 10)
    // And announces nothing to a server that did not.
    #expect(again.reply == .username(UsernameMessage(name: "naomi1", id: 6, date: 10)))
  }

  @Test func renamesNowOrWithTheNextLogin() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    #expect(login.rename(to: "nao", date: 1) == nil)
    #expect(
      login.receive(.id(IDMessage(id: 5)), date: 2).reply == .username(UsernameMessage(name: "nao", id: 5, date: 2)))
    _ = login.receive(users("nao"), date: 2)
    #expect(login.rename(to: "n", date: 3) == .username(UsernameMessage(name: "n", id: 5, date: 3)))
    #expect(login.receive(users("n"), date: 4).events.first == .named("n"))
  }

  @Test func aSecondGreetingIsNoLogin() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    _ = login.receive(.id(IDMessage(id: 5)), date: 1)
    let second = login.receive(.id(IDMessage(id: 6)), date: 1)
    #expect(second.reply == nil && second.events.isEmpty)
  }

  @Test func sendsNoExtensionsToServersThatDidNotAnnounceThem() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    let hangUp = SignalingMessage.hangUp(HangUpMessage(name: "naomi", target: "b", reason: .busy))
    let offer = SignalingMessage.videoOffer(
      SessionDescriptionMessage(name: "naomi", target: "b", sdp: "v=0", client: ours))
    let ringing = SignalingMessage.callState(CallStateMessage(name: "naomi", target: "b", state: .ringing))
    _ = login.receive(.id(IDMessage(id: 5)), date: 1)
    #expect(login.permitted(hangUp) == .hangUp(HangUpMessage(name: "naomi", target: "b")))
    #expect(login.permitted(offer) == .videoOffer(SessionDescriptionMessage(name: "naomi", target: "b", sdp: "v=0")))
    #expect(login.permitted(ringing) == nil)
    login.disconnected()
    _ = login.receive(.id(IDMessage(id: 5, server: server)), date: 1)
    for message in [hangUp, offer, ringing] { #expect(login.permitted(message) == message) }
  }

  @Test func asksForICEServersAndResumesOnlyWhereThatIsKnown() {
    var login = LoginState(name: "naomi", announcement: ours, session: "s3cret")
    _ = login.receive(.id(IDMessage(id: 5, server: server)), date: 1)
    #expect(login.permitted(.iceServersRequest) == nil)
    login.disconnected()
    let knowing = Announcement(name: "s", version: "1", features: [.iceServers, .resume])
    let greeting = login.receive(.id(IDMessage(id: 6, server: knowing)), date: 2)
    #expect(
      greeting.reply
        == .username(UsernameMessage(name: "naomi", id: 6, date: 2, client: ours, session: "s3cret")))
    #expect(login.permitted(.iceServersRequest) == .iceServersRequest)
  }

  @Test func backsOff() {
    var backoff = Backoff(minimum: .milliseconds(500), maximum: .seconds(30))
    var random = SeededGenerator(seed: 4)
    for due: Int64 in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
      let delay = backoff.failed(using: &random)
      #expect(delay >= .milliseconds(due / 2) && delay <= .milliseconds(due))
    }
    backoff.succeeded()
    #expect(backoff.failed(using: &random) <= .milliseconds(500))
  }
}
