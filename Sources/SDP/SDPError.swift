/// Why a text is not a session description that can be used.
public struct SDPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line with the problem, counted from 1; nil when the description as a whole is wrong.
  public let line: Int?
  /// What is wrong.
  public let problem: Problem

  /// An error at a line, or of the whole.
  public init(line: Int?, problem: Problem) {
    self.line = line
    self.problem = problem
  }

  /// What can be wrong with a description.
  public enum Problem: Error, Hashable, Sendable {
    /// The text has more bytes than the limit.
    case tooLarge(limit: Int)
    /// A line has more bytes than the limit.
    case lineTooLong(limit: Int)
    /// The session level or a section has more lines than the limit.
    case tooManyLines(limit: Int)
    /// There are more m-lines than the limit.
    case tooManySections(limit: Int)
    /// The line holds a control character.
    case controlCharacter
    /// The line is not `<letter>=<value>`.
    case notALine(String)
    /// The first line is not `v=0`.
    case notVersion0(String)
    /// A line that every description has is not there: "o=", "s=" or "t=".
    case missing(String)
    /// The value of a line or attribute does not follow its grammar.
    case malformed(String, value: String)
  }

  /// One sentence for a log or a person; foreign text in it is short and holds no control characters.
  public var description: String {
    let place = line.map { "SDP line \($0): " } ?? "SDP: "
    switch problem {
    case .tooLarge(let limit): return place + "longer than \(limit) bytes"
    case .lineTooLong(let limit): return place + "longer than \(limit) bytes"
    case .tooManyLines(let limit): return place + "more than \(limit) lines in one section"
    case .tooManySections(let limit): return place + "more than \(limit) media sections"
    case .controlCharacter: return place + "control character"
    case .notALine(let text): return place + "not of the form x=...: \"\(excerpt(text))\""
    case .notVersion0(let text): return place + "v=0 expected, found \"\(excerpt(text))\""
    case .missing(let name): return place + "no \(name) line"
    case .malformed(let name, let value): return place + "malformed \(name): \"\(excerpt(value))\""
    }
  }
}

/// Foreign text cut to a length that suits a message, with anything but printable ASCII replaced.
func excerpt(_ text: String) -> String {
  let limit = 60
  let visible = text.unicodeScalars.prefix(limit).map { (0x20...0x7E).contains($0.value) ? Character($0) : "?" }
  return String(visible) + (text.unicodeScalars.count > limit ? "..." : "")
}
