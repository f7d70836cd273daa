/// Makes text from other people harmless for a terminal.
public enum TextSafety {
  /// Combining marks kept on one character; past it they would run over the lines around.
  public static let maximumMarks = 4

  /// The text without anything that could steer a terminal or reorder what stands around it: C0 and C1 controls (ESC among
  /// them), bidirectional controls, line and paragraph separators. Tabs and line breaks become spaces.
  public static func singleLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var marks = 0
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
        marks = 0
        result.append(" ")
      case _ where steers(scalar):
        continue
      default:
        marks = isMark(scalar) ? marks + 1 : 0
        if marks <= maximumMarks { result.append(scalar) }
      }
    }
    return String(result)
  }

  /// Whether a scalar does something to the terminal or to the order of its neighbours instead of being shown.
  public static func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0,  // C0, DEL, C1
      0x061c, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069,  // bidirectional controls (UAX 9)
      0x2028, 0x2029, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:  // separators, annotations, tags
      true
    default:
      false
    }
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: true
    default: false
    }
  }
}
