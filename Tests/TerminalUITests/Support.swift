import Calling
import NIOCore

@testable import TerminalUI

/// A model on a screen, driven by hand, with the time standing still unless told.
struct Screen {
  var model: ScreenModel
  var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

  init(columns: Int = 80, rows: Int = 24, name: String = "anna") {
    let environment = ScreenModel.Environment(wallClock: { 0 }, timeText: { _ in "12:30" })
    model = ScreenModel(
      columns: columns, rows: rows, name: name, server: "ws://chat.example:6503", environment: environment, now: now)
  }

  /// In a chat with others.
  static func online(columns: Int = 80, rows: Int = 24, users: [String] = ["anna", "bert", "carla"]) -> Screen {
    var screen = Screen(columns: columns, rows: rows)
    screen.send(.connection(.online))
    screen.send(.users(users))
    return screen
  }

  @discardableResult
  mutating func send(_ event: CallEvent) -> [ScreenModel.Effect] { model.update(event, now: now) }

  @discardableResult
  mutating func press(_ keys: KeyInput...) -> [ScreenModel.Effect] {
    keys.flatMap { model.key($0, now: now) }
  }

  @discardableResult
  mutating func type(_ text: String) -> [ScreenModel.Effect] {
    text.flatMap { model.key(.character($0), now: now) }
  }

  /// A click where the text stands.
  @discardableResult
  mutating func click(on text: String) -> [ScreenModel.Effect] {
    let canvas = ScreenView.draw(model)
    for row in 0..<canvas.rows {
      let line = canvas.text(row: row)
      guard let range = line.firstRange(of: text) else { continue }
      let column = DisplayText.width(String(line[..<range.lowerBound])) + 1
      let mouse = MouseInput(action: .press, row: row, column: column)
      return model.key(.mouse(mouse), target: canvas.target(column: column, row: row), now: now)
    }
    return []
  }

  mutating func call(_ phase: CallStatus.Phase, peer: String = "bert") {
    var status = CallStatus(phase: phase, peer: peer)
    if phase == .active { status.since = now }
    send(.call(status))
  }

  mutating func pass(_ time: TimeAmount) -> [ScreenModel.Effect] {
    now = now + time
    return model.tick(now: now)
  }

  var text: String { ScreenView.draw(model).text }
}

extension Canvas {
  func text(row: Int) -> String {
    var text = ""
    for cell in self[row: row] where !cell.isContinuation {
      text.unicodeScalars.append(cell.glyph.base)
      text.unicodeScalars.append(contentsOf: cell.glyph.marks)
    }
    return text
  }

  var text: String { (0..<rows).map { text(row: $0) }.joined(separator: "\n") }
}
