import NIOCore
import Testing

@testable import Signaling

struct SignalingMessageTests {
  private func parse(_ text: String) throws(SignalingMessageError) -> SignalingMessage {
    try SignalingMessage(parsing: ByteBuffer(string: text))
  }

  static let announcement = Announcement(name: "glyphone", version: "1", features: [.callState])

  @Test(arguments: [
    SignalingMessage.id(IDMessage(id: 1_700_000_000_000, server: announcement)),
    .id(IDMessage(id: 3)),
    .username(UsernameMessage(name: "naomi", id: 3, date: 4, client: announcement)),
    .rejectUsername(RejectUsernameMessage(id: 3, name: "naomi1")),
    .userList(UserListMessage(users: ["naomi", "p\"ri\\ya", "日本"])),
    .message(ChatMessage(text: "a < b && \"c\" &lt; \n", id: 3, date: 4, name: "naomi", target: "priya")),
    .videoOffer(SessionDescriptionMessage(name: "a", target: "b", sdp: "v=0\r\n", client: announcement)),
    .videoAnswer(SessionDescriptionMessage(name: "a", target: "b", sdp: "v=0\r\n")),
    .newICECandidate(
      ICECandidateMessage(
        name: "a", target: "b",
        candidate: ICECandidateInit(
          candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u"))),
    .newICECandidate(ICECandidateMessage(target: "b", candidate: nil)),
    .hangUp(HangUpMessage(name: "a", target: "b", reason: .noAnswer)),
    .hangUp(HangUpMessage(name: "a", target: nil)),
    .callState(CallStateMessage(name: "a", target: "b", state: .ringing)),
    .username(UsernameMessage(name: "naomi", id: 3, date: 4, client: announcement, session: "s")),
    .iceServersRequest,
    .iceServers(ICEServersMessage(servers: [])),
    .iceServers(
      ICEServersMessage(
        servers: [
          ICEServerInit(urls: ["stun:stun.example.org", "stun:192.0.2.1:3479"]),
          ICEServerInit(urls: ["turns:turn.example.org?transport=tcp"], username: "1:n", credential: "c+/="),
        ], lifetime: 86_400)),
    .error(ErrorMessage(code: .unavailable, text: "b is not online", target: "b")),
    .other(type: "weather"),
  ])
  func survivesTheWire(_ message: SignalingMessage) throws {
    let read = try SignalingMessage(parsing: message.encoded())
    #expect(read == message)
    #expect(read.type == message.type)
  }

  @Test func readsWhatPagesSend() throws {
    #expect(
      try parse(#"{"name":"priya","date":1700000000000,"id":1699999999999,"type":"username"}"#)
        == .username(UsernameMessage(name: "priya", id: 1_699_999_999_999, date: 1_700_000_000_000)))
    #expect(
      try parse(#"{"name":"priya","target":null,"type":"hang-up"}"#)
        == .hangUp(HangUpMessage(name: "priya", target: nil)))
    #expect(
      try parse(
        #"{"type":"new-ice-candidate","target":"a","candidate":{"candidate":"","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"f"}}"#
      )
        == .newICECandidate(
          ICECandidateMessage(
            target: "a",
            candidate: ICECandidateInit(candidate: "", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "f"))))
    #expect(
      try parse(#"{"name":"a","target":"b","type":"video-offer","sdp":{"type":"offer","sdp":"v=0\r\n"}}"#)
        == .videoOffer(SessionDescriptionMessage(name: "a", target: "b", sdp: "v=0\r\n")))
  }

  @Test("ice-servers: one URL without an array, and what cannot be read is left out")
  func readsICEServers() throws {
    let text =
      #"{"type":"ice-servers","iceServers":[{"urls":"stun:a"},{"urls":[]},7,{"urls":["turn:b",null],"username":5}]}"#
    #expect(
      try parse(text)
        == .iceServers(
          ICEServersMessage(servers: [ICEServerInit(urls: ["stun:a"]), ICEServerInit(urls: ["turn:b"])])))
    #expect(throws: SignalingMessageError.self) { try parse(#"{"type":"ice-servers","iceServers":"stun:a"}"#) }
    let many = Array(repeating: #"{"urls":"stun:a"}"#, count: 40).joined(separator: ",")
    guard case .iceServers(let message) = try parse("{\"type\":\"ice-servers\",\"iceServers\":[\(many)]}") else {
      Issue.record("not read")
      return
    }
    #expect(message.servers.count == ICEServersMessage.maximumServers)
  }

  @Test func anEmptyCandidateEndsThem() {
    #expect(ICECandidateInit(candidate: "", sdpMid: nil, sdpMLineIndex: nil).isEndOfCandidates)
    #expect(!ICECandidateInit(candidate: "candidate:1", sdpMid: nil, sdpMLineIndex: nil).isEndOfCandidates)
  }

  @Test func dropsNamelessUsers() throws {
    #expect(
      try parse(#"{"type":"userlist","users":["a",null,7,"b",{"c":1}]}"#)
        == .userList(UserListMessage(users: ["a", "b"])))
  }

  @Test func showsHTMLAsAPageWould() throws {
    let read = try parse(#"{"type":"message","text":"1 &lt; 2 &amp;lt; AT&T &copy","name":"a"}"#)
    #expect(read == .message(ChatMessage(text: "1 < 2 &lt; AT&T &copy", id: 0, date: 0, name: "a")))
  }

  @Test(arguments: [
    ("nonsense", "not a JSON object: unexpected text at byte 1"),
    ("", "not a JSON object: it ends early"),
    ("null", "not a JSON object: the outermost value is not an object"),
    ("{}", "the message has no type"),
    (#"{"type":5}"#, "the message has no type"),
    (#"{"type":"id"}"#, "the id message has no id"),
    (#"{"type":"id","id":"x"}"#, "id of the id message is not an integer"),
    (#"{"type":"userlist","users":"x"}"#, "users of the userlist message is not an array"),
    (#"{"type":"message","text":[]}"#, "text of the message message is not a string"),
    (
      #"{"type":"video-offer","sdp":"v=0"}"#,
      "sdp of the video-offer message is not a session description of type offer"
    ),
    (
      #"{"type":"video-answer","sdp":{"type":"offer","sdp":""}}"#,
      "sdp of the video-answer message is not a session description of type answer"
    ),
    (#"{"type":"new-ice-candidate"}"#, "the new-ice-candidate message has no candidate"),
    (#"{"type":"new-ice-candidate","candidate":3}"#, "candidate of the new-ice-candidate message is not a candidate"),
    (#"{"type":"rejectusername","id":1}"#, "the rejectusername message has no name"),
    (#"{"type":"error"}"#, "the error message has no code"),
  ])
  func namesWhatIsWrong(_ text: String, _ words: String) {
    let error = #expect(throws: SignalingMessageError.self) { try parse(text) }
    #expect(error?.description == words)
  }

  @Test func boundsWhatItKeepsOfAnnouncements() throws {
    let features = (0..<1000).map { "\"f\($0)\"" }.joined(separator: ",")
    guard case .id(let message) = try parse("{\"type\":\"id\",\"id\":1,\"server\":{\"features\":[\(features)]}}") else {
      Issue.record("not an id")
      return
    }
    #expect(message.server?.features.count == Announcement.maximumFeatures)
  }
}
