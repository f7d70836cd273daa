/// The W3C dictionary RTCIceServer, as a page would give it to `RTCPeerConnection`.
public struct ICEServerInit: Sendable, Equatable {
  /// `stun:`, `stuns:`, `turn:` or `turns:` URIs (RFC 7064, RFC 7065). At most ``maximumURLs`` are read.
  public var urls: [String]
  /// For TURN.
  public var username: String?
  /// For TURN.
  public var credential: String?

  public static let maximumURLs = 16

  public init(urls: [String], username: String? = nil, credential: String? = nil) {
    self.urls = urls
    self.username = username
    self.credential = credential
  }
}

/// `ice-servers` from a server (extension): the STUN and TURN servers it recommends. A client asks with an `ice-servers`
/// that has nothing but its type.
public struct ICEServersMessage: Sendable, Equatable {
  /// At most ``maximumServers`` are read.
  public var servers: [ICEServerInit]
  /// Seconds that the credentials are good for; nil if they do not expire.
  public var lifetime: Int64?

  public static let maximumServers = 16

  public init(servers: [ICEServerInit], lifetime: Int64? = nil) {
    self.servers = servers
    self.lifetime = lifetime
  }
}
