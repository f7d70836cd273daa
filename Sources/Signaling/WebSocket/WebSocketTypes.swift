public import NIOCore

/// A whole message, put together from its fragments. Text is valid UTF-8.
public enum WebSocketMessage: Sendable, Equatable {
  case text(ByteBuffer)
  case binary(ByteBuffer)
}

/// What a close frame says (RFC 6455, 5.5.1).
public struct WebSocketClose: Error, Sendable, Equatable {
  /// Nil if the frame had no payload.
  public var code: UInt16?
  public var reason: String

  public init(code: UInt16?, reason: String = "") {
    self.code = code
    self.reason = reason
  }

  public static let normal: UInt16 = 1000
  public static let goingAway: UInt16 = 1001
  public static let protocolError: UInt16 = 1002
  public static let invalidData: UInt16 = 1007
  public static let policyViolation: UInt16 = 1008
  public static let tooLarge: UInt16 = 1009
  public static let tryAgainLater: UInt16 = 1013

  /// Whether an endpoint may send this code (RFC 6455, 7.4; 1012 to 1014 are from IANA's registry).
  static func isValid(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}

/// Which end of the connection we are. Clients mask what they send, servers do not (RFC 6455, 5.1).
public enum WebSocketRole: Sendable {
  case client, server
}

/// The bounds of one WebSocket connection.
public struct WebSocketLimits: Sendable, Equatable {
  /// Payload bytes of one frame from the peer; larger ones end the connection with 1009.
  public var maximumFrame = 64 << 10
  /// Bytes of one message; larger ones end the connection with 1009.
  public var maximumMessage = 1 << 20
  /// Bytes that may wait for a peer that does not read. When more wait, the next thing to send ends the connection.
  public var maximumQueued = 1 << 20
  /// Silence after which the peer is pinged.
  public var pingInterval = TimeAmount.seconds(20)
  /// Silence after a ping that ends the connection.
  public var pongTimeout = TimeAmount.seconds(10)
  /// How long the HTTP handshake may take.
  public var handshakeTimeout = TimeAmount.seconds(10)
  /// How long a peer may take to close after we did.
  public var closeTimeout = TimeAmount.seconds(5)

  public init() {}
}

/// What is written to a ``WebSocketHandler``.
public enum WebSocketOutput: Sendable {
  case message(WebSocketMessage)
  /// Complete frames from ``WebSocketFrames``, for messages that go to many. Servers only.
  case encoded(ByteBuffer)
  /// Begins to close; nothing can be sent after it.
  case close(WebSocketClose)
}

/// Triggered on a channel as a user outbound event: pings the peer now instead of after a silence.
public struct WebSocketCheck: Sendable {
  /// Silence after the ping that ends the connection.
  public var patience: TimeAmount

  public init(patience: TimeAmount) { self.patience = patience }
}

/// Fired by a ``WebSocketHandler`` as a user inbound event, at most once, before the channel becomes inactive. When none
/// comes, the connection broke.
public enum WebSocketEnd: Sendable, Equatable {
  /// The peer closed, or answered our close.
  case closedByPeer(WebSocketClose)
  /// The peer broke the protocol or a limit; this is what it was told.
  case violation(WebSocketClose)
  /// Nothing was heard, not even the answer to a ping.
  case silent
  /// More than ``WebSocketLimits/maximumQueued`` bytes wait for the peer.
  case slowReader
}
