/// What the client knows about its login, apart from any socket.
struct LoginState {
  /// The name the server knows us by, or before that the one we want. The next connection asks for it again.
  private(set) var name: String
  /// The name asked for, until the server has answered.
  private(set) var requested: String?
  /// The connection's number; nil before the server's `id`.
  private(set) var id: Int64?
  private(set) var server: Announcement?
  private let announcement: Announcement
  /// Nobody else knows it, so it proves to the server that a new connection is ours.
  private let session: String

  /// - Parameter session: see ``UsernameMessage/session``.
  init(name: String, announcement: Announcement, session: String) {
    self.name = name
    self.announcement = announcement
    self.session = session
  }

  /// A connection is gone; what the next server is, only it can say.
  mutating func disconnected() {
    id = nil
    server = nil
    requested = nil
  }

  /// Takes a message from the server.
  /// - Parameter date: milliseconds since 1970.
  /// - Returns: what to answer, and what to report.
  mutating func receive(_ message: SignalingMessage, date: Int64) -> (
    reply: SignalingMessage?, events: [SignalingEvent]
  ) {
    switch message {
    case .id(let message):
      let isFirst = id == nil
      id = message.id
      server = message.server
      // MDN's page answers any `id`; a second one on a connection is taken note of, but is no new login.
      guard isFirst else { return (nil, []) }
      return (request(name, date: date), [.connected(id: message.id, server: message.server)])
    case .rejectUsername(let rejection):
      requested = nil
      name = rejection.name
      return (nil, [.message(message), .named(name)])
    case .userList(let list):
      guard let requested, list.users.contains(requested) else { return (nil, [.message(message)]) }
      self.requested = nil
      name = requested
      return (nil, [.named(name), .message(message)])
    default:
      return (nil, [.message(message)])
    }
  }

  /// The message that asks for a name; nil while there is no connection, then it will be asked for on the next one.
  mutating func rename(to name: String, date: Int64) -> SignalingMessage? {
    guard id != nil else {
      self.name = name
      return nil
    }
    return request(name, date: date)
  }

  /// What may be sent to the present server: nothing beyond MDN's table unless it announced that it knows more.
  func permitted(_ message: SignalingMessage) -> SignalingMessage? {
    if case .iceServersRequest = message { return server?.supports(.iceServers) == true ? message : nil }
    if server?.supports(.callState) == true { return message }
    switch message {
    case .videoOffer(var offer):
      offer.client = nil
      return .videoOffer(offer)
    case .hangUp(var hangUp):
      hangUp.reason = nil
      return .hangUp(hangUp)
    case .callState:
      return nil
    default:
      return message
    }
  }

  private mutating func request(_ name: String, date: Int64) -> SignalingMessage? {
    guard let id else { return nil }
    requested = name
    let client = server == nil ? nil : announcement
    let session = server?.supports(.resume) == true ? session : nil
    return .username(UsernameMessage(name: name, id: id, date: date, client: client, session: session))
  }
}
