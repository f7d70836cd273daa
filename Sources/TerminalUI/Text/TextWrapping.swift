/// Breaking text into lines of a given width.
enum TextWrapping {
  /// The glyphs as lines of at most `columns`, the first one of at most `first`; breaks at spaces where it can, and
  /// inside a word that is longer than a line. At least one line.
  static func wrap(_ glyphs: [Glyph], first: Int? = nil, columns: Int) -> [ArraySlice<Glyph>] {
    var lines: [ArraySlice<Glyph>] = []
    var start = 0
    var used = 0
    // The first glyph behind the last space seen on this line.
    var wordStart: Int?
    var index = 0
    while index < glyphs.count {
      let glyph = glyphs[index]
      let columns = max(lines.isEmpty ? first ?? columns : columns, 2)
      if used + glyph.width > columns {
        if glyph == .space {
          // The space itself ends the line and is not shown.
          lines.append(glyphs[start..<index])
          start = index + 1
          index += 1
        } else if let word = wordStart {
          lines.append(trimmed(glyphs[start..<word]))
          start = word
        } else {
          lines.append(glyphs[start..<index])
          start = index
        }
        used = glyphs[start..<max(start, index)].reduce(0) { $0 + $1.width }
        wordStart = nil
        continue
      }
      used += glyph.width
      index += 1
      if glyph == .space { wordStart = index }
    }
    if start < glyphs.count || lines.isEmpty { lines.append(glyphs[start...]) }
    return lines
  }

  private static func trimmed(_ line: ArraySlice<Glyph>) -> ArraySlice<Glyph> {
    line.last == .space ? line.dropLast() : line
  }
}
