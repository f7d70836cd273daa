import TestSupport
import Testing

@testable import TerminalUI

@Suite struct LineEditorTests {
  private func editor(_ text: String) -> LineEditor {
    var editor = LineEditor()
    editor.insert(text)
    return editor
  }

  @Test func editsInTheMiddle() {
    var line = editor("hello")
    line.moveLeft()
    line.moveLeft()
    line.insert("XY")
    #expect(line.text == "helXYlo")
    #expect(line.cursor == 5)
    line.deleteBackward()
    line.deleteForward()
    #expect(line.text == "helXo")
  }

  @Test func treatsALetterWithItsAccentsAsOne() {
    var line = editor("cafe")
    line.insert("\u{301}")
    #expect(line.text == "café")
    #expect(line.cursor == 4)
    line.deleteBackward()
    #expect(line.text == "caf")
  }

  @Test func joinedEmojiIsDeletedWhole() {
    var line = editor("a👩‍👩‍👧b")
    line.moveLeft()
    line.deleteBackward()
    #expect(line.text == "ab")
  }

  @Test func wideCharactersTakeTwoColumns() {
    var line = editor("日本語")
    #expect(line.view(columns: 20).cursor == 6)
    line.moveLeft()
    #expect(line.view(columns: 20).cursor == 4)
  }

  @Test func longLineScrollsWithTheCursor() {
    var line = editor(String(repeating: "x", count: 50) + "end")
    var view = line.view(columns: 10)
    #expect(view.cursor == 9)
    #expect(String(view.glyphs.map { Character($0.base) }) == "xxxxxxend")
    line.moveHome()
    view = line.view(columns: 10)
    #expect(view.cursor == 0)
    #expect(view.glyphs.count == 10)
  }

  @Test func killsWordsAndEndsAndGivesThemBack() {
    var line = editor("one two three")
    line.killWord()
    #expect(line.text == "one two ")
    line.yank()
    #expect(line.text == "one two three")
    line.moveWordLeft()
    line.killToStart()
    #expect(line.text == "three")
    line.killToEnd()
    #expect(line.isEmpty)
  }

  @Test func historyKeepsTheDraft() {
    var line = editor("first")
    #expect(line.enter() == "first")
    line.insert("second")
    _ = line.enter()
    line.insert("draft")
    line.historyUp()
    line.historyUp()
    line.historyUp()
    #expect(line.text == "first")
    line.historyDown()
    line.historyDown()
    #expect(line.text == "draft")
  }

  @Test func dropsControlsAndFlattensLineBreaks() {
    #expect(editor("a\u{1B}[2Jb\nc\td\u{9B}\u{202E}").text == "a[2Jb c d")
  }

  @Test func isBounded() {
    var line = editor(String(repeating: "x", count: 5000))
    #expect(line.characters.count == LineEditor.maximumLength)
    line.moveHome()
    line.insert("more")
    #expect(line.characters.count == LineEditor.maximumLength)
    #expect(line.cursor == 0)
    let tower = editor("a" + String(repeating: "\u{301}", count: 10_000))
    #expect(tower.text.unicodeScalars.count <= 16)
  }

  /// Whatever is typed in whatever order, the cursor stays inside and is on the screen.
  @Test(arguments: 1...20) func survivesAnyOrderOfEdits(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var line = LineEditor()
    let pieces = ["a", " ", "é", "\u{301}", "日", "👍🏽", "\u{200D}", "🇩🇪", "\u{1B}", "\n", "क्षि", "\u{FE0F}", "漢字 word"]
    for _ in 0..<200 {
      switch random.next() % 16 {
      case 0: line.deleteBackward()
      case 1: line.deleteForward()
      case 2: line.moveLeft()
      case 3: line.moveRight()
      case 4: line.moveHome()
      case 5: line.moveEnd()
      case 6: line.killWord()
      case 7: line.yank()
      case 8: line.moveWordLeft()
      case 9: line.moveWordRight()
      case 10: line.historyUp()
      case 11: line.historyDown()
      case 12: _ = line.enter()
      default: line.insert(pieces[Int(random.next() % UInt64(pieces.count))])
      }
      #expect((0...line.characters.count).contains(line.cursor))
      for columns in [1, 2, 7, 80] {
        let view = line.view(columns: columns)
        #expect(view.cursor >= 0 && view.cursor < max(columns, 1))
        #expect(view.glyphs.reduce(0) { $0 + $1.width } <= columns)
      }
    }
  }
}
