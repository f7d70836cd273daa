import DequeModule
import NIOCore
import Signaling

/// Names one connection, and thereby the user behind it: nothing a message says changes who sent it.
struct ConnectionID: Hashable, Comparable, Sendable {
  /// The `id` that the client is told.
  var number: Int64

  static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.number < right.number }
}

/// The chat: who is there, and who gets what. Messages and times go in, actions come out; it knows no sockets.
///
/// It speaks MDN's protocol, except that the socket is the identity: what a message says about its sender is overwritten.
struct Chat {
  enum Action {
    /// Send JSON to one connection.
    case send(ConnectionID, ByteBuffer)
    /// Send JSON to everybody who has a name: ``members``.
    case broadcast(ByteBuffer)
    case close(ConnectionID, WebSocketClose)
  }

  struct User {
    /// Nil before the login.
    var name: String?
    /// What the client announced.
    var client: Announcement?
    /// Known to this client only (``Feature/resume``).
    var session: String?
    var calls = CallLinks()
    /// Runs dry when the user sends one refused message after another.
    var patience: TokenBucket
  }

  let limits: ChatLimits
  let iceServers: ICEServerOffer?
  /// Seconds since 1970, for credentials that expire.
  let date: () -> Int64
  private let announcement: Announcement
  private var nextNumber: Int64
  var users: [ConnectionID: User] = [:]
  private var holders: [String: ConnectionID] = [:]
  /// Everybody who has a name, in order of connection.
  private(set) var members: [ConnectionID] = []
  /// Connections in order of arrival, until their time to log in is over.
  private var logins: Deque<(id: ConnectionID, deadline: NIODeadline)> = []
  private var userListDue: NIODeadline?

  /// - Parameters:
  ///   - iceServers: what clients that ask are told.
  ///   - firstNumber: the first connection's `id`; MDN's server takes the milliseconds since 1970.
  ///   - date: the wall clock, in seconds since 1970.
  init(
    limits: ChatLimits, announcement: Announcement, iceServers: ICEServerOffer? = nil, firstNumber: Int64,
    date: @escaping () -> Int64 = { 0 }
  ) {
    self.limits = limits
    self.announcement = announcement
    self.iceServers = iceServers
    self.date = date
    nextNumber = firstNumber
  }

  /// When ``elapsed(now:)`` has something to do.
  var deadline: NIODeadline? {
    [userListDue, logins.first?.deadline].compactMap { $0 }.min()
  }

  func name(of id: ConnectionID) -> String? { users[id]?.name }

  func holder(of name: String) -> ConnectionID? { holders[name] }

  // MARK: - Connections

  /// A connection opened.
  /// - Returns: its identity, and its greeting; nil if the server is full.
  mutating func connected(now: NIODeadline) -> (id: ConnectionID, actions: [Action])? {
    guard users.count < limits.maximumConnections else { return nil }
    let id = ConnectionID(number: nextNumber)
    nextNumber += 1
    users[id] = User(patience: TokenBucket(rate: limits.refusalRate, burst: limits.refusalBurst, now: now))
    logins.append((id, now + limits.loginTimeout))
    return (id, [.send(id, SignalingMessage.id(IDMessage(id: id.number, server: announcement)).encoded())])
  }

  /// A connection is gone. Those it was calling, or who were calling it, are told if they understand; a call that stands
  /// goes on without the server.
  mutating func disconnected(_ id: ConnectionID, now: NIODeadline) -> [Action] {
    guard let user = users.removeValue(forKey: id) else { return [] }
    var actions: [Action] = []
    for link in user.calls.links {
      users[link.peer]?.calls.remove(id)
      guard link.state != .answered, let peer = users[link.peer], peer.client?.supports(.unavailable) == true else {
        continue
      }
      let hangUp = HangUpMessage(name: user.name, target: peer.name, reason: .unavailable)
      actions.append(.send(link.peer, SignalingMessage.hangUp(hangUp).encoded()))
    }
    if let name = user.name {
      holders[name] = nil
      members.removeAll { $0 == id }
      userListChanged(now: now)
    }
    return actions
  }

  /// Does what is due.
  mutating func elapsed(now: NIODeadline) -> [Action] {
    var actions: [Action] = []
    while let first = logins.first, first.deadline <= now {
      logins.removeFirst()
      if let user = users[first.id], user.name == nil {
        actions.append(.close(first.id, WebSocketClose(code: WebSocketClose.policyViolation, reason: "no name given")))
      }
    }
    if let due = userListDue, due <= now {
      userListDue = nil
      let names = members.compactMap { users[$0]?.name }
      actions.append(.broadcast(SignalingMessage.userList(UserListMessage(users: names)).encoded()))
    }
    return actions
  }

  // MARK: - Names

  /// Gives a user a name, the first or another one. A client that lost its network gets its name back, and its calls, although its old connection still looks alive.
  /// - Returns: the correction, if it is not the name asked for, behind the end of an old connection.
  mutating func login(
    _ id: ConnectionID, name requested: String, client: Announcement?, session: String? = nil, now: NIODeadline
  ) -> [Action] {
    let resumed = resume(id, name: NameRules.clean(requested), session: session)
    guard var user = users[id] else { return resumed }
    user.session = session.map { String($0.prefix(Self.maximumSession)) } ?? user.session
    let name = NameRules.unique(NameRules.clean(requested)) { name in holders[name].map { $0 != id } ?? false }
    if let old = user.name {
      holders[old] = nil
    } else {
      let place = members.firstIndex { $0 > id } ?? members.endIndex
      members.insert(id, at: place)
    }
    if let client { user.client = client }
    holders[name] = id
    user.name = name
    users[id] = user
    userListChanged(now: now)
    // Compared as JavaScript does it: a name that was only normalised counts as another.
    guard !name.unicodeScalars.elementsEqual(requested.unicodeScalars) else { return resumed }
    return resumed + [
      .send(id, SignalingMessage.rejectUsername(RejectUsernameMessage(id: id.number, name: name)).encoded())
    ]
  }

  /// Takes name and calls from the connection that holds them, if it is the same client's.
  /// - Returns: the end of that connection.
  private mutating func resume(_ id: ConnectionID, name: String, session: String?) -> [Action] {
    guard let session, session.utf8.count >= Self.minimumSession, let old = holders[name], old != id,
      users[old]?.session == String(session.prefix(Self.maximumSession)), let previous = users.removeValue(forKey: old)
    else { return [] }
    holders[name] = nil
    members.removeAll { $0 == old }
    users[id]?.calls = previous.calls
    for link in previous.calls.links { users[link.peer]?.calls.replace(old, with: id) }
    return [.close(old, WebSocketClose(code: WebSocketClose.goingAway, reason: "resumed on another connection"))]
  }

  /// Bytes of a session's secret: enough that none can be guessed, and characters that are looked at.
  private static let minimumSession = 16
  private static let maximumSession = 64

  private mutating func userListChanged(now: NIODeadline) {
    if userListDue == nil { userListDue = now + limits.userListDelay }
  }
}
