/// Why an operation was refused or a connection failed.
public enum PeerConnectionError: Error, Sendable, Hashable {
  /// The operation does not fit the present signaling state (`InvalidStateError`).
  case invalidState(String)
  /// A description or candidate cannot be parsed, or breaks a rule; the text names which (`InvalidAccessError`,
  /// `OperationError` and the like in browsers).
  case invalidDescription(String)
  /// A description could be read, but there is nothing in it that we can do.
  case notSupported(String)
  /// ICE found no path or lost it for good.
  case iceFailed(String)
  /// The DTLS handshake failed.
  case dtlsFailed(String)
  /// The peer's certificate is not the one its description announced.
  case fingerprintMismatch(expected: String, actual: String)
  /// SRTP could not be set up.
  case srtpFailed(String)
  /// A socket could not be opened or a key could not be made.
  case system(String)
  /// The connection is closed.
  case closed
}

extension PeerConnectionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidState(let text): "not possible now: \(text)"
    case .invalidDescription(let text): "bad session description: \(text)"
    case .notSupported(let text): "not supported: \(text)"
    case .iceFailed(let text): "no connection to the peer: \(text)"
    case .dtlsFailed(let text): "DTLS failed: \(text)"
    case .fingerprintMismatch(let expected, let actual):
      "the peer's certificate has fingerprint \(actual), but its description announced \(expected)"
    case .srtpFailed(let text): "SRTP failed: \(text)"
    case .system(let text): text
    case .closed: "the connection is closed"
    }
  }
}
