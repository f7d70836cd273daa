/// Why bytes are no message of the signaling protocol.
public enum SignalingMessageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Not JSON, or past a bound.
  case json(JSONError)
  /// JSON, but no `type` that is a string.
  case noType
  /// A field of the given message type is missing.
  case missing(field: String, type: String)
  /// A field is there, but is not what it must be.
  case wrong(field: String, type: String, expected: String)

  public var description: String {
    switch self {
    case .json(let error): "not a JSON object: \(error)"
    case .noType: "the message has no type"
    case .missing(let field, let type): "the \(type) message has no \(field)"
    case .wrong(let field, let type, let expected): "\(field) of the \(type) message is not \(expected)"
    }
  }
}
