import Foundation
import NIOCore
import Signaling
import Testing

@testable import ChatServer

@Suite("ICE servers that a server hands out")
struct ICEServerOfferTests {
  private let uris = ["stun:turn.example.org", "turn:turn.example.org", "turns:turn.example.org"]

  @Test("credentials expire, and are coturn's: base64(HMAC-SHA1(secret, \"<expiry>:<name>\"))")
  func timeLimited() {
    // Checked with: printf %s 1700086400:alice | openssl dgst -sha1 -hmac north -binary | base64
    let login = TimeLimitedLogin(name: "alice", expires: 1_700_086_400, secret: "north")
    #expect(login.username == "1700086400:alice")
    #expect(login.credential == "SXua5ne/+mDhiHTp0pQJzRO4ESg=")
  }

  @Test("names become plain ASCII in user names of TURN")
  func names() {
    #expect(TimeLimitedLogin(name: "a b:ö", expires: 5, secret: "s").username == "5:a%20b%3A%C3%B6")
    let long = String(repeating: "日", count: 40)
    #expect(TimeLimitedLogin(name: long, expires: 5, secret: "s").username.utf8.count <= 98)
  }

  @Test("who asks is told; the credentials bear the name of the socket, not of the message")
  func answers() throws {
    let offer = try ICEServerOffer(uris: uris, login: .timeLimited(secret: "north", lifetime: 86_400))
    let test = TestChat(iceServers: offer)
    let alice = try test.join("alice")
    _ = try test.join("bob")
    let answer = test.say(alice, #"{"type":"ice-servers","name":"bob"}"#)
    #expect(
      answer == [
        #"alice {"type":"ice-servers","iceServers":[{"urls":["stun:turn.example.org"]},{"urls":["#
          + #""turn:turn.example.org","turns:turn.example.org"],"username":"1700086400:alice","#
          + #""credential":"SXua5ne/+mDhiHTp0pQJzRO4ESg="}],"lifetime":86400}"#
      ])
  }

  @Test("a server without any says so, to the one who asked")
  func none() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    #expect(test.say(alice, #"{"type":"ice-servers"}"#) == [#"alice {"type":"ice-servers","iceServers":[]}"#])
    #expect(ChatServer.announcement(.init()).supports(.iceServers) == false)
  }

  @Test("a fixed login has no lifetime")
  func fixed() throws {
    let offer = try ICEServerOffer(uris: ["turn:t"], login: .fixed(username: "webrtc", credential: "turnserver"))
    let expected = ICEServerInit(urls: ["turn:t"], username: "webrtc", credential: "turnserver")
    #expect(offer.servers(for: "alice", date: 5) == ICEServersMessage(servers: [expected]))
  }

  @Test("what cannot work is refused at the start, with what to do")
  func refusals() {
    let wrong: [([String], ICEServerOffer.Login)] = [
      (["http://t"], .none), (["turn:t"], .none), (["stun:t"], .timeLimited(secret: "s", lifetime: 60)),
      ([], .fixed(username: "u", credential: "p")), (Array(repeating: "stun:t", count: 9), .none),
    ]
    for (uris, login) in wrong {
      #expect(throws: ChatServerError.self) { try ICEServerOffer(uris: uris, login: login) }
    }
  }

  @Test("secrets and logins come from files")
  func files() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("turn-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("web rtc:turn:server \nmore\n".utf8).write(to: URL(fileURLWithPath: file))
    guard case .fixed("web rtc", "turn:server") = try ICEServerOffer.Login.fixed(loginFile: file),
      case .timeLimited("web rtc:turn:server", 60) = try ICEServerOffer.Login.timeLimited(
        secretFile: file, lifetime: 60)
    else {
      Issue.record("read wrongly")
      return
    }
    try Data("\n".utf8).write(to: URL(fileURLWithPath: file))
    #expect(throws: ChatServerError.self) { try ICEServerOffer.Login.timeLimited(secretFile: file, lifetime: 60) }
    #expect(throws: ChatServerError.self) { try ICEServerOffer.Login.fixed(loginFile: file + "-missing") }
  }
}

@Suite("A client that comes back on another connection")
struct ResumeTests {
  private func login(_ name: String, session: String) -> String {
    #"{"type":"username","name":"\#(name)","session":"\#(session)"}"#
  }

  @Test("gets its name and its call while the old connection still looks alive")
  func resumes() throws {
    let test = TestChat()
    let old = try test.connect()
    _ = test.say(old, login("alice", session: "0123456789abcdef"))
    let bob = try test.join("bob")
    _ = test.say(old, #"{"type":"video-offer","target":"bob","sdp":{"type":"offer","sdp":"v=0"}}"#)
    _ = test.say(bob, #"{"type":"video-answer","target":"alice","sdp":{"type":"answer","sdp":"v=0"}}"#)
    let new = try test.connect()
    #expect(test.say(new, login("alice", session: "0123456789abcdef")) == ["close \(old.number) 1001"])
    #expect(test.chat.name(of: new) == "alice")
    #expect(test.pass(.milliseconds(20)) == [#"all {"type":"userlist","users":["bob","alice"]}"#])
    // The old connection's end disturbs nobody, and an untargeted hang-up still finds the peer of the call.
    #expect(test.leave(old) == [])
    #expect(test.say(new, #"{"type":"hang-up"}"#) == [#"bob {"type":"hang-up","name":"alice","target":"bob"}"#])
  }

  @Test("nobody else gets it", arguments: ["0123456789abcdeX", "short", ""])
  func strangers(session: String) throws {
    let test = TestChat()
    let alice = try test.connect()
    _ = test.say(alice, login("alice", session: session == "short" ? "short" : "0123456789abcdef"))
    let stranger = try test.connect()
    let answer = test.say(stranger, login("alice", session: session))
    #expect(answer == [#"alice1 {"type":"rejectusername","id":1001,"name":"alice1"}"#])
    #expect(test.chat.name(of: alice) == "alice")
  }

  @Test("the secret goes to nobody")
  func secret() throws {
    let test = TestChat()
    let alice = try test.connect()
    let said = test.say(alice, login("alice", session: "0123456789abcdef")) + test.pass(.milliseconds(20))
    #expect(!said.contains { $0.contains("0123456789abcdef") })
  }
}
