import Foundation
import Signaling

/// What a user may be called: something that is shown as it is, in a page's HTML and in a terminal, and that cannot be
/// mistaken for another name because of characters that nobody sees.
enum NameRules {
  /// Characters as a person counts them.
  static let maximumLength = 32
  static let maximumBytes = 128
  /// Who gave no name.
  static let fallback = "guest"

  /// The nearest name that is allowed.
  static func clean(_ requested: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in requested.unicodeScalars.prefix(4 * maximumBytes) {
      if scalar.properties.isWhitespace {
        scalars.append(" ")
      } else if isAllowed(scalar) {
        scalars.append(scalar)
      }
    }
    let words = TextSafety.singleLine(String(scalars)).split(separator: " ").joined(separator: " ")
    let name = shortened(words.precomposedStringWithCanonicalMapping, to: maximumLength)
    return name.isEmpty ? fallback : name
  }

  /// The name, or if it is taken the first that is free with a number behind it, as on MDN's server.
  static func unique(_ name: String, isTaken: (String) -> Bool) -> String {
    var candidate = name
    var number = 0
    while isTaken(candidate) {
      number += 1
      let suffix = String(number)
      candidate = shortened(name, to: maximumLength - suffix.count) + suffix
    }
    return candidate
  }

  private static func shortened(_ name: String, to length: Int) -> String {
    var name = name.prefix(length)
    while name.utf8.count > maximumBytes - (maximumLength - length) { name.removeLast() }
    while name.last == " " { name.removeLast() }
    return String(name)
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "<", ">", "&", "\"", "'", "`": return false
    default: break
    }
    if scalar.properties.isDefaultIgnorableCodePoint || TextSafety.steers(scalar) { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
  }
}
