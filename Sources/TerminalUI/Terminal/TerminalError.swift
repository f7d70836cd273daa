import Glibc

/// Why the terminal cannot be used.
public enum TerminalError: Error, Equatable, CustomStringConvertible {
  /// Standard input or output is no terminal.
  case notATerminal(String)
  /// TERM is not set, "dumb", or not in terminfo.
  case unknownTerminal(String)
  /// The system refused something: what, and its error number.
  case system(String, Int32)

  public var description: String {
    switch self {
    case .notATerminal(let what):
      "\(what) is not a terminal. glyphone draws on a terminal; for use without one there is `glyphone bot`."
    case .unknownTerminal(""): "TERM is not set, so nothing is known of this terminal. Try: TERM=xterm-256color"
    case .unknownTerminal("dumb"):
      "TERM is \"dumb\": this terminal cannot move the cursor. glyphone needs one that can; `glyphone bot` does not."
    case .unknownTerminal(let name):
      "TERM is \"\(name)\", which terminfo does not know. Install its description, or try: TERM=xterm-256color"
    case .system(let what, let number): "The terminal cannot be used: \(what): \(String(cString: strerror(number)))"
    }
  }
}
