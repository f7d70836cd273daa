public import NIOCore

// How messages look as JSON: MDN's field names, one object each.

extension SignalingMessage {
  /// Reads one message.
  ///
  /// Lenient where MDN's page and server are: `name`, `target`, `id` and `date` may be missing or of another kind unless
  /// the message means nothing without them.
  /// - Parameter bytes: one JSON object.
  /// - Throws: ``SignalingMessageError`` naming what is wrong.
  public init(parsing bytes: ByteBuffer) throws(SignalingMessageError) {
    let object: JSONObject
    do { object = try JSONObject(parsing: bytes) } catch { throw .json(error) }
    guard let type = object["type"]?.string else { throw .noType }
    let fields = Fields(object: object, type: type)
    switch type {
    case "id":
      self = .id(IDMessage(id: try fields.integer("id"), server: fields.announcement("server")))
    case "username":
      self = .username(
        UsernameMessage(
          name: try fields.string("name"), id: fields.integerIfAny("id"), date: fields.integerIfAny("date"),
          client: fields.announcement("client"), session: object["session"]?.string))
    case "rejectusername":
      self = .rejectUsername(
        RejectUsernameMessage(id: fields.integerIfAny("id"), name: try fields.string("name")))
    case "userlist":
      self = .userList(UserListMessage(users: try fields.strings("users")))
    case "message":
      self = .message(
        ChatMessage(
          text: HTMLText.decode(try fields.string("text")), id: fields.integerIfAny("id"),
          date: fields.integerIfAny("date"), name: fields.name, target: fields.target))
    case "video-offer":
      self = .videoOffer(try fields.sessionDescription("offer"))
    case "video-answer":
      self = .videoAnswer(try fields.sessionDescription("answer"))
    case "new-ice-candidate":
      self = .newICECandidate(
        ICECandidateMessage(name: fields.name, target: fields.target, candidate: try fields.candidate()))
    case "hang-up":
      let reason = object["reason"]?.string.flatMap(HangUpReason.init(rawValue:))
      self = .hangUp(HangUpMessage(name: fields.name, target: fields.target, reason: reason))
    case "call-state":
      let state = CallStateMessage.State(rawValue: try fields.string("state"))
      self = .callState(CallStateMessage(name: fields.name, target: fields.target, state: state))
    case "ice-servers":
      self = try fields.iceServers().map(SignalingMessage.iceServers) ?? .iceServersRequest
    case "error":
      self = .error(
        ErrorMessage(
          code: try fields.string("code"), text: object["text"]?.string ?? "", target: fields.target))
    default:
      self = .other(type: type)
    }
  }

  /// The message as JSON.
  public func encoded() -> ByteBuffer {
    var json = JSONWriter()
    json.member("type", type)
    switch self {
    case .id(let message):
      json.member("id", message.id)
      json.member("server", message.server)
    case .username(let message):
      json.member("name", message.name)
      json.member("id", message.id)
      json.member("date", message.date)
      json.member("client", message.client)
      json.memberIfAny("session", message.session)
    case .rejectUsername(let message):
      json.member("id", message.id)
      json.member("name", message.name)
    case .userList(let message):
      json.member("users", message.users)
    case .message(let message):
      json.member("text", HTMLText.encode(message.text))
      json.member("id", message.id)
      json.member("date", message.date)
      json.memberIfAny("name", message.name)
      json.memberIfAny("target", message.target)
    case .videoOffer(let message):
      json.sessionDescription(message, type: "offer")
    case .videoAnswer(let message):
      json.sessionDescription(message, type: "answer")
    case .newICECandidate(let message):
      json.memberIfAny("name", message.name)
      json.memberIfAny("target", message.target)
      json.member("candidate", raw: message.candidate?.json ?? "null")
    case .hangUp(let message):
      json.memberIfAny("name", message.name)
      json.memberIfAny("target", message.target)
      json.memberIfAny("reason", message.reason?.rawValue)
    case .callState(let message):
      json.memberIfAny("name", message.name)
      json.memberIfAny("target", message.target)
      json.memberIfAny("state", message.state?.rawValue)
    case .iceServersRequest:
      break
    case .iceServers(let message):
      json.member("iceServers", raw: "[" + message.servers.map(\.json).joined(separator: ",") + "]")
      if let lifetime = message.lifetime { json.member("lifetime", lifetime) }
    case .error(let message):
      json.member("code", message.code)
      json.member("text", message.text)
      json.memberIfAny("target", message.target)
    case .other:
      break
    }
    return ByteBuffer(string: json.object)
  }
}

/// Typed access to the members of a message.
private struct Fields {
  let object: JSONObject
  let type: String

  var name: String? { object["name"]?.string }
  /// MDN's server takes an empty target for none.
  var target: String? { object["target"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

  func string(_ field: String) throws(SignalingMessageError) -> String {
    guard let value = object[field] else { throw .missing(field: field, type: type) }
    guard let string = value.string else { throw .wrong(field: field, type: type, expected: "a string") }
    return string
  }

  func integer(_ field: String) throws(SignalingMessageError) -> Int64 {
    guard let value = object[field] else { throw .missing(field: field, type: type) }
    guard let integer = value.integer else { throw .wrong(field: field, type: type, expected: "an integer") }
    return integer
  }

  func integerIfAny(_ field: String) -> Int64 { object[field]?.integer ?? 0 }

  func strings(_ field: String) throws(SignalingMessageError) -> [String] {
    guard let value = object[field] else { throw .missing(field: field, type: type) }
    guard let elements = value.elements else { throw .wrong(field: field, type: type, expected: "an array") }
    return elements.compactMap(\.string)
  }

  func announcement(_ field: String) -> Announcement? { Announcement(object[field]) }

  func sessionDescription(_ kind: String) throws(SignalingMessageError) -> SessionDescriptionMessage {
    guard let value = object["sdp"] else { throw .missing(field: "sdp", type: type) }
    guard let description = value.object, let sdp = description["sdp"]?.string,
      description["type"]?.string == kind
    else { throw .wrong(field: "sdp", type: type, expected: "a session description of type \(kind)") }
    return SessionDescriptionMessage(name: name, target: target, sdp: sdp, client: announcement("client"))
  }

  /// Nil in a request, which has none. Entries that cannot be read are left out, as those of a later version would be.
  func iceServers() throws(SignalingMessageError) -> ICEServersMessage? {
    guard let value = object["iceServers"] else { return nil }
    guard let elements = value.elements else { throw .wrong(field: "iceServers", type: type, expected: "an array") }
    let servers = elements.prefix(ICEServersMessage.maximumServers).compactMap { ICEServerInit($0) }
    return ICEServersMessage(servers: servers, lifetime: object["lifetime"]?.integer)
  }

  func candidate() throws(SignalingMessageError) -> ICECandidateInit? {
    guard let value = object["candidate"] else { throw .missing(field: "candidate", type: type) }
    if value.isNull { return nil }
    guard let candidate = value.object, let attribute = candidate["candidate"]?.string else {
      throw .wrong(field: "candidate", type: type, expected: "a candidate")
    }
    return ICECandidateInit(
      candidate: attribute, sdpMid: candidate["sdpMid"]?.string,
      sdpMLineIndex: candidate["sdpMLineIndex"]?.integer.flatMap(Int.init(exactly:)),
      usernameFragment: candidate["usernameFragment"]?.string)
  }
}

extension JSONWriter {
  fileprivate mutating func memberIfAny(_ key: String, _ string: String?) {
    if let string { member(key, string) }
  }

  fileprivate mutating func member(_ key: String, _ announcement: Announcement?) {
    guard let announcement else { return }
    var json = JSONWriter()
    json.member("name", announcement.name)
    json.member("version", announcement.version)
    json.member("features", announcement.features)
    member(key, raw: json.object)
  }

  fileprivate mutating func sessionDescription(_ message: SessionDescriptionMessage, type: String) {
    memberIfAny("name", message.name)
    memberIfAny("target", message.target)
    var json = JSONWriter()
    json.member("type", type)
    json.member("sdp", message.sdp)
    member("sdp", raw: json.object)
    member("client", message.client)
  }
}

extension ICEServerInit {
  /// `urls` may be one string or an array of them.
  fileprivate init?(_ value: JSONValue) {
    guard let server = value.object, let urls = server["urls"] else { return nil }
    let texts = urls.string.map { [$0] } ?? urls.elements?.prefix(Self.maximumURLs).compactMap(\.string)
    guard let texts, !texts.isEmpty else { return nil }
    self.init(urls: texts, username: server["username"]?.string, credential: server["credential"]?.string)
  }

  fileprivate var json: String {
    var json = JSONWriter()
    json.member("urls", urls)
    json.memberIfAny("username", username)
    json.memberIfAny("credential", credential)
    return json.object
  }
}

extension ICECandidateInit {
  fileprivate var json: String {
    var json = JSONWriter()
    json.member("candidate", candidate)
    json.member("sdpMid", raw: sdpMid.map(quoteJSON) ?? "null")
    json.member("sdpMLineIndex", raw: sdpMLineIndex.map(String.init) ?? "null")
    if let usernameFragment { json.member("usernameFragment", usernameFragment) }
    return json.object
  }
}

extension Announcement {
  /// Reads `server` or `client`; nil if it is not an object.
  public init?(_ value: JSONValue?) {
    guard let announced = value?.object else { return nil }
    let features = announced["features"]?.elements?.prefix(Self.maximumFeatures).compactMap(\.string)
    self.init(
      name: announced["name"]?.string ?? "", version: announced["version"]?.string ?? "", featureNames: features ?? [])
  }
}
