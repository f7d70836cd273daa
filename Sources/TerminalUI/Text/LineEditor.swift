/// The input line: text, cursor and what was entered before. Its unit is what a person takes for a character, so that
/// one backspace removes a letter together with its accents.
struct LineEditor: Equatable {
  /// Characters that fit; more are not taken.
  static let maximumLength = 2000
  /// Entered lines that are remembered.
  static let maximumHistory = 100

  private(set) var characters: [Character] = []
  /// Where the next character goes: 0...`characters.count`.
  private(set) var cursor = 0
  private var history: [String] = []
  /// The remembered line that is shown; nil: the line being written.
  private var historyIndex: Int?
  private var draft: [Character] = []
  private var killed: [Character] = []

  var text: String { String(characters) }
  var isEmpty: Bool { characters.isEmpty }

  /// Puts text in at the cursor, white space flattened to spaces and control characters dropped.
  mutating func insert(_ text: String) {
    // Segmented anew together with what is before: an accent joins the letter that stands there.
    let room = max(Self.maximumLength - (characters.count - cursor), cursor)
    let before = Array((String(characters[..<cursor]) + DisplayText.printable(text)).prefix(room))
    characters = before + characters[cursor...]
    cursor = before.count
    bound()
  }

  /// Replaces the whole line; the cursor goes to its end.
  mutating func replace(with text: String) {
    characters = Array(DisplayText.printable(text).prefix(Self.maximumLength))
    cursor = characters.count
    bound()
  }

  mutating func deleteBackward() {
    guard cursor > 0 else { return }
    cursor -= 1
    characters.remove(at: cursor)
  }

  mutating func deleteForward() {
    guard cursor < characters.count else { return }
    characters.remove(at: cursor)
  }

  mutating func moveLeft() { cursor = max(cursor - 1, 0) }
  mutating func moveRight() { cursor = min(cursor + 1, characters.count) }
  mutating func moveHome() { cursor = 0 }
  mutating func moveEnd() { cursor = characters.count }
  mutating func moveWordLeft() { cursor = wordStart }
  mutating func moveWordRight() { cursor = wordEnd }

  mutating func killToEnd() { kill(cursor..<characters.count) }
  mutating func killToStart() { kill(0..<cursor) }
  mutating func killWord() { kill(wordStart..<cursor) }
  mutating func killWordForward() { kill(cursor..<wordEnd) }
  mutating func yank() { insert(String(killed)) }

  /// Takes the line out and remembers it.
  mutating func enter() -> String {
    let line = text
    if !line.isEmpty, history.last != line {
      history.append(line)
      if history.count > Self.maximumHistory { history.removeFirst() }
    }
    characters = []
    cursor = 0
    historyIndex = nil
    return line
  }

  mutating func historyUp() {
    let index = (historyIndex ?? history.count) - 1
    guard index >= 0 else { return }
    if historyIndex == nil { draft = characters }
    historyIndex = index
    replace(with: history[index])
  }

  mutating func historyDown() {
    guard let index = historyIndex else { return }
    historyIndex = index + 1 < history.count ? index + 1 : nil
    replace(with: historyIndex.map { history[$0] } ?? String(draft))
  }

  /// What is seen of the line in a field of `columns`, and the column of the cursor in it: the line scrolls so that the
  /// cursor always shows.
  func view(columns: Int) -> (glyphs: [Glyph], cursor: Int) {
    let columns = max(columns, 1)
    let before = DisplayText.glyphs(String(characters[..<cursor]))
    var width = before.reduce(0) { $0 + $1.width }
    var first = 0
    while width > columns - 1, first < before.count {
      width -= before[first].width
      first += 1
    }
    let after = DisplayText.glyphs(String(characters[cursor...]))
    return (DisplayText.prefix(Array(before[first...]) + after, columns: columns), width)
  }

  private var wordStart: Int {
    var index = cursor
    while index > 0, characters[index - 1] == " " { index -= 1 }
    while index > 0, characters[index - 1] != " " { index -= 1 }
    return index
  }

  private var wordEnd: Int {
    var index = cursor
    while index < characters.count, characters[index] == " " { index += 1 }
    while index < characters.count, characters[index] != " " { index += 1 }
    return index
  }

  private mutating func kill(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    killed = Array(characters[range])
    characters.removeSubrange(range)
    cursor = range.lowerBound
  }

  /// One character may hold any number of accents: the line is bounded in scalars as well.
  private mutating func bound() {
    guard characters.contains(where: { $0.unicodeScalars.count > 16 }) else { return }
    characters = characters.map { character in
      guard character.unicodeScalars.count > 16 else { return character }
      return String(String.UnicodeScalarView(character.unicodeScalars.prefix(16))).first ?? " "
    }
  }
}
