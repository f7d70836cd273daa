import NIOCore
import Picture
import Testing

@testable import TerminalUI

@Suite struct TerminalKnowledgeTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private let environment = ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"]

  private func knowledge(
    _ answers: String = "", cell: PixelSize? = nil, _ overrides: TerminalOverrides = TerminalOverrides(),
    wanting mode: RenderMode? = nil
  ) -> TerminalKnowledge {
    var probe = CapabilityProbe(environment: environment, terminfoColors: 256)
    _ = probe.feed(answers.utf8)
    return TerminalKnowledge(probe: probe, cell: cell, overrides: overrides, wanting: mode)
  }

  private let told = "\u{1B}[6;20;10t\u{1B}[?62;22c"

  @Test func anAnswerIsMoreExactThanTheKernelAtFirst() {
    let kernel = PixelSize(width: 9, height: 19)
    #expect(knowledge(told, cell: kernel).capabilities.cellPixels == PixelSize(width: 10, height: 20))
    #expect(knowledge("\u{1B}[?62c", cell: kernel).capabilities.cellPixels == kernel)
  }

  @Test func afterAnotherFontTheKernelKnowsBetter() {
    var known = knowledge("", cell: PixelSize(width: 9, height: 19))
    #expect(known.windowChanged(cell: PixelSize(width: 6, height: 12), now: start).isEmpty)
    #expect(known.withoutAnswers(Array(told.utf8), now: start).isEmpty, "an answer from before, which comes late")
    #expect(known.capabilities.cellPixels == PixelSize(width: 6, height: 12))
  }

  @Test func withoutTheKernelTheTerminalIsAskedAgain() {
    var known = knowledge(told)
    #expect(known.restTime(now: start) == nil)
    #expect(known.windowChanged(cell: nil, now: start) == Array("\u{1B}[16t".utf8))
    #expect(known.capabilities.cellPixels == PixelSize(width: 10, height: 20), "until it answers")
    #expect(known.withoutAnswers(Array("a\u{1B}[6;12;6tb".utf8), now: start) == Array("ab".utf8))
    #expect(known.capabilities.cellPixels == PixelSize(width: 6, height: 12))
    #expect(known.restTime(now: start + .seconds(3)) == nil)
  }

  @Test func aTerminalThatNeverToldIsNotAskedAgain() {
    var known = knowledge("\u{1B}[?62c")
    #expect(known.windowChanged(cell: nil, now: start).isEmpty)
  }

  /// An answer in two reads, with a moment between them in which nothing came.
  @Test(arguments: ["\u{1B}]4;1;rgb:cd", "\u{1B}P>|xte", "\u{1B}_Gi=31;O"])
  func anAnswerThatIsInterruptedIsNotTyped(begin: String) {
    var known = knowledge()
    #expect(known.withoutAnswers(Array(begin.utf8), now: start).isEmpty)
    #expect(known.heldBack().isEmpty)
    #expect(known.withoutAnswers(Array("00/00\u{1B}\\x".utf8), now: start) == Array("x".utf8))
    #expect(known.isAwaitingAnswers)
    _ = known.withoutAnswers(Array(told.utf8), now: start)
    #expect(!known.isAwaitingAnswers)
  }

  @Test func aLoneEscapeIsGivenBackAndAnswersMayStillCome() {
    var known = knowledge()
    #expect(known.withoutAnswers([0x1B], now: start).isEmpty)
    #expect(known.heldBack() == [0x1B])
    #expect(known.withoutAnswers(Array(told.utf8), now: start).isEmpty)
    #expect(known.capabilities.cellPixels == PixelSize(width: 10, height: 20))
  }

  @Test func thePersonHasTheLastWord() {
    let known = knowledge(told, TerminalOverrides(colors: .ansi16), wanting: .sixel)
    #expect(known.capabilities.colors == .ansi16)
    #expect(known.capabilities.sixel != nil)
  }
}
