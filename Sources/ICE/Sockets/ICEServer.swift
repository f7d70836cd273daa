/// A STUN or TURN server as configurations name it (`RTCIceServer`).
public struct ICEServer: Hashable, Sendable {
  /// What it does for us.
  public enum Kind: Hashable, Sendable {
    /// Tells our server-reflexive address.
    case stun
    /// Relays, too.
    case turn
  }

  /// How it is reached.
  public enum Transport: String, Hashable, Sendable {
    case udp, tcp
    /// TLS over TCP.
    case tls
  }

  /// By the scheme of the URI.
  public var kind: Kind
  /// How it is reached: by scheme and query of the URI.
  public var transport: Transport
  /// A name, or a numeric address without brackets.
  public var host: String
  /// Of the URI, or the one that its scheme stands for.
  public var port: UInt16
  /// For TURN.
  public var username: String?
  /// For TURN.
  public var credential: String?

  /// Reads a `stun:` or `stuns:` URI (RFC 7064) or a `turn:` or `turns:` URI (RFC 7065). Without a port it is 3478, or
  /// 5349 with TLS.
  /// - Throws: ``ICEServerError`` naming what is wrong.
  public init(uri: String, username: String? = nil, credential: String? = nil) throws(ICEServerError) {
    let parts = uri.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, uri.utf8.count <= 512 else { throw .unknownScheme(String(uri.prefix(64))) }
    let (kind, isSecure): (Kind, Bool)
    switch parts[0].lowercased() {
    case "stun": (kind, isSecure) = (.stun, false)
    case "stuns": (kind, isSecure) = (.stun, true)
    case "turn": (kind, isSecure) = (.turn, false)
    case "turns": (kind, isSecure) = (.turn, true)
    default: throw .unknownScheme(String(parts[0].prefix(64)))
    }
    let pieces = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let (host, port) = try Self.hostAndPort(pieces[0])
    var transport = isSecure ? Transport.tls : .udp
    if pieces.count == 2 {
      guard kind == .turn else { throw .unknownQuery(String(pieces[1])) }
      switch pieces[1] {
      case "transport=udp" where !isSecure: transport = .udp
      case "transport=tcp": transport = isSecure ? .tls : .tcp
      default: throw .unknownQuery(String(pieces[1]))
      }
    }
    self.kind = kind
    self.transport = transport
    self.host = String(host)
    self.port = port ?? (isSecure ? 5349 : 3478)
    self.username = username
    self.credential = credential
  }

  private static func hostAndPort(_ text: Substring) throws(ICEServerError) -> (host: Substring, port: UInt16?) {
    var (host, rest) = (text, Substring())
    if text.first == "[" {
      guard let close = text.firstIndex(of: "]") else { throw .badHost(String(text)) }
      (host, rest) = (text[text.index(after: text.startIndex)..<close], text[text.index(after: close)...])
      guard TransportAddress(host, port: 0)?.family == .v6 else { throw .badHost(String(host)) }
    } else if let colon = text.firstIndex(of: ":") {
      (host, rest) = (text[..<colon], text[colon...])
    }
    let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/@[]\\\"".utf8.contains($0) }
    guard !host.isEmpty, host.utf8.count <= 255, isPlain else { throw .badHost(String(host)) }
    guard !rest.isEmpty else { return (host, nil) }
    guard rest.first == ":", let port = UInt16(rest.dropFirst()), port != 0 else { throw .badPort(String(rest)) }
    return (host, port)
  }
}

extension ICEServer {
  /// The ways to the TURN servers of a list that it does not name: UDP, TCP and TLS, each at a port that is named for it, or
  /// else at the usual one. Names and credentials are those of the list.
  public static func unlistedWays(to servers: [ICEServer]) -> [ICEServer] {
    var ways: [ICEServer] = []
    for server in servers where server.kind == .turn {
      let listed = (servers + ways).filter { $0.kind == .turn && $0.host == server.host }
      for transport in [Transport.udp, .tcp, .tls] where !listed.contains(where: { $0.transport == transport }) {
        let named = listed.first { ($0.transport == .tls) == (transport == .tls) }
        var way = server
        way.transport = transport
        way.port = named?.port ?? (transport == .tls ? 5349 : 3478)
        ways.append(way)
      }
    }
    return ways
  }
}

extension ICEServer: CustomStringConvertible {
  /// The URI, without credentials.
  public var description: String {
    let scheme = (kind == .stun ? "stun" : "turn") + (transport == .tls ? "s" : "")
    let host = self.host.contains(":") ? "[\(self.host)]" : self.host
    return "\(scheme):\(host):\(port)" + (kind == .turn && transport == .tcp ? "?transport=tcp" : "")
  }
}

/// Why a server can't be used: the URI is wrong, or its name is not found.
public enum ICEServerError: Error, Hashable, CustomStringConvertible {
  case unknownScheme(String)
  case badHost(String)
  case badPort(String)
  case unknownQuery(String)
  case notFound(host: String, reason: String)

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .unknownScheme(let text):
      "an ICE server begins with stun:, stuns:, turn: or turns:, not \(text.debugDescription)"
    case .badHost(let text): "bad host of an ICE server: \(text.debugDescription)"
    case .badPort(let text): "bad port of an ICE server: \(text.debugDescription)"
    case .unknownQuery(let text): "an ICE server can't have \(text.debugDescription) after the question mark"
    case .notFound(let host, let reason): "can't find the ICE server \(host): \(reason)"
    }
  }
}
