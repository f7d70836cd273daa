/// The chat pane's contents: a bounded history, broken into lines for the width it is shown in, and how far it is
/// scrolled back.
struct ChatLog {
  /// Entries that are kept; the oldest go first.
  static let maximumEntries = 2000
  /// Characters of one entry that are shown.
  static let maximumText = 4096

  enum Kind: Equatable {
    case chat(isOwn: Bool)
    case notice(Severity)
    /// Something that happened in a call.
    case event

    enum Severity { case information, warning, error }
  }

  struct Entry: Equatable {
    /// As shown, "12:30".
    var time: String
    var kind: Kind
    /// Who wrote it; empty for what is no chat.
    var from: String
    var text: String
  }

  /// A piece of a line in one style.
  struct Span: Equatable {
    var glyphs: [Glyph]
    var style: Style
  }

  private(set) var entries: [Entry] = []
  /// Every entry's lines at the present width, oldest first.
  private(set) var lines: [[Span]] = []
  private var lineCounts: [Int] = []
  private(set) var columns = 0
  /// Lines between the bottom of the pane and the newest line.
  private(set) var offset = 0
  /// Lines of chat that came while the pane was scrolled back or hidden.
  private(set) var unread = 0

  /// Adds an entry. A pane that is scrolled back keeps showing the same lines.
  mutating func add(_ entry: Entry, isSeen: Bool) {
    if entries.count >= Self.maximumEntries { removeOldest() }
    let wrapped = wrap(entry)
    entries.append(entry)
    lineCounts.append(wrapped.count)
    lines.append(contentsOf: wrapped)
    if offset > 0 { offset += wrapped.count }
    if offset > 0 || !isSeen, case .chat(isOwn: false) = entry.kind { unread += 1 }
  }

  /// Breaks everything anew when the width has changed.
  mutating func setColumns(_ columns: Int) {
    guard columns != self.columns, columns > 0 else { return }
    self.columns = columns
    let wrapped = entries.map(wrap)
    lineCounts = wrapped.map(\.count)
    lines = wrapped.flatMap { $0 }
    offset = 0
  }

  /// Scrolls by lines, back for positive numbers, within what there is in a pane of `rows`.
  mutating func scroll(_ count: Int, rows: Int) {
    offset = min(max(offset + count, 0), max(lines.count - rows, 0))
    if offset == 0 { unread = 0 }
  }

  mutating func scrollToEnd() {
    offset = 0
    unread = 0
  }

  /// Says that the newest lines are on the screen.
  mutating func markSeen() {
    if offset == 0 { unread = 0 }
  }

  /// The lines of a pane of `rows`; fewer when there are not enough.
  func visible(rows: Int) -> ArraySlice<[Span]> {
    let end = max(lines.count - offset, 0)
    return lines[max(end - rows, 0)..<end]
  }

  private mutating func removeOldest() {
    // Many at a time: moving all that follows for every new line would be dear.
    let count = Self.maximumEntries / 10
    lines.removeFirst(lineCounts.prefix(count).reduce(0, +))
    lineCounts.removeFirst(count)
    entries.removeFirst(count)
    offset = min(offset, max(lines.count - 1, 0))
  }
}

// MARK: - Looks of a line

extension ChatLog {
  private static let nameColumns = 10

  private func wrap(_ entry: Entry) -> [[Span]] {
    guard columns > 0 else { return [] }
    let head = head(of: entry)
    let headColumns = head.reduce(0) { $0 + $1.glyphs.reduce(0) { $0 + $1.width } }
    let body = DisplayText.glyphs(String(entry.text.prefix(Self.maximumText)))
    let style = textStyle(entry.kind)
    let indent = min(headColumns, columns / 3)
    let hanging = hangingHead(columns: indent)
    return TextWrapping.wrap(body, first: columns - headColumns, columns: columns - indent)
      .enumerated().map { index, line in
        (index == 0 ? head : hanging) + [Span(glyphs: Array(line), style: style)]
      }
  }

  /// What stands before the text: time and name, in columns where there is room.
  private func head(of entry: Entry) -> [Span] {
    let time = Span(glyphs: DisplayText.glyphs(entry.time + " "), style: .time)
    let (name, nameStyle) = mark(of: entry)
    if columns >= 56 {
      let glyphs = DisplayText.truncated(name, to: Self.nameColumns)
      let padding = Self.nameColumns - glyphs.reduce(0) { $0 + $1.width }
      return [
        time, Span(glyphs: Array(repeating: .space, count: padding) + glyphs, style: nameStyle),
        Span(glyphs: DisplayText.glyphs(" │ "), style: .divider),
      ]
    }
    let glyphs = DisplayText.truncated(name, to: min(Self.nameColumns, columns / 3))
    let named = [Span(glyphs: glyphs + [.space], style: nameStyle)]
    return columns >= 28 ? [time] + named : named
  }

  private func hangingHead(columns indent: Int) -> [Span] {
    guard columns >= 56 else { return [Span(glyphs: Array(repeating: .space, count: indent), style: .text)] }
    return [
      Span(glyphs: Array(repeating: .space, count: indent - 2), style: .text),
      Span(glyphs: DisplayText.glyphs("│ "), style: .divider),
    ]
  }

  private func mark(of entry: Entry) -> (String, Style) {
    switch entry.kind {
    case .chat(isOwn: true): (entry.from, .ownName)
    case .chat(isOwn: false): (entry.from, Style.name(entry.from))
    case .notice(.information): ("·", .noticeInformation)
    case .notice(.warning): ("!", .noticeWarning)
    case .notice(.error): ("!!", .noticeError)
    case .event: ("»", .eventText)
    }
  }

  private func textStyle(_ kind: Kind) -> Style {
    switch kind {
    case .chat: .text
    case .notice(.information): .noticeInformation
    case .notice(.warning): .noticeWarning
    case .notice(.error): .noticeError
    case .event: .eventText
    }
  }
}
