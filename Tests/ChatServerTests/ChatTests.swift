import NIOCore
import Signaling
import Testing

@testable import ChatServer

/// A chat with named users, in virtual time.
final class TestChat {
  var chat: Chat
  var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

  init(limits: ChatLimits = ChatLimits(), iceServers: ICEServerOffer? = nil) {
    chat = Chat(
      limits: limits, announcement: Announcement(name: "test", version: "1", features: Feature.allCases),
      iceServers: iceServers, firstNumber: 1000, date: { 1_700_000_000 })
  }

  func connect() throws -> ConnectionID {
    let connection = chat.connected(now: now)
    return try #require(connection).id
  }

  /// Connects, logs in, and lets the user list go out.
  func join(_ name: String, features: [String]? = nil) throws -> ConnectionID {
    let id = try connect()
    let client =
      features.map { #","client":{"features":["# + $0.map { "\"\($0)\"" }.joined(separator: ",") + "]}" } ?? ""
    _ = say(id, "{\"type\":\"username\",\"name\":\"\(name)\",\"id\":\(id.number),\"date\":1\(client)}")
    _ = pass(.milliseconds(20))
    return id
  }

  /// What comes out, as "<receiver> <JSON>", "all <JSON>", or "close <connection> <code>".
  func say(_ id: ConnectionID, _ json: String) -> [String] {
    chat.received(ByteBuffer(string: json), from: id, now: now).map(describe)
  }

  func leave(_ id: ConnectionID) -> [String] { chat.disconnected(id, now: now).map(describe) }

  func pass(_ time: TimeAmount) -> [String] {
    now = now + time
    return chat.elapsed(now: now).map(describe)
  }

  private func describe(_ action: Chat.Action) -> String {
    switch action {
    case .send(let id, let json): "\(chat.name(of: id) ?? "\(id.number)") \(String(buffer: json))"
    case .broadcast(let json): "all \(String(buffer: json))"
    case .close(let id, let close): "close \(id.number) \(close.code ?? 0)"
    }
  }
}

struct ChatTests {
  @Test func greetsWithWhatItIs() throws {
    let test = TestChat()
    let greeting = test.chat.connected(now: test.now)
    let (id, actions) = try #require(greeting)
    guard case .send(let receiver, let json)? = actions.first, actions.count == 1 else {
      Issue.record("no greeting")
      return
    }
    #expect(receiver == id)
    #expect(
      String(buffer: json)
        == #"{"type":"id","id":1000,"server":{"name":"test","version":"1","features":["call-state","unavailable","ice-servers","resume"]}}"#
    )
    #expect(try test.connect().number == 1001)
  }

  @Test func sendsOneListForManyLogins() throws {
    let test = TestChat()
    let late = try test.connect()
    let a = try test.connect()
    let b = try test.connect()
    #expect(test.say(b, #"{"type":"username","name":"bob","id":1}"#) == [])
    #expect(test.pass(.milliseconds(19)) == [])
    #expect(test.say(a, #"{"type":"username","name":"alice"}"#) == [])
    #expect(test.pass(.milliseconds(1)) == [#"all {"type":"userlist","users":["alice","bob"]}"#])
    #expect(test.pass(.milliseconds(100)) == [])
    // In order of connection, not of login; the nameless one was not in it.
    #expect(test.chat.members == [a, b])
    _ = test.say(late, #"{"type":"username","name":"carol"}"#)
    #expect(test.pass(.milliseconds(20)) == [#"all {"type":"userlist","users":["carol","alice","bob"]}"#])
    #expect(test.leave(a) == [])
    #expect(test.pass(.milliseconds(20)) == [#"all {"type":"userlist","users":["carol","bob"]}"#])
  }

  @Test func countsNamesThatAreTaken() throws {
    let test = TestChat()
    _ = try test.join("alice")
    let second = try test.connect()
    #expect(
      test.say(second, #"{"type":"username","name":"alice"}"#) == [
        #"alice1 {"type":"rejectusername","id":1001,"name":"alice1"}"#
      ])
    #expect(test.pass(.milliseconds(20)) == [#"all {"type":"userlist","users":["alice","alice1"]}"#])
    let third = try test.connect()
    #expect(
      test.say(third, #"{"type":"username","name":"alice"}"#) == [
        #"alice2 {"type":"rejectusername","id":1002,"name":"alice2"}"#
      ])
    // Gone, and free again.
    _ = test.leave(second)
    let fourth = try test.connect()
    #expect(test.say(fourth, #"{"type":"username","name":"alice1"}"#) == [])
  }

  @Test func renames() throws {
    let test = TestChat()
    let a = try test.join("alice")
    let b = try test.join("bob")
    #expect(test.say(a, #"{"type":"username","name":"eve"}"#) == [])
    #expect(test.pass(.milliseconds(20)) == [#"all {"type":"userlist","users":["eve","bob"]}"#])
    #expect(
      test.say(b, #"{"type":"message","text":"hi","target":"eve"}"#) == [
        #"eve {"type":"message","text":"hi","target":"eve","name":"bob","id":1001}"#
      ])
    #expect(test.say(b, #"{"type":"new-ice-candidate","target":"alice","candidate":null}"#) == [])
    // To the same name, and with somebody else's id.
    #expect(test.say(b, #"{"type":"username","name":"bob","id":1000}"#) == [])
    #expect(test.chat.holder(of: "bob") == b && test.chat.holder(of: "eve") == a)
  }

  @Test(arguments: [
    (#""""#, "guest"), (#""  \u0007 ""#, "guest"), ("5", "guest"), ("null", "guest"),
    (#""<b>bo\"b</b>&'""#, "bbob/b"), (#"" a \t  b ""#, "a b"), (#""a\u202eb\u001b[1m""#, "ab[1m"),
    (#""cafe\u0301""#, "café"), (#""x\u200by\u00adz""#, "xyz"),
    ("\"" + String(repeating: "n", count: 2000) + "\"", String(repeating: "n", count: 32)),
  ])
  func cleansNames(_ requested: String, _ given: String) throws {
    let test = TestChat()
    let id = try test.connect()
    #expect(
      test.say(id, "{\"type\":\"username\",\"name\":\(requested)}")
        == ["\(given) {\"type\":\"rejectusername\",\"id\":1000,\"name\":\"\(given)\"}"])
    #expect(test.chat.name(of: id) == given)
  }

  @Test func nothingInOrOutBeforeAName() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let nameless = try test.connect()
    for message in [
      #"{"type":"message","text":"x"}"#, #"{"type":"video-offer","target":"alice"}"#, #"{"type":"weather"}"#,
    ] {
      #expect(
        test.say(nameless, message) == [#"1001 {"type":"error","code":"not-logged-in","text":"send username first"}"#])
    }
    _ = test.say(alice, #"{"type":"message","text":"hello"}"#)
    #expect(test.chat.members == [alice])
  }

  @Test func chatsWithTheSocketsNameAndId() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    #expect(
      test.say(alice, #"{"text":"h\u00e9 <b>","type":"message","id":1001,"name":"bob","date":1e3, "x":{"y":[1.0]}}"#)
        == [#"all {"text":"hé ","type":"message","id":1000,"name":"alice","date":1e3, "x":{"y":[1.0]}}"#])
    #expect(
      test.say(alice, #"{"type":"message","text":"<img src=x onerror=alert(1)","id":"me"}"#)
        == [#"all {"type":"message","text":"&lt;img src=x onerror=alert(1)","id":1000,"name":"alice"}"#])
    #expect(
      test.say(alice, #"{"type":"message","text":"psst","target":"bob","id":1}"#)
        == [#"bob {"type":"message","text":"psst","target":"bob","id":1000,"name":"alice"}"#])
    #expect(test.say(alice, #"{"type":"message","text":"psst","target":"nobody"}"#) == [])
  }

  @Test func relaysSignalingToTheTargetAlone() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    for type in ["video-offer", "video-answer", "new-ice-candidate", "call-state", "hang-up"] {
      #expect(
        test.say(
          alice, "{\"type\":\"\(type)\",\"target\":\"bob\",\"name\":\"mallory\",\"sdp\":{\"sdp\":\"v=0\\r\\n\"}}")
          == ["bob {\"type\":\"\(type)\",\"target\":\"bob\",\"name\":\"alice\",\"sdp\":{\"sdp\":\"v=0\\r\\n\"}}"])
      #expect(test.say(alice, "{\"type\":\"\(type)\",\"target\":\"nobody\"}") == [])
    }
    // The candidate gets the name that pages leave out.
    #expect(
      test.say(alice, #"{"type":"new-ice-candidate","target":"bob","candidate":{"candidate":""}}"#)
        == [#"bob {"type":"new-ice-candidate","target":"bob","candidate":{"candidate":""},"name":"alice"}"#])
    for type in ["video-offer", "video-answer", "new-ice-candidate", "call-state"] {
      for target in ["", #","target":null"#, #","target":"""#, #","target":7"#] {
        #expect(
          test.say(alice, "{\"type\":\"\(type)\"\(target)}")
            == ["alice {\"type\":\"error\",\"code\":\"no-target\",\"text\":\"\(type) needs a target\"}"])
      }
    }
  }

  @Test func stampsEveryNameInAMessage() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    #expect(
      test.say(alice, #"{"type":"video-offer","target":"bob","name":"x","n\u0061me":"bob","name":{"a":1}}"#)
        == [#"bob {"type":"video-offer","target":"bob","name":"alice","n\u0061me":"alice","name":"alice"}"#])
  }

  @Test func passesUnknownTypesOn() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    #expect(test.say(alice, #"{"type":"weather","x":1}"#) == [#"all {"type":"weather","x":1,"name":"alice"}"#])
    #expect(
      test.say(alice, #"{"type":"weather","target":"bob"}"#) == [
        #"bob {"type":"weather","target":"bob","name":"alice"}"#
      ])
    #expect(
      test.say(alice, #"{"type":"weather","target":0}"#) == [#"all {"type":"weather","target":0,"name":"alice"}"#])
  }

  @Test(arguments: ["id", "rejectusername", "userlist", "error"])
  func refusesWhatOnlyTheServerSays(_ type: String) throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    #expect(
      test.say(alice, "{\"type\":\"\(type)\",\"users\":[],\"id\":5,\"name\":\"x\",\"target\":\"bob\"}")
        == ["alice {\"type\":\"error\",\"code\":\"not-allowed\",\"text\":\"\(type) comes from the server only\"}"])
  }

  @Test(arguments: [
    "", "nonsense", "null", "[]", "7", #"{"type":null}"#, "{}", #"{"type":"message"}"#, #"{"type":"message","text":5}"#,
    #"{"type":"message","text":null,"id":1000}"#, String(repeating: "[", count: 20_000),
    #"{"type":"message","text":"x","deep":"# + String(repeating: "[", count: 20_000),
  ])
  func tellsTheOffenderAlone(_ input: String) throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let answer = test.say(alice, input)
    #expect(answer.count == 1)
    #expect(answer[0].hasPrefix(#"alice {"type":"error","code":"bad-message","text":""#))
  }

  @Test func losesPatience() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    for _ in 0..<16 { #expect(test.say(alice, "x") != ["close \(alice.number) 1008"]) }
    #expect(test.say(alice, "x") == ["close \(alice.number) 1008"])
    // One mistake now and then is forgiven for ever.
    let bob = try test.join("bob")
    for _ in 0..<100 {
      #expect(test.say(bob, "x") != ["close \(bob.number) 1008"])
      _ = test.pass(.seconds(5))
    }
  }

  @Test func closesWhoDoesNotLogIn() throws {
    let test = TestChat()
    let early = try test.connect()
    let named = try test.join("alice")
    #expect(test.chat.deadline == NIODeadline.uptimeNanoseconds(11_000_000_000))
    #expect(test.pass(.seconds(9)) == [])
    #expect(test.pass(.seconds(1)) == ["close \(early.number) 1008"])
    #expect(test.pass(.seconds(100)) == [])
    #expect(test.chat.deadline == nil)
    #expect(test.chat.members == [named])
  }

  @Test func takesNoMoreThanItsLimit() throws {
    var limits = ChatLimits()
    limits.maximumConnections = 2
    let test = TestChat(limits: limits)
    let first = try test.connect()
    _ = try test.connect()
    let refused = test.chat.connected(now: test.now)
    #expect(refused == nil)
    _ = test.leave(first)
    _ = try test.connect()
  }

  @Test func survivesMutatedMessages() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let bob = try test.join("bob")
    let messages = [
      #"{"type":"message","text":"hello <b>","id":1000,"date":1700000000000,"target":"bob"}"#,
      #"{"type":"video-offer","name":"bob","target":"alice","sdp":{"type":"offer","sdp":"v=0\r\n"}}"#,
      #"{"type":"hang-up","name":"a","target":null}"#, #"{"type":"username","name":"b\u00f6b","id":1001,"date":1}"#,
    ]
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for round in 0..<10_000 {
      var bytes = Array(messages[round % messages.count].utf8)
      for _ in 0..<(1 + random(4)) { bytes[random(bytes.count)] = UInt8(random(256)) }
      let sender = round % 2 == 0 ? alice : bob
      for action in test.chat.received(ByteBuffer(bytes: bytes), from: sender, now: test.now) {
        guard case .broadcast(let json) = action else { continue }
        // What goes to others is JSON and signed by its sender.
        let name = try JSONObject(parsing: json)["name"]?.string
        #expect(name == test.chat.name(of: sender))
      }
      _ = test.pass(.seconds(20))
    }
    #expect(test.chat.members.count == 2)
  }
}
