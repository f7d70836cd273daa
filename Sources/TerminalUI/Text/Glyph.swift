import CNcurses

/// What one or two cells of the terminal show: a spacing character with the marks that combine with it.
struct Glyph: Equatable {
  /// Printable, as are the marks: no control character ever gets into a glyph.
  let base: Unicode.Scalar
  /// Columns, 1 or 2.
  let width: Int
  /// At most ``maximumMarks``.
  private(set) var marks: [Unicode.Scalar] = []

  static let space = Glyph(base: " ", width: 1)
  /// Marks that are kept on one spacing character; ncurses stores no more.
  static let maximumMarks = 4

  mutating func add(mark: Unicode.Scalar) {
    if marks.count < Self.maximumMarks { marks.append(mark) }
  }
}

/// Text as the terminal can show it: the last boundary before the screen, whatever was cleaned before.
enum DisplayText {
  /// Character widths come from the C library, which knows them in a UTF-8 locale only.
  private static let locale: Bool = TerminalLocale.establish()

  /// The glyphs of a text, left to right.
  ///
  /// Dropped are controls, what turns the writing direction, and the joiners and selectors on whose width terminals
  /// disagree (a joined emoji becomes its parts). White space of any kind is a space; what the C library does not know
  /// is shown as U+FFFD.
  static func glyphs(_ text: String) -> [Glyph] {
    _ = locale
    var glyphs: [Glyph] = []
    glyphs.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if scalar.value >= 0x20, scalar.value < 0x7F {
        glyphs.append(Glyph(base: scalar, width: 1))
        continue
      }
      guard let shown = clean(scalar) else { continue }
      let width = Int(glyphone_width(shown.value))
      if width > 0 {
        glyphs.append(Glyph(base: shown, width: min(width, 2)))
      } else if width < 0 {
        glyphs.append(Glyph(base: "\u{FFFD}", width: 1))
      } else if !glyphs.isEmpty {
        glyphs[glyphs.count - 1].add(mark: shown)
      }
    }
    return glyphs
  }

  /// Columns that a text takes.
  static func width(_ text: String) -> Int {
    glyphs(text).reduce(0) { $0 + $1.width }
  }

  /// The text itself when it fits into `columns`, else its beginning and an ellipsis.
  static func truncated(_ text: String, to columns: Int) -> [Glyph] {
    let all = glyphs(text)
    if all.reduce(0, { $0 + $1.width }) <= columns { return all }
    var kept = prefix(all, columns: columns - 1)
    if columns > 0 { kept.append(Glyph(base: "…", width: 1)) }
    return kept
  }

  /// As many glyphs as fit into `columns`.
  static func prefix(_ glyphs: [Glyph], columns: Int) -> [Glyph] {
    var used = 0
    return Array(
      glyphs.prefix { glyph in
        used += glyph.width
        return used <= columns
      })
  }

  /// A text without what ``glyphs(_:)`` would drop, for the input line: what is seen is what is sent.
  static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      // Joiners and selectors matter to whoever receives the text, though they are not drawn here.
      if isInvisibleJoiner(scalar) {
        result.unicodeScalars.append(scalar)
      } else if let shown = clean(scalar) {
        result.unicodeScalars.append(shown)
      }
    }
    return result
  }

  private static func clean(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x85, 0xA0, 0x2028, 0x2029: return " "
    case 0..<0x20, 0x7F..<0xA0: return nil
    case 0xAD, 0x61C, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: return nil
    case 0x1F3FB...0x1F3FF: return nil
    case 0xE0000...0xE0FFF: return nil
    default: return isInvisibleJoiner(scalar) ? nil : scalar
    }
  }

  private static func isInvisibleJoiner(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x200B...0x200D, 0xFE00...0xFE0F: true
    default: false
    }
  }
}

/// The locale decides how the C library and ncurses see characters.
enum TerminalLocale {
  /// Takes the user's locale, or plain UTF-8 when that one has no UTF-8: "C" and friends are mostly an oversight, and
  /// every terminal that shows our pictures takes UTF-8.
  /// - Returns: whether characters are UTF-8 now.
  @discardableResult
  static func establish() -> Bool {
    if setlocale(LC_CTYPE, "") != nil, isUTF8 { return true }
    for name in ["C.UTF-8", "C.utf8", "en_US.UTF-8"] where setlocale(LC_CTYPE, name) != nil && isUTF8 { return true }
    return false
  }

  private static var isUTF8: Bool { glyphone_width(0x4E2D) == 2 }
}
