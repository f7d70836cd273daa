/// Why text is not JSON (RFC 8259) that this program reads.
public enum JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text ends in the middle of a value, or is empty.
  case endsEarly
  /// Something else was expected at this byte, counted from 0.
  case unexpected(offset: Int)
  /// The value is another kind than the one wanted, an object for instance.
  case notAnObject
  /// Values are nested deeper than ``JSONObject/maximumDepth``.
  case tooDeep
  /// The object has more members than ``JSONObject/maximumMembers``.
  case tooManyMembers

  public var description: String {
    switch self {
    case .endsEarly: "it ends early"
    case .unexpected(let offset): "unexpected text at byte \(offset)"
    case .notAnObject: "the outermost value is not an object"
    case .tooDeep: "nested deeper than \(JSONObject.maximumDepth) levels"
    case .tooManyMembers: "more than \(JSONObject.maximumMembers) members"
    }
  }
}
