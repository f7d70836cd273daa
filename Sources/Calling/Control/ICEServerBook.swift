public import ICE
public import NIOCore
public import Signaling

/// The STUN and TURN servers that the chat server recommends, for as long as its credentials are good.
public struct ICEServerBook {
  private var servers: [ICEServer] = []
  private var expires: NIODeadline?
  /// When to ask again: halfway, so that a call that begins at any time can go on for long.
  public private(set) var refreshAt: NIODeadline?

  /// No more often than this, whatever lifetime the server names.
  private static let shortestRefresh = TimeAmount.seconds(30)
  private static let longestLifetime: Int64 = 365 * 86_400

  public init() {}

  /// Takes the place of what was known.
  /// - Returns: what is wrong with those that cannot be used.
  public mutating func take(_ message: ICEServersMessage, now: NIODeadline) -> [ICEServerError] {
    var problems: [ICEServerError] = []
    servers = []
    for server in message.servers {
      for url in server.urls {
        do {
          servers.append(try ICEServer(uri: url, username: server.username, credential: server.credential))
        } catch {
          problems.append(error)
        }
      }
    }
    let lifetime = message.lifetime.map { TimeAmount.seconds(min(max($0, 0), Self.longestLifetime)) }
    expires = lifetime.map { now + $0 }
    refreshAt = lifetime.map { now + max(.nanoseconds($0.nanoseconds / 2), Self.shortestRefresh) }
    return problems
  }

  /// A person's own servers, and behind them those of this book that they do not name already.
  public func joined(to own: [ICEServer], now: NIODeadline) -> [ICEServer] {
    if let expires, expires <= now { return own }
    return own + servers.filter { server in !own.contains { $0.description == server.description } }
  }
}
