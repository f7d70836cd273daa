public import NIOCore
public import NIOSSL

/// How a ``SignalingClient`` reaches its server.
public struct SignalingClientConfiguration: Sendable {
  public var url: SignalingURL
  /// The name to ask for; may be empty, then the server chooses.
  public var name: String
  /// What this program tells a server that announced itself.
  public var announcement: Announcement
  /// For `wss`. Set `trustRoots` for certificates of one's own.
  public var tls: TLSConfiguration
  /// From the start of an attempt to the server's `id`.
  public var connectTimeout: TimeAmount
  /// Silence after which the server is pinged, and the time it then has to answer with anything.
  public var pingInterval: TimeAmount
  public var pongTimeout: TimeAmount
  /// Waiting time before the first new attempt; doubles with each failure up to `maximumRetryDelay`, and a random part of
  /// up to a half is taken off.
  public var minimumRetryDelay: TimeAmount
  public var maximumRetryDelay: TimeAmount
  /// Events that may wait for the reader of ``SignalingClient/events``; past it the connection is dropped.
  public var maximumQueuedEvents: Int

  public init(url: SignalingURL, name: String, announcement: Announcement) {
    self.url = url
    self.name = name
    self.announcement = announcement
    tls = .makeClientConfiguration()
    connectTimeout = .seconds(10)
    pingInterval = .seconds(20)
    pongTimeout = .seconds(10)
    minimumRetryDelay = .milliseconds(500)
    maximumRetryDelay = .seconds(30)
    maximumQueuedEvents = 4096
  }
}
