import Calling
import NIOCore
import TestSupport
import Testing

@testable import TerminalUI

@Suite struct ScreenViewTests {
  @Test func layoutFitsEverySize() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<600 {
      let columns = Int(random.next() % 260)
      let rows = Int(random.next() % 90)
      let wish = Layout.Wish(
        isInCall: random.next() % 2 == 0, showsStatistics: random.next() % 2 == 0,
        isListFocused: random.next() % 2 == 0,
        userCount: Int(random.next() % 300))
      let layout = Layout(columns: columns, rows: rows, wish: wish)
      guard !layout.isTooSmall else {
        #expect(columns < Layout.smallest.columns || rows < Layout.smallest.rows)
        continue
      }
      let panes =
        [
          layout.title, layout.picture, layout.callBar, layout.chat, layout.users, layout.statistics, layout.input,
          layout.keyBar,
        ] + layout.dividers
      var owner = [Int](repeating: -1, count: columns * rows)
      for (index, pane) in panes.enumerated() where !pane.isEmpty {
        #expect(pane.column >= 0 && pane.row >= 0 && pane.endColumn <= columns && pane.endRow <= rows)
        var isFree = true
        for row in pane.row..<pane.endRow {
          for column in pane.column..<pane.endColumn {
            isFree = isFree && owner[row * columns + column] == -1
            owner[row * columns + column] = index
          }
        }
        #expect(isFree, "panes overlap at \(columns)x\(rows) \(wish)")
      }
      #expect(!owner.contains(-1), "nothing is left over at \(columns)x\(rows) \(wish)")
      #expect(!layout.input.isEmpty && !layout.title.isEmpty)
      #expect(layout.chat.rows + layout.users.rows + layout.statistics.rows >= 1)
      if wish.isInCall { #expect(layout.picture.endRow < rows, "sixels must stay off the last row") }
    }
  }

  @Test func pictureTakesTheLargerPart() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
      let layout = Layout(columns: columns, rows: rows, wish: .init(isInCall: true, userCount: 5))
      #expect(layout.picture.columns * layout.picture.rows * 2 > columns * rows * 9 / 10)
      #expect(layout.chat.columns >= 30 && layout.chat.rows >= 5)
    }
  }

  @Test func theHintSaysWhatEnterDoes() {
    var screen = Screen.online()
    #expect(screen.text.contains("Enter calls bert, Tab to write"))
    screen.press(.home)
    #expect(screen.model.selected == "anna" && !screen.text.contains("Enter calls anna"), "nobody calls themselves")
    screen.press(.end)
    #expect(screen.text.contains("Enter calls carla"))
    screen.call(.active)
    #expect(screen.text.contains("Tab to write") && !screen.text.contains("Enter calls carla"), "one call at a time")
  }

  /// Any text from others in any place on any screen: no control character in a cell, and no half of a wide one.
  @Test(arguments: 1...12) func hostileTextStaysHarmless(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let nasty = [
      "\u{1B}]0;owned\u{07}", "\u{9B}2J", "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}", "日本語テキスト",
      "\u{202E}evil", "👨‍👩‍👧‍👦", "\n\r\t\u{0B}", "\u{FFFF}", "\u{E000}", "\u{0}", "ﷺ", "กำ", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u{200B}", "\u{301}",
      "x y z",
      String(repeating: "W", count: 300),
    ]
    func text() -> String {
      (0..<(1 + random.next() % 6)).map { _ in nasty[Int(random.next() % UInt64(nasty.count))] }.joined()
    }
    var screen = Screen.online(columns: 30, rows: 8)
    for _ in 0..<60 {
      switch random.next() % 12 {
      case 0: screen.send(.users((0..<(random.next() % 40)).map { "\($0)\(text())" } + ["anna"]))
      case 1: screen.send(.notice(Notice(.error, text())))
      case 2:
        screen.call(
          [.incoming, .active, .calling, .ended(.failed(text())), .idle][Int(random.next() % 5)], peer: text())
      case 3: screen.send(.deviceQuestion(DeviceQuestion(device: text(), text: text())))
      case 4: screen.send(.ownName(text()))
      case 5: screen.send(.connection(.offline(reason: text(), retryIn: .nanoseconds(.max))))
      case 6: screen.press(.paste(text()))
      case 7: screen.press(.function(1), .down, .pageUp)
      case 8: screen.press(.tab, .down, .end, .home)
      case 9: screen.model.resize(columns: Int(random.next() % 130), rows: Int(random.next() % 50))
      default: screen.send(.chat(ChatLine(from: text(), text: text(), date: .max, isOwn: false)))
      }
      check(ScreenView.draw(screen.model))
    }
  }

  private func check(_ canvas: Canvas) {
    var isClean = true
    var isWhole = true
    for row in 0..<canvas.rows {
      let cells = Array(canvas[row: row])
      for (column, cell) in cells.enumerated() {
        for value in [cell.glyph.base.value] + cell.glyph.marks.map(\.value) {
          isClean = isClean && value >= 0x20 && !(0x7F..<0xA0).contains(value) && !(0x202A...0x202E).contains(value)
        }
        if cell.isContinuation { isWhole = isWhole && column > 0 && cells[column - 1].glyph.width == 2 }
        if cell.glyph.width == 2 { isWhole = isWhole && column + 1 < cells.count && cells[column + 1].isContinuation }
      }
    }
    #expect(isClean && isWhole)
    if let cursor = canvas.cursor {
      #expect((0..<canvas.columns).contains(cursor.column) && (0..<canvas.rows).contains(cursor.row))
    }
  }

  @Test(arguments: [(0, 0), (1, 1), (5, 2), (23, 6), (24, 5)])
  func tinyScreenSaysSo(columns: Int, rows: Int) {
    var screen = Screen.online(columns: columns, rows: rows)
    #expect(columns < 20 || screen.text.contains("Too small"))
    screen.call(.incoming)
    #expect(columns < 20 || screen.text.contains("bert calls: y/n"))
    #expect(screen.type("y") == [.command(.answer)])
  }

  @Test func smallScreenIsStillOfUse() {
    var screen = Screen.online(columns: 40, rows: 10)
    #expect(screen.text.contains("Users (3)"))
    screen.type("hi")
    screen.send(.chat(ChatLine(from: "bert", text: "hello there", date: 0, isOwn: false)))
    #expect(screen.text.contains("bert hello there"))
    #expect(screen.text.contains("❯ hi"))
    screen.call(.active)
    #expect(screen.model.layout.picture.rows >= 3)
    screen.send(.chat(ChatLine(from: "bert", text: "still here", date: 0, isOwn: false)))
    #expect(screen.text.contains("still here"))
  }

  @Test func scrollingBackShowsTheOldAndCountsTheNew() {
    var screen = Screen.online()
    for number in 1...100 {
      screen.send(.chat(ChatLine(from: "bert", text: "line \(number).", date: 0, isOwn: false)))
    }
    #expect(screen.text.contains("line 100."))
    screen.press(.pageUp)
    let before = screen.text
    #expect(!before.contains("line 100."))
    screen.send(.chat(ChatLine(from: "bert", text: "brand new", date: 0, isOwn: false)))
    #expect(screen.text.contains("↓ 1 new"))
    #expect(!screen.text.contains("brand new"))
    screen.press(.pageDown, .pageDown)
    #expect(screen.text.contains("brand new"))
    #expect(!screen.text.contains("new, PgDn"))
    for _ in 0..<100 { screen.press(.pageUp) }
    #expect(screen.text.contains("line 1."))
  }

  @Test func historyIsBounded() {
    var log = ChatLog()
    log.setColumns(40)
    for number in 0..<(ChatLog.maximumEntries * 3) {
      log.add(.init(time: "12:30", kind: .chat(isOwn: false), from: "bert", text: "\(number)"), isSeen: true)
    }
    #expect(log.entries.count <= ChatLog.maximumEntries)
    #expect(log.entries.last?.text == "\(ChatLog.maximumEntries * 3 - 1)")
    #expect(log.lines.count == log.entries.count)
  }

  @Test func wrappingLosesNothingAndFits() {
    var random = SeededGenerator(seed: 3)
    let words = ["a", "word", "日本語", "supercalifragilistic", "é", "👍"]
    for _ in 0..<300 {
      let text = (0..<(random.next() % 20)).map { _ in words[Int(random.next() % 6)] }.joined(separator: " ")
      let columns = 2 + Int(random.next() % 30)
      let glyphs = DisplayText.glyphs(text)
      let lines = TextWrapping.wrap(glyphs, first: columns / 2, columns: columns)
      for (index, line) in lines.enumerated() {
        #expect(line.reduce(0) { $0 + $1.width } <= max(index == 0 ? columns / 2 : columns, 2))
      }
      #expect(lines.joined().filter { $0 != .space } == glyphs.filter { $0 != .space })
    }
  }

  @Test func picturesCellsAreLeftAlone() {
    var screen = Screen.online()
    screen.call(.active)
    screen.model.hasPicture = true
    let canvas = ScreenView.draw(screen.model)
    let pane = screen.model.layout.picture
    for row in 0..<canvas.rows {
      for (column, cell) in canvas[row: row].enumerated() {
        #expect(cell.isPicture == pane.contains(column: column, row: row))
      }
    }
  }
}
