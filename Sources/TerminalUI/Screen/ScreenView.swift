import Calling
import NIOCore

/// Draws the model. What is under an overlay is drawn as well: when the overlay goes, only its cells change.
enum ScreenView {
  static func draw(_ model: ScreenModel) -> Canvas {
    var canvas = Canvas(columns: model.columns, rows: model.rows)
    guard !model.layout.isTooSmall else {
      drawTooSmall(model, &canvas)
      return canvas
    }
    for divider in model.layout.dividers {
      for row in divider.row..<divider.endRow { canvas.write("│", .divider, column: divider.column, row: row) }
    }
    drawTitle(model, &canvas)
    drawPicture(model, &canvas)
    drawChat(model, &canvas)
    drawUsers(model, &canvas)
    drawStatistics(model, &canvas)
    drawCallBar(model, &canvas)
    drawInput(model, &canvas)
    drawKeyBar(model, &canvas)
    if model.isHelpOpen { drawHelp(model, &canvas) }
    if let prompt = model.prompt { drawPrompt(prompt, model, &canvas) }
    return canvas
  }

  private static func drawTooSmall(_ model: ScreenModel, _ canvas: inout Canvas) {
    // A call that rings is said even here; y and n work.
    let text = model.incoming.map { "\($0) calls: y/n" } ?? "Too small: \(model.columns)x\(model.rows)"
    let lines = TextWrapping.wrap(DisplayText.glyphs(text), columns: max(model.columns, 2))
    for (row, line) in lines.enumerated() { canvas.write(line, .strong, column: 0, row: row) }
  }

  // MARK: - Bars

  private static func drawTitle(_ model: ScreenModel, _ canvas: inout Canvas) {
    let bar = model.layout.title
    canvas.fill(bar, style: .title)
    let (state, style) = connectionWords(model)
    let stateGlyphs = DisplayText.truncated(state + " ", to: bar.columns / 2)
    let stateColumn = bar.endColumn - stateGlyphs.reduce(0) { $0 + $1.width }
    canvas.write(stateGlyphs, style, column: stateColumn, row: bar.row)
    var column = canvas.write(" glyphone ", .titleBrand, column: bar.column, row: bar.row, limit: stateColumn - 1)
    let own = model.ownName.isEmpty ? "" : " \(model.ownName)"
    column = canvas.write(own, .title, column: column, row: bar.row, limit: stateColumn - 1)
    if bar.columns >= 60 {
      canvas.write("  \(model.server)", .title, column: column, row: bar.row, limit: stateColumn - 1)
    }
  }

  private static func connectionWords(_ model: ScreenModel) -> (String, Style) {
    if model.isLeaving { return ("leaving…", .titleBad) }
    switch model.connection {
    case .connecting: return ("◌ connecting…", .titleBad)
    case .online: return ("● \(model.users.count) \(model.users.count == 1 ? "user" : "users")", .titleGood)
    case .offline: return ("○ offline, reconnecting", .titleBad)
    }
  }

  private static func drawCallBar(_ model: ScreenModel, _ canvas: inout Canvas) {
    let bar = model.layout.callBar
    guard !bar.isEmpty else { return }
    let (state, style) = callWords(model)
    canvas.fill(bar, style: .callDetail)
    var column = canvas.write(" \(state) ", style, column: bar.column, row: bar.row, limit: bar.endColumn)
    for detail in callDetails(model) {
      let glyphs = DisplayText.glyphs(" \(detail) ")
      let width = glyphs.reduce(0) { $0 + $1.width }
      // Details come most telling first: those that do not fit whole are left out.
      guard column + width <= bar.endColumn else { continue }
      column = canvas.write(glyphs, .callDetail, column: column, row: bar.row, limit: bar.endColumn)
    }
  }

  private static func callWords(_ model: ScreenModel) -> (String, Style) {
    let call = model.call
    switch call.phase {
    case .calling: return ("Calling \(call.peer)…", .callWaiting)
    case .ringing: return ("Ringing at \(call.peer)…", .callWaiting)
    case .connecting: return ("Connecting with \(call.peer)…", .callWaiting)
    case .interrupted: return ("\(call.peer): reconnecting…\(clock(model))", .callTrouble)
    case .active: return ("\(call.peer)\(clock(model))", .callActive)
    case .idle, .incoming, .ended: return ("", .callDetail)
    }
  }

  private static func clock(_ model: ScreenModel) -> String {
    model.call.since.map { "  \(ScreenModel.clock(model.now - $0))" } ?? ""
  }

  private static func callDetails(_ model: ScreenModel) -> [String] {
    let call = model.call
    var details = [call.isMicrophoneMuted ? "MUTED" : "mic on"]
    if call.isCameraOff { details.append("CAMERA OFF") }
    if let figures = model.statistics {
      details.append("\(figures.receivedSize) \(rounded(figures.receivedFramesPerSecond)) fps")
      details.append("\(rounded(figures.receivedKilobitsPerSecond)) kbit/s")
      details.append("loss \(tenths(figures.receivedLossPercent)) %")
      if let roundTrip = figures.roundTripMilliseconds { details.append("\(rounded(roundTrip)) ms") }
    }
    if !call.cameraName.isEmpty, !call.isCameraOff { details.append("cam \(call.cameraName)") }
    if !call.microphoneName.isEmpty, !call.isMicrophoneMuted { details.append("mic \(call.microphoneName)") }
    if !model.look.words.isEmpty { details.append(model.look.words) }
    if !model.renderName.isEmpty { details.append(model.renderName) }
    return details
  }

  private static func drawKeyBar(_ model: ScreenModel, _ canvas: inout Canvas) {
    let bar = model.layout.keyBar
    var column = bar.column
    for (key, text, input) in keyHelp(model) {
      let width = DisplayText.width(key) + DisplayText.width(text) + 3
      guard column + width <= bar.endColumn else { break }
      let end = canvas.write(" \(key)", .keyName, column: column, row: bar.row)
      column = canvas.write(" \(text) ", .keyText, column: end, row: bar.row)
      if let input {
        canvas.addTarget(
          Rect(column: end - DisplayText.width(key), row: bar.row, columns: width - 2, rows: 1), .key(input))
      }
    }
  }

  private static func keyHelp(_ model: ScreenModel) -> [(String, String, KeyInput?)] {
    if model.isInCall {
      return [
        ("F10", "hang up", .function(10)), ("F4", model.call.isMicrophoneMuted ? "unmute" : "mute", .function(4)),
        ("F5", model.call.isCameraOff ? "camera on" : "camera off", .function(5)), ("F6", "picture", .function(6)),
        ("F7", "figures", .function(7)), ("F1", "help", .function(1)), ("Tab", "users", nil),
      ]
    }
    let action: [(String, String, KeyInput?)] =
      model.focus == .users
      ? [("Enter", "call", .enter), ("↑↓", "select", nil), ("Tab", "write", .tab)]
      : [("Enter", "send", nil), ("Tab", "users", .tab), ("PgUp", "scroll", .pageUp)]
    return action + [("F1", "help", .function(1)), ("Ctrl-C", "quit", nil)]
  }

  // MARK: - Panes

  private static func drawPicture(_ model: ScreenModel, _ canvas: inout Canvas) {
    let pane = model.layout.picture
    guard !pane.isEmpty else { return }
    if model.hasPicture { return canvas.reserve(pane) }
    let text =
      switch model.call.phase {
      case .calling: "Calling \(model.call.peer)…"
      case .ringing: "It rings at \(model.call.peer)…"
      case .connecting: "Connecting…"
      default: "No picture from \(model.call.peer) yet"
      }
    let glyphs = DisplayText.truncated(text, to: pane.columns)
    let width = glyphs.reduce(0) { $0 + $1.width }
    let middle = pane.centred(columns: width, rows: 1)
    canvas.write(glyphs, .faint, column: middle.column, row: middle.row, limit: pane.endColumn)
  }

  private static func drawChat(_ model: ScreenModel, _ canvas: inout Canvas) {
    let pane = model.layout.chat
    guard !pane.isEmpty else { return }
    canvas.addTarget(pane, .chat)
    let lines = model.log.visible(rows: pane.rows)
    for (index, line) in lines.enumerated() {
      var column = pane.column
      for span in line {
        column = canvas.write(
          span.glyphs, span.style, column: column, row: pane.endRow - lines.count + index, limit: pane.endColumn)
      }
    }
    if model.log.offset > 0 {
      let new = model.log.unread
      let text = new > 0 ? " ↓ \(new) new, PgDn " : " ↓ PgDn "
      let width = DisplayText.width(text)
      let row = pane.endRow - 1
      canvas.write(
        text, new > 0 ? .unread : .keyText, column: max(pane.endColumn - width, pane.column), row: row,
        limit: pane.endColumn)
    }
  }

  private static func drawUsers(_ model: ScreenModel, _ canvas: inout Canvas) {
    var pane = model.layout.users
    guard !pane.isEmpty else { return }
    let isFocused = model.focus == .users
    let heading = pane.takeTop(1)
    let title =
      " Users (\(model.users.count))" + (model.log.unread > 0 && model.layout.chat.isEmpty ? " · new chat" : "")
    canvas.write(
      title, isFocused ? .focusedHeading : .heading, column: heading.column, row: heading.row, limit: heading.endColumn)
    let index = model.selected.flatMap { model.users.firstIndex(of: $0) } ?? 0
    let first = max(min(index - pane.rows / 2, model.users.count - pane.rows), 0)
    for (offset, name) in model.users.dropFirst(first).prefix(pane.rows).enumerated() {
      let line = Rect(column: pane.column, row: pane.row + offset, columns: pane.columns, rows: 1)
      drawUser(name, in: line, model, &canvas)
    }
    drawNobody(below: pane, model, &canvas)
  }

  private static func drawNobody(below pane: Rect, _ model: ScreenModel, _ canvas: inout Canvas) {
    guard model.connection == .online, model.users.count == 1, pane.rows > 2 else { return }
    canvas.write(
      DisplayText.truncated("   nobody else yet", to: pane.columns), .faint, column: pane.column, row: pane.row + 2,
      limit: pane.endColumn)
  }

  private static func drawUser(_ name: String, in line: Rect, _ model: ScreenModel, _ canvas: inout Canvas) {
    let isSelf = name == model.ownName
    let isPeer = !model.call.peer.isEmpty && name == model.call.peer
    let isSelected = name == model.selected
    let isFocused = model.focus == .users
    let base: Style = isSelf ? .userSelf : isPeer ? .userPeer : .user
    let style: Style = isSelected ? (isFocused ? .userFocused : .userSelected) : base
    canvas.fill(line, style: style)
    let mark = isPeer ? "● " : isSelected && isFocused ? "▸ " : "  "
    let limit = line.endColumn
    let column = canvas.write(" \(mark)", style, column: line.column, row: line.row, limit: limit)
    let suffix = isSelf ? " (you)" : ""
    let shown = DisplayText.truncated(name, to: max(limit - column - suffix.count, 1))
    let end = canvas.write(shown, style, column: column, row: line.row, limit: limit)
    canvas.write(suffix, style, column: end, row: line.row, limit: limit)
    canvas.addTarget(line, .user(name))
  }

  private static func drawStatistics(_ model: ScreenModel, _ canvas: inout Canvas) {
    let pane = model.layout.statistics
    guard !pane.isEmpty else { return }
    let lines = StatisticsText.lines(model.statistics, columns: pane.columns - 2)
    for (index, line) in lines.prefix(pane.rows).enumerated() {
      let column = canvas.write(
        " \(line.label)", .heading, column: pane.column, row: pane.row + index, limit: pane.endColumn)
      canvas.write(line.text, .text, column: column, row: pane.row + index, limit: pane.endColumn)
    }
  }

  private static func drawInput(_ model: ScreenModel, _ canvas: inout Canvas) {
    let bar = model.layout.input
    canvas.addTarget(bar, .input)
    let isFocused = model.focus == .input
    let column = canvas.write(" ❯ ", isFocused ? .inputMark : .faint, column: bar.column, row: bar.row)
    if model.editor.isEmpty {
      canvas.write(
        inputHint(model), .faint, column: column + (isFocused ? 1 : 0), row: bar.row, limit: bar.endColumn)
    }
    let view = model.editor.view(columns: bar.endColumn - column)
    canvas.write(view.glyphs, .input, column: column, row: bar.row, limit: bar.endColumn)
    if isFocused, model.prompt == nil, !model.isHelpOpen { canvas.cursor = (column + view.cursor, bar.row) }
  }

  private static func inputHint(_ model: ScreenModel) -> String {
    if model.focus == .input { return "write to everybody, or /help" }
    guard !model.isInCall, let selected = model.selected, selected != model.ownName else { return "Tab to write" }
    return "Enter calls \(selected), Tab to write"
  }

  static func rounded(_ number: Double) -> String {
    number.isFinite ? String(Int(max(min(number, 1e9), -1e9).rounded())) : "-"
  }

  static func tenths(_ number: Double) -> String {
    guard number.isFinite else { return "-" }
    let value = Int((max(min(number, 1e8), 0) * 10).rounded())
    return "\(value / 10).\(value % 10)"
  }
}
