public import NIOCore

/// What a ``SignalingClient`` reports, in order.
public enum SignalingEvent: Sendable, Equatable {
  /// An attempt to reach the server begins.
  case connecting
  /// The server greeted us: messages can be sent. `server` is nil for MDN's own server and others that announce nothing.
  case connected(id: Int64, server: Announcement?)
  /// The name the server knows us by from now on. It differs from the one asked for if that was taken or not allowed.
  case named(String)
  /// Everything the server sends except `id`.
  case message(SignalingMessage)
  /// Something came that is no message of the protocol; it was dropped and nothing else changes.
  case malformed(SignalingMessageError)
  /// The connection is gone or could not be made. A new attempt comes after `retryIn`; nil if there will be none.
  case disconnected(SignalingError, retryIn: TimeAmount?)
}

/// Why there is no connection to the server.
public enum SignalingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Nothing listens there: "connection refused", "no route to host"...
  case unreachable(server: String, detail: String)
  case unknownHost(String)
  case tls(server: String, detail: String)
  /// It answered, but not with a WebSocket of subprotocol `json`.
  case notASignalingServer(server: String, detail: String)
  case timedOut(server: String)
  /// The server closed the connection, with its WebSocket close code and reason.
  case closedByServer(code: UInt16?, reason: String)
  /// The connection broke without a close.
  case lost(detail: String)
  /// Nothing was heard for the keep-alive time.
  case silent
  /// More messages than can be queued wait to be read or sent.
  case overloaded
  /// ``SignalingClient/close()`` was called.
  case closed

  public var description: String {
    switch self {
    case .unreachable(let server, let detail): "cannot reach \(server): \(detail)"
    case .unknownHost(let host): "unknown host \(host)"
    case .tls(let server, let detail): "no secure connection to \(server): \(detail)"
    case .notASignalingServer(let server, let detail): "\(server) is not a chat server: \(detail)"
    case .timedOut(let server): "\(server) does not answer"
    case .closedByServer(let code, let reason):
      "the server closed the connection" + (code.map { " (\($0)\(reason.isEmpty ? "" : ", \(reason)"))" } ?? "")
    case .lost(let detail): "the connection to the server broke: \(detail)"
    case .silent: "the server has gone silent"
    case .overloaded: "too many messages wait"
    case .closed: "closed"
    }
  }
}
