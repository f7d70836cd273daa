import TestSupport
import Testing

@testable import TerminalUI

@Suite struct InputDecoderTests {
  private func keys(_ text: String) -> [KeyInput] {
    var decoder = InputDecoder()
    return decoder.decode(Array(text.utf8))
  }

  @Test func readsText() {
    #expect(keys("aé日👍") == [.character("a"), .character("é"), .character("日"), .character("👍")])
  }

  @Test(arguments: [
    ("\u{1B}OP", KeyInput.function(1)), ("\u{1B}[11~", .function(1)), ("\u{1B}[[A", .function(1)),
    ("\u{1B}OS", .function(4)), ("\u{1B}[15~", .function(5)), ("\u{1B}[17~", .function(6)),
    ("\u{1B}[18~", .function(7)),
    ("\u{1B}[21~", .function(10)), ("\u{1B}[24~", .function(12)), ("\u{1B}[A", .up), ("\u{1B}OB", .down),
    ("\u{1B}[H", .home), ("\u{1B}[1~", .home), ("\u{1B}[7~", .home), ("\u{1B}OF", .end), ("\u{1B}[5~", .pageUp),
    ("\u{1B}[6~", .pageDown), ("\u{1B}[3~", .delete), ("\u{1B}[1;5C", .wordRight), ("\u{1B}[Z", .backTab),
    ("\u{1B}m", .alt("m")), ("\u{18}", .control("x")), ("\u{7F}", .backspace), ("\r", .enter), ("\t", .tab),
    ("\u{1B}[120;5u", .control("x")), ("\u{1B}[27;5;120~", .control("x")), ("\u{1B}[0n", .statusReport),
  ])
  func readsKeysOfManyTerminals(bytes: String, key: KeyInput) {
    #expect(keys(bytes) == [key])
  }

  @Test func readsTheMouse() {
    #expect(keys("\u{1B}[<0;12;5M") == [.mouse(MouseInput(action: .press, row: 4, column: 11))])
    #expect(keys("\u{1B}[<64;1;1M") == [.mouse(MouseInput(action: .wheelUp, row: 0, column: 0))])
    #expect(keys("\u{1B}[<0;12;5m") == [])
    #expect(keys("\u{1B}[<0;0;0M") == [])
  }

  @Test(arguments: [
    "\u{1B}[?64;1;4c", "\u{1B}P>|XTerm(379)\u{1B}\\", "\u{1B}[6;20;10t", "\u{1B}[?2026;2$y",
    "\u{1B}]11;rgb:0/0/0\u{07}",
    "\u{1B}[?2;0;800;480S", "\u{1B}P1+r524742=8\u{1B}\\", "\u{1B}_Gi=1;OK\u{1B}\\", "\u{1B}[24;80R",
  ])
  func answersOfTheTerminalAreNoText(reply: String) {
    #expect(keys(reply + "x") == [.character("x")])
  }

  @Test func aPasteIsOnePiece() {
    #expect(keys("\u{1B}[200~/quit\ry\u{1B}[201~z") == [.paste("/quit\ry"), .character("z")])
  }

  @Test func aPasteIsBoundedAndStillEnds() {
    let text = String(repeating: "x", count: InputDecoder.maximumPaste * 2)
    let result = keys("\u{1B}[200~\(text)\u{1B}[201~z")
    #expect(result == [.paste(String(repeating: "x", count: InputDecoder.maximumPaste)), .character("z")])
  }

  @Test func aLoneEscapeIsAKeyWhenNothingFollows() {
    var decoder = InputDecoder()
    #expect(decoder.decode([0x1B]) == [])
    #expect(decoder.patience != nil)
    #expect(decoder.giveUp() == [.escape])
    #expect(decoder.patience == nil)
    #expect(decoder.decode([0x78]) == [.character("x")])
  }

  @Test func sequencesMayComeByteByByte() {
    var decoder = InputDecoder()
    var result: [KeyInput] = []
    for byte in "\u{1B}[1;5Dé\u{1B}[200~ab\u{1B}[201~".utf8 { result += decoder.decode([byte]) }
    #expect(result == [.wordLeft, .character("é"), .paste("ab")])
  }

  /// Any bytes: no trap, and once the terminal is quiet a typed letter is a typed letter again.
  @Test(arguments: 1...50) func survivesAnything(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var decoder = InputDecoder()
    let pieces = [
      "\u{1B}[", "\u{1B}", "\u{1B}]", "\u{1B}P", "\u{1B}[200~", "\u{1B}[201", "~", "999999999999", ";", "\u{1B}O",
    ]
    for _ in 0..<400 {
      let keys =
        random.next() % 2 == 0
        ? decoder.decode(pieces[Int(random.next() % UInt64(pieces.count))].utf8)
        : decoder.decode([UInt8(truncatingIfNeeded: random.next())])
      for case .character(let character) in keys {
        #expect(character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
      }
    }
    if decoder.patience != nil { _ = decoder.giveUp() }
    #expect(decoder.decode([0x78]) == [.character("x")])
  }
}
