/// One message of the signaling protocol: MDN's table, and the few extensions that are sent only to those who announced
/// them (``Announcement``).
///
/// Read one with ``init(parsing:)``, write one with ``encoded()``.
public enum SignalingMessage: Sendable, Equatable {
  /// `id`: the server's first words to a connection.
  case id(IDMessage)
  /// `username`: a client's reply to `id`; sent again later it renames.
  case username(UsernameMessage)
  /// `rejectusername`: the server gave another name than the one asked for.
  case rejectUsername(RejectUsernameMessage)
  /// `userlist`: everybody in the chat.
  case userList(UserListMessage)
  /// `message`: a line of chat.
  case message(ChatMessage)
  /// `video-offer`.
  case videoOffer(SessionDescriptionMessage)
  /// `video-answer`.
  case videoAnswer(SessionDescriptionMessage)
  /// `new-ice-candidate`.
  case newICECandidate(ICECandidateMessage)
  /// `hang-up`.
  case hangUp(HangUpMessage)
  /// `call-state` (extension): what a callee's program does with an offer that it has not answered yet.
  case callState(CallStateMessage)
  /// `ice-servers` (extension) from a client: asks for what follows.
  case iceServersRequest
  /// `ice-servers` (extension) from a server: its STUN and TURN servers.
  case iceServers(ICEServersMessage)
  /// `error` (extension): something we sent was refused.
  case error(ErrorMessage)
  /// A type that this program does not know. Servers relay such messages; clients ignore them.
  case other(type: String)

  /// The `type` field of the message.
  public var type: String {
    switch self {
    case .id: "id"
    case .username: "username"
    case .rejectUsername: "rejectusername"
    case .userList: "userlist"
    case .message: "message"
    case .videoOffer: "video-offer"
    case .videoAnswer: "video-answer"
    case .newICECandidate: "new-ice-candidate"
    case .hangUp: "hang-up"
    case .callState: "call-state"
    case .iceServersRequest, .iceServers: "ice-servers"
    case .error: "error"
    case .other(let type): type
    }
  }
}

/// What a program says about itself: `server` in `id`, `client` in `username` and in offers.
///
/// Nothing beyond MDN's table may be sent to a side that did not announce the feature it belongs to.
public struct Announcement: Sendable, Equatable {
  /// The program, "glyphone-server" for instance.
  public var name: String
  public var version: String
  /// See ``Feature``; unknown ones are kept. At most ``maximumFeatures`` are read.
  public var features: [String]

  public static let maximumFeatures = 64

  public init(name: String, version: String, features: [Feature]) {
    self.init(name: name, version: version, featureNames: features.map(\.rawValue))
  }

  init(name: String, version: String, featureNames: [String]) {
    self.name = name
    self.version = version
    features = featureNames
  }

  public func supports(_ feature: Feature) -> Bool { features.contains(feature.rawValue) }
}

/// The extensions that this program knows.
public enum Feature: String, Sendable, CaseIterable {
  /// `client` in `video-offer`, `call-state` messages, and `reason` in `hang-up`.
  case callState = "call-state"
  /// An `error` with code `unavailable` answers an offer or a message to somebody who is not online, and a `hang-up` with
  /// reason `unavailable` tells a callee that its caller has gone before the call was answered.
  case unavailable
  /// The server answers `ice-servers` with the STUN and TURN servers it recommends.
  case iceServers = "ice-servers"
  /// `session` in `username`: the same client gets its name back on a new connection while the old one is still open.
  case resume
}

/// `id`: sent by the server when a connection opens.
public struct IDMessage: Sendable, Equatable {
  /// Names the connection; goes into `username` and `message`.
  public var id: Int64
  /// Absent from MDN's own server.
  public var server: Announcement?

  public init(id: Int64, server: Announcement? = nil) {
    self.id = id
    self.server = server
  }
}

/// `username`: asks for a name.
public struct UsernameMessage: Sendable, Equatable {
  public var name: String
  public var id: Int64
  /// Milliseconds since 1970.
  public var date: Int64
  /// Only for a server that announced itself.
  public var client: Announcement?
  /// A secret of this client that stays the same from connection to connection; only for a server that announced
  /// ``Feature/resume``.
  public var session: String?

  public init(name: String, id: Int64, date: Int64, client: Announcement? = nil, session: String? = nil) {
    self.name = name
    self.id = id
    self.date = date
    self.client = client
    self.session = session
  }
}

/// `rejectusername`: the name asked for is taken or not allowed.
public struct RejectUsernameMessage: Sendable, Equatable {
  public var id: Int64
  /// The name given instead, in force already.
  public var name: String

  public init(id: Int64, name: String) {
    self.id = id
    self.name = name
  }
}

/// `userlist`: everybody in the chat in order of connection, the reader included.
public struct UserListMessage: Sendable, Equatable {
  /// Names as they are on the wire. Entries that are no strings (MDN's server sends `null` for the unnamed) are dropped.
  public var users: [String]

  public init(users: [String]) { self.users = users }
}

/// `message`: a line of chat to all, or to `target` alone.
public struct ChatMessage: Sendable, Equatable {
  /// Plain text. On the wire it is HTML, because MDN's page shows it as such: `<` and `&` are escaped in writing
  /// and the common character references are resolved in reading. Text from others still needs
  /// ``TextSafety/singleLine(_:)`` before it goes to a terminal.
  public var text: String
  /// The sender's connection, as the server numbered it.
  public var id: Int64
  /// Milliseconds since 1970 by the sender's clock.
  public var date: Int64
  /// The sender; set by the server.
  public var name: String?
  public var target: String?

  public init(text: String, id: Int64, date: Int64, name: String? = nil, target: String? = nil) {
    self.text = text
    self.id = id
    self.date = date
    self.name = name
    self.target = target
  }
}

/// `video-offer` and `video-answer`.
public struct SessionDescriptionMessage: Sendable, Equatable {
  /// The sender. Nil only from a sender that left it out.
  public var name: String?
  public var target: String?
  /// The session description itself, `v=0...`.
  public var sdp: String
  /// What the caller's program understands; in offers through a server that announced ``Feature/callState``.
  public var client: Announcement?

  public init(name: String?, target: String?, sdp: String, client: Announcement? = nil) {
    self.name = name
    self.target = target
    self.sdp = sdp
    self.client = client
  }
}

/// `new-ice-candidate`.
public struct ICECandidateMessage: Sendable, Equatable {
  /// The sender; MDN's server and page leave it out, ours adds it.
  public var name: String?
  public var target: String?
  /// Nil, as much as an empty candidate string, says that the sender has no more candidates.
  public var candidate: ICECandidateInit?

  public init(name: String? = nil, target: String?, candidate: ICECandidateInit?) {
    self.name = name
    self.target = target
    self.candidate = candidate
  }
}

/// `hang-up`: ends a call, refuses one, or gives up calling.
public struct HangUpMessage: Sendable, Equatable {
  /// The sender; compare it with the present peer, since MDN's server sends everybody's hang-ups to everybody.
  public var name: String?
  /// Nil only from MDN's page.
  public var target: String?
  /// Why; nil from pages.
  public var reason: HangUpReason?

  public init(name: String?, target: String?, reason: HangUpReason? = nil) {
    self.name = name
    self.target = target
    self.reason = reason
  }
}

/// Why a `hang-up` was sent.
public enum HangUpReason: String, Sendable, CaseIterable {
  case declined, busy, unavailable, failed, ended
  case noAnswer = "no-answer"
}

/// `call-state`: goes from a callee to a caller whose offer announced ``Feature/callState``.
public struct CallStateMessage: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable {
    /// A person is being asked.
    case ringing
  }

  public var name: String?
  public var target: String?
  /// Nil if it is none that this program knows.
  public var state: State?

  public init(name: String?, target: String?, state: State?) {
    self.name = name
    self.target = target
    self.state = state
  }
}

/// `error`: the server refused something we sent.
public struct ErrorMessage: Sendable, Equatable {
  /// One of ``ErrorCode``'s raw values, or one that this program does not know.
  public var code: String
  /// For a person to read.
  public var text: String
  /// With ``ErrorCode/unavailable``: who is not online.
  public var target: String?

  public init(code: ErrorCode, text: String, target: String? = nil) {
    self.init(code: code.rawValue, text: text, target: target)
  }

  init(code: String, text: String, target: String?) {
    self.code = code
    self.text = text
    self.target = target
  }
}

/// The codes of our server's `error` messages.
public enum ErrorCode: String, Sendable, CaseIterable {
  /// Not a JSON object with a string `type`, or a field is missing or of the wrong kind.
  case badMessage = "bad-message"
  /// Something other than `username` before a name was given.
  case notLoggedIn = "not-logged-in"
  /// A type that only the server may send.
  case notAllowed = "not-allowed"
  /// A message that needs a target came without one.
  case noTarget = "no-target"
  /// The target is not online.
  case unavailable
  /// The server has as many connections as it takes.
  case full
}
