import Calling

extension ScreenView {
  // MARK: - Prompts

  /// A key that answers a prompt.
  private struct Button {
    var key: Character
    /// The word with the key in brackets, as "[y]es".
    var text: String
    var style: Style
  }

  static func drawPrompt(_ prompt: ScreenModel.Prompt, _ model: ScreenModel, _ canvas: inout Canvas) {
    let yes = Button(key: "y", text: "[y]es", style: .buttonYes)
    let no = Button(key: "n", text: "[n]o", style: .buttonNo)
    switch prompt {
    case .incoming(let peer):
      let text = "\(shortened(peer)) is calling. Would you like to answer?"
      draw(text, title: "Incoming call", buttons: [yes, no], &canvas)
    case .device(let question):
      let buttons = [
        Button(key: "r", text: "[r]eceive only", style: .buttonNeutral),
        Button(
          key: "t", text: question.device == "microphone" ? "[t]est tone" : "[t]est pattern", style: .buttonNeutral),
        Button(key: "c", text: "[c]ancel", style: .buttonNo),
      ]
      draw(question.text, title: "No \(question.device)", buttons: buttons, &canvas)
    case .confirmQuit:
      let text = "You are in a call with \(shortened(model.call.peer)). Hang up and leave?"
      draw(text, title: "Leave", buttons: [yes, no], &canvas)
    }
  }

  private static func shortened(_ name: String) -> String {
    name.count > 40 ? "\(name.prefix(39))…" : name
  }

  private static func draw(_ text: String, title: String, buttons: [Button], _ canvas: inout Canvas) {
    let screen = Rect(columns: canvas.columns, rows: canvas.rows)
    let glyphs = DisplayText.glyphs(text)
    let buttonsWidth = buttons.reduce(-2) { $0 + $1.text.count + 4 }
    let wanted = max(glyphs.reduce(0) { $0 + $1.width }, buttonsWidth)
    let inner = max(min(wanted, 64, screen.columns - 6), 8)
    let lines = TextWrapping.wrap(glyphs, columns: inner)
    // Roomy where there is room; on a small screen the words and the answers are what counts.
    let rowsOfButtons = buttonRows(buttons, columns: inner)
    let margin = screen.rows >= lines.count + rowsOfButtons.count + 5 ? 1 : 0
    let shown = min(lines.count, max(screen.rows - rowsOfButtons.count - 2, 1))
    let box = screen.centred(columns: inner + 6, rows: shown + rowsOfButtons.count + 2 + 3 * margin)
    canvas.box(box, title: title, frame: .boxFrame, fill: .box)
    var row = box.row + 1 + margin
    for line in lines.prefix(shown) {
      let width = line.reduce(0) { $0 + $1.width }
      canvas.write(
        line, .boxStrong, column: box.column + (box.columns - width) / 2, row: row, limit: box.endColumn - 1)
      row += 1
    }
    row += margin
    for line in rowsOfButtons {
      let width = line.reduce(-2) { $0 + $1.text.count + 4 }
      var column = box.column + max((box.columns - width) / 2, 1)
      for button in line {
        let target = Rect(column: column, row: row, columns: button.text.count + 2, rows: 1)
        canvas.write(" \(button.text) ", button.style, column: column, row: row, limit: box.endColumn - 1)
        canvas.addTarget(target, .key(.character(button.key)))
        column = target.endColumn + 2
      }
      row += 1
    }
  }

  private static func buttonRows(_ buttons: [Button], columns: Int) -> [[Button]] {
    var rows: [[Button]] = []
    var used = 0
    for button in buttons {
      let width = button.text.count + 4
      if var last = rows.last, used + width - 2 <= columns {
        last.append(button)
        rows[rows.count - 1] = last
        used += width
      } else {
        rows.append([button])
        used = width
      }
    }
    return rows
  }

  // MARK: - Help

  private struct HelpLine {
    var key: String
    var text: String
  }

  private static let helpLines: [HelpLine] =
    [
      HelpLine(key: "Keys", text: ""),
      HelpLine(key: "Tab", text: "between user list and input line"),
      HelpLine(key: "↑ ↓ or j k", text: "select a user"),
      HelpLine(key: "Enter, click", text: "call the user; with text: send it"),
      HelpLine(key: "F10  Ctrl-X", text: "hang up (also Alt-h)"),
      HelpLine(key: "F4   Alt-m", text: "microphone on or off"),
      HelpLine(key: "F5   Alt-v", text: "camera on or off"),
      HelpLine(key: "F6   Alt-r", text: "how the picture is drawn"),
      HelpLine(key: "F7   Alt-s", text: "figures of the call"),
      HelpLine(key: "F8   Alt-p", text: "freeze the picture"),
      HelpLine(key: "F9   Alt-a", text: "fit, fill, 1:1 or stretch it"),
      HelpLine(key: "Alt-+ Alt-- Alt-ijkl", text: "zoom, and move about in it"),
      HelpLine(key: "Alt-1 2, 3 4, 5 6", text: "brightness, contrast, saturation"),
      HelpLine(key: "Alt-g Alt-x Alt-0", text: "grey, mirror of yourself, all as it was"),
      HelpLine(key: "PgUp PgDn", text: "scroll the chat"),
      HelpLine(key: "Ctrl-A E U K W Y", text: "edit the line as in a shell"),
      HelpLine(key: "F1   Alt-?", text: "this help"),
      HelpLine(key: "Ctrl-C", text: "leave (also Alt-q, Ctrl-Q)"),
      HelpLine(key: "", text: ""),
      HelpLine(key: "Commands", text: ""),
    ]
    + SlashCommand.descriptions.map {
      HelpLine(key: "/\($0.word) \($0.argument)", text: $0.text)
    }

  private static func helpBox(columns: Int, rows: Int) -> Rect {
    Rect(columns: columns, rows: rows).centred(columns: 66, rows: helpLines.count + 2)
  }

  /// How far the help can be scrolled on a screen of a given size.
  static func maximumHelpOffset(columns: Int, rows: Int) -> Int {
    max(helpLines.count + 2 - helpBox(columns: columns, rows: rows).rows, 0)
  }

  static func drawHelp(_ model: ScreenModel, _ canvas: inout Canvas) {
    let box = helpBox(columns: model.columns, rows: model.rows)
    let isScrollable = maximumHelpOffset(columns: model.columns, rows: model.rows) > 0
    canvas.box(
      box, title: isScrollable ? "Help - ↑↓ scroll, Esc close" : "Help - any key closes", frame: .boxFrame, fill: .box)
    let textColumn = box.column + min(20, box.columns / 2)
    for (index, line) in helpLines.dropFirst(model.helpOffset).prefix(max(box.rows - 2, 0)).enumerated() {
      let row = box.row + 1 + index
      let style: Style = line.text.isEmpty ? .boxFaint : .boxStrong
      canvas.write(line.key, style, column: box.column + 2, row: row, limit: textColumn - 1)
      canvas.write(
        DisplayText.truncated(line.text, to: box.endColumn - 2 - textColumn), .box, column: textColumn, row: row,
        limit: box.endColumn - 1)
    }
  }
}
