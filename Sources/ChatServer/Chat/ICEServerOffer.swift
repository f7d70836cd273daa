internal import ICE
internal import Signaling

/// The STUN and TURN servers that clients are told of, and how they log in there.
public struct ICEServerOffer: Sendable {
  /// How clients log in to the TURN servers.
  public enum Login: Sendable {
    /// Only STUN servers, or TURN servers that ask for nothing.
    case none
    /// With credentials that expire, made of a secret that the TURN servers know, too (coturn's `use-auth-secret`).
    /// `lifetime` is in seconds.
    case timeLimited(secret: String, lifetime: Int64)
    /// All with the same.
    case fixed(username: String, credential: String)
  }

  private let stun: [String]
  private let turn: [String]
  private let login: Login

  /// - Parameters:
  ///   - uris: `stun:`, `stuns:`, `turn:` and `turns:` URIs, at most ``maximumURIs``.
  ///   - login: how clients log in to the TURN servers among them.
  /// - Throws: ``ChatServerError/badICEServers(detail:)``.
  public init(uris: [String], login: Login) throws(ChatServerError) {
    guard uris.count <= Self.maximumURIs else {
      throw .badICEServers(detail: "more than \(Self.maximumURIs) ICE servers help nobody: each one slows every call")
    }
    var (stun, turn): ([String], [String]) = ([], [])
    for uri in uris {
      do {
        if try ICEServer(uri: uri).kind == .stun { stun.append(uri) } else { turn.append(uri) }
      } catch {
        throw .badICEServers(detail: "\(error)")
      }
    }
    switch login {
    case .none where !turn.isEmpty:
      throw .badICEServers(detail: "TURN servers need --turn-secret-file or --turn-login-file")
    case .timeLimited where turn.isEmpty, .fixed where turn.isEmpty:
      throw .badICEServers(detail: "there are credentials, but no TURN server: add --ice-server turn:HOST")
    default: break
    }
    (self.stun, self.turn, self.login) = (stun, turn, login)
  }

  public static let maximumURIs = 8

  /// What a user is told.
  /// - Parameter date: seconds since 1970.
  func servers(for name: String, date: Int64) -> ICEServersMessage {
    var message = ICEServersMessage(servers: stun.isEmpty ? [] : [ICEServerInit(urls: stun)])
    guard !turn.isEmpty else { return message }
    switch login {
    case .none: break
    case .fixed(let username, let credential):
      message.servers.append(ICEServerInit(urls: turn, username: username, credential: credential))
    case .timeLimited(let secret, let lifetime):
      let login = TimeLimitedLogin(name: name, expires: date + lifetime, secret: secret)
      message.servers.append(ICEServerInit(urls: turn, username: login.username, credential: login.credential))
      message.lifetime = lifetime
    }
    return message
  }
}
