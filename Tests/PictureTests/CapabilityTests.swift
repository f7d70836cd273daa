import Picture
import TestSupport
import Testing

@Suite struct CapabilityTests {
  private static let utf8 = ["TERM": "xterm-256color", "LANG": "en_US.UTF-8"]

  /// What a probe makes of answers, and what it takes for typed.
  private func probe(
    _ answers: String, environment: [String: String] = utf8, colors: Int? = 256
  ) -> (probe: CapabilityProbe, typed: String) {
    var probe = CapabilityProbe(environment: environment, terminfoColors: colors)
    let typed = probe.feed(Array(answers.utf8))
    return (probe, String(decoding: typed, as: UTF8.self))
  }

  @Test func xtermWithSixel() {
    let answers =
      "\u{1B}P>|XTerm(379)\u{1B}\\\u{1B}[>41;379;0c\u{1B}[4;480;640t\u{1B}[6;20;10t\u{1B}[8;24;64t\u{1B}[?2026;0$y"
      + "\u{1B}[?1;0;256S\u{1B}[?2;0;1000;1000S\u{1B}[?64;1;2;4;6;9;15;16;17;18;21;22;28c"
    let (probe, typed) = probe(answers)
    #expect(probe.isFinished)
    #expect(typed.isEmpty)
    let capabilities = probe.capabilities
    #expect(capabilities.name == "XTerm(379)")
    #expect(capabilities.colors == .trueColor)
    #expect(capabilities.cellPixels == PixelSize(width: 10, height: 20))
    #expect(capabilities.screenCells == CellRectangle(columns: 64, rows: 24))
    #expect(!capabilities.synchronizedUpdates)
    #expect(
      capabilities.sixel
        == SixelSupport(
          registers: 256, largestImage: PixelSize(width: 1000, height: 1000), keepsUnpaintedPixels: true))
    #expect(RenderMode.automatic(for: capabilities) == .sixel)
  }

  @Test func answersComeInPiecesBetweenKeys() {
    let answers = Array("q\u{1B}[A\u{1B}[6;18;9t\u{1B}OPä\u{1B}[?62;4cz\u{1B}[1;5C\u{1B}[<0;3;4M\u{1B}[200~".utf8)
    for size in 1...7 {
      var probe = CapabilityProbe(environment: Self.utf8)
      var typed: [UInt8] = []
      for start in stride(from: 0, to: answers.count, by: size) {
        typed += probe.feed(answers[start..<min(start + size, answers.count)])
      }
      #expect(String(decoding: typed, as: UTF8.self) == "q\u{1B}[A\u{1B}OPäz\u{1B}[1;5C\u{1B}[<0;3;4M\u{1B}[200~")
      #expect(probe.isFinished && probe.capabilities.sixel != nil)
      #expect(probe.capabilities.cellPixels == PixelSize(width: 9, height: 18))
    }
  }

  @Test func aSilentTerminalIsTakenFromItsEnvironment() {
    var environment = Self.utf8
    environment["COLORTERM"] = "truecolor"
    var probe = CapabilityProbe(environment: environment)
    #expect(!probe.isFinished && !probe.query.isEmpty)
    // A lone Escape could begin an answer until the time is over.
    #expect(probe.feed([0x1B]).isEmpty)
    #expect(probe.expire() == [0x1B])
    #expect(probe.isFinished)
    #expect(probe.capabilities.colors == .trueColor && probe.capabilities.sixel == nil)
    #expect(RenderMode.automatic(for: probe.capabilities) == .block)
    // What comes late still does not count as typed.
    #expect(probe.feed(Array("a\u{1B}[?64;4cb".utf8)) == Array("ab".utf8))
    #expect(probe.capabilities.sixel != nil)
  }

  @Test func theFenceIsAskedLast() {
    let query = String(decoding: CapabilityProbe(environment: Self.utf8).query, as: UTF8.self)
    #expect(query.hasSuffix("\u{1B}[c"))
    for part in ["\u{1B}[>0q", "\u{1B}[14t", "\u{1B}[16t", "\u{1B}[18t", "\u{1B}[?2026$p", "\u{1B}[?1;1;0S"] {
      #expect(query.contains(part))
    }
  }

  @Test func aDumbTerminalIsNotAsked() {
    for term in [nil, "", "dumb"] as [String?] {
      var environment = ["LANG": "C.UTF-8"]
      environment["TERM"] = term
      let probe = CapabilityProbe(environment: environment)
      #expect(probe.query.isEmpty && probe.isFinished)
      #expect(RenderMode.automatic(for: probe.capabilities) == .ascii)
      #expect(probe.capabilities.colors == .mono)
    }
  }

  @Test(arguments: [
    (["TERM": "xterm", "LANG": "C"], 8, ColorDepth.ansi16, RenderMode.ascii),
    (["TERM": "xterm", "LANG": "en_US.UTF-8"], 8, .ansi16, .half),
    (["TERM": "xterm-256color", "LC_ALL": "C", "LANG": "en_US.UTF-8"], 256, .ansi256, .ascii),
    (["TERM": "xterm-256color", "LC_CTYPE": "de_DE.utf8"], 256, .ansi256, .block),
    (["TERM": "xterm-direct", "LANG": "C.UTF-8"], 1 << 24, .trueColor, .block),
    (["TERM": "vt100", "LANG": "C.UTF-8"], -1, .mono, .half),
    (["TERM": "linux", "LANG": "C.UTF-8"], 8, .ansi16, .half),
  ])
  func environmentDecides(environment: [String: String], colors: Int, depth: ColorDepth, mode: RenderMode) {
    let capabilities = CapabilityProbe(environment: environment, terminfoColors: colors).capabilities
    #expect(capabilities.colors == depth)
    #expect(RenderMode.automatic(for: capabilities) == mode)
  }

  @Test func insideTmuxSixelNeedsTheAttribute() {
    let environment = ["TERM": "tmux-256color", "LANG": "C.UTF-8", "TMUX": "/tmp/tmux-0/default,1,0"]
    let without = probe(
      "\u{1B}P>|tmux 3.4\u{1B}\\\u{1B}[?1;0;256S\u{1B}[6;20;10t\u{1B}[?1;2c", environment: environment)
    #expect(without.probe.capabilities.multiplexer == .tmux)
    #expect(without.probe.capabilities.sixel == nil)
    #expect(without.probe.capabilities.colors == .ansi256)
    let with = probe("\u{1B}P>|tmux 3.4\u{1B}\\\u{1B}[?1;2;4c", environment: environment)
    #expect(with.probe.capabilities.sixel?.keepsUnpaintedPixels == false)
    // Nobody told how large a cell is, so no pixel would be in its place.
    #expect(RenderMode.automatic(for: with.probe.capabilities) == .block)
  }

  @Test func kittyGraphicsAreBestWhereTheyAreAnswered() {
    let answers = "\u{1B}P>|kitty(0.31.0)\u{1B}\\\u{1B}[6;20;10t\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62;c"
    let (local, typed) = probe("x" + answers + "y")
    #expect(typed == "xy")
    #expect(local.capabilities.kitty == KittySupport(editsImages: true))
    #expect(RenderMode.automatic(for: local.capabilities) == .kitty)
    let (refused, _) = probe("\u{1B}[6;20;10t\u{1B}_Gi=31;EINVAL:no\u{1B}\\\u{1B}[?62;4c")
    #expect(refused.capabilities.kitty == nil)
    #expect(RenderMode.automatic(for: refused.capabilities) == .sixel)
  }

  @Test func onlyATerminalThatReadOurMemoryIsOnThisMachine() {
    func asked(_ environment: [String: String]) -> String {
      String(decoding: CapabilityProbe(environment: environment, sharedPixel: "/abc").query, as: UTF8.self)
    }
    #expect(asked(Self.utf8).contains("\u{1B}_Gi=32,s=1,v=1,a=q,t=s,f=24;L2FiYw==\u{1B}\\"))
    var remote = Self.utf8
    remote["SSH_CONNECTION"] = "192.0.2.1 1 192.0.2.2 22"
    #expect(!asked(remote).contains("t=s") && asked(remote).contains("t=d"))
    #expect(!String(decoding: CapabilityProbe(environment: Self.utf8).query, as: UTF8.self).contains("t=s"))
    for (answer, isLocal) in [("OK", true), ("EBADF:no such file", false)] {
      let probe = probe("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}_Gi=32;\(answer)\u{1B}\\\u{1B}[?62;c").probe
      #expect(probe.capabilities.kitty?.isLocal == isLocal)
    }
    // The other answer alone does not make it a terminal with graphics.
    #expect(probe("\u{1B}_Gi=32;OK\u{1B}\\\u{1B}[?62;c").probe.capabilities.kitty == nil)
  }

  @Test func theDefaultPensAreTakenWhenBothAreTold() {
    let ink = "\u{1B}]10;rgb:0000/1111/2222\u{1B}\\"
    let ground = "\u{1B}]11;rgb:ff/fe/fd\u{7}"
    let (probe, typed) = probe("a\(ink)b\(ground)c\u{1B}[?1cd")
    #expect(typed == "abcd")
    #expect(
      probe.capabilities.defaultPens
        == DefaultPens(
          foreground: RGBColor(red: 0, green: 17, blue: 34), background: RGBColor(red: 255, green: 254, blue: 253)))
    #expect(self.probe(ground + "\u{1B}[?1c").probe.capabilities.defaultPens == nil)
    #expect(self.probe("\u{1B}]10;?\u{7}" + ground + "\u{1B}[?1c").probe.capabilities.defaultPens == nil)
    var late = CapabilityProbe(environment: Self.utf8)
    _ = late.expire()
    #expect(late.feed(Array("x\(ink)\(ground)y".utf8)) == Array("xy".utf8))
    #expect(late.capabilities.defaultPens != nil)
  }

  @Test(arguments: ["tmux-256color", "screen-256color"])
  func multiplexersAreNotAskedForGraphicsOrColours(term: String) {
    let inside = String(decoding: CapabilityProbe(environment: ["TERM": term, "LANG": "C.UTF-8"]).query, as: UTF8.self)
    #expect(!inside.contains("\u{1B}_G") && !inside.contains("\u{1B}]"))
    let outside = String(decoding: CapabilityProbe(environment: Self.utf8).query, as: UTF8.self)
    #expect(outside.contains("\u{1B}_G") && outside.contains("\u{1B}]4;15;?") && outside.contains("\u{1B}]11;?"))
  }

  @Test func thePersonsColoursAreTakenWhenAllAreTold() {
    let all = (0..<16).map { "\u{1B}]4;\($0);rgb:\($0 % 2 == 0 ? "ffff" : "0000")/8080/00\u{1B}\\" }
    let (probe, typed) = probe("a" + all.joined() + "\u{1B}[?1cb")
    #expect(typed == "ab")
    #expect(probe.capabilities.baseColors.count == 16)
    #expect(probe.capabilities.baseColors[2] == RGBColor(red: 255, green: 128, blue: 0))
    #expect(self.probe(all.dropLast().joined() + "\u{1B}[?1c").probe.capabilities.baseColors.isEmpty)
    // BEL ends an answer as well, and one to three digits will do.
    let short = (0..<16).map { "\u{1B}]4;\($0);rgb:f/80/fff\u{7}" }.joined()
    #expect(
      self.probe(short + "\u{1B}[?1c").probe.capabilities.baseColors.first == RGBColor(red: 255, green: 128, blue: 255))
  }

  @Test func altKeysThatBeginLikeAnAnswerAreTyped() {
    #expect(
      probe("\u{1B}_x\u{1B}]5\u{1B}]4x\u{1B}]12;\u{1B}]1104").typed == "\u{1B}_x\u{1B}]5\u{1B}]4x\u{1B}]12;\u{1B}]1104")
    #expect(probe("\u{1B}_\u{1B}[A").typed == "\u{1B}_\u{1B}[A")
  }

  /// The terminal's answer ends anywhere, and after a moment a person types.
  @Test(arguments: ["\u{1B}]4;1;rgb:cd00/0000/0000\u{1B}", "\u{1B}P>|xterm(379)\u{1B}", "\u{1B}_Gi=31;OK\u{1B}"])
  func keysAfterAnAnswerThatIsCutOffAreTyped(answer: String) {
    let keys = [
      "hello", "x", "h\u{1B}[Ay", "\r", "\u{1B}[6;20;1x", "é", "ab\u{1B}OPc", String(repeating: "q", count: 500),
    ]
    for length in 6...answer.utf8.count {
      for key in keys {
        var probe = CapabilityProbe(environment: Self.utf8)
        #expect(probe.feed(answer.utf8.prefix(length)).isEmpty && probe.release().isEmpty)
        let typed = probe.feed(key.utf8) + probe.release() + probe.release()
        #expect(String(decoding: typed, as: UTF8.self) == key, "after \(length) bytes of the answer")
        #expect(probe.feed("z\u{1B}[?62;4c".utf8) == Array("z".utf8) && probe.isFinished)
      }
    }
  }

  @Test func typingWithoutAMomentsRestIsNotHeldForLong() {
    var probe = CapabilityProbe(environment: Self.utf8)
    let begin = "\u{1B}P>|xterm"
    #expect(probe.feed(begin.utf8).isEmpty)
    let keys = String(repeating: "abcdefgh", count: 100)
    #expect(String(decoding: probe.feed(keys.utf8), as: UTF8.self).hasSuffix(keys))
  }

  @Test func eachFindingNamesItsSource() throws {
    let (probe, _) = probe("\u{1B}P>|foot(1.13)\u{1B}\\\u{1B}[?2026;2$y\u{1B}[?62;4;22c")
    let sources = Dictionary(grouping: probe.findings, by: \.subject).mapValues { $0.map(\.source) }
    #expect(sources["sixel graphics"] == ["DA1 (4 22)"])
    #expect(sources["synchronized updates"] == ["DECRQM 2026"])
    #expect(try #require(sources["colours"]?.first).contains("TERM=xterm-256color"))
    #expect(sources["UTF-8"] == ["LANG=en_US.UTF-8"])
  }

  @Test func fewRegistersAreNotEnoughForVideo() {
    let (probe, _) = probe("\u{1B}[?1;0;16S\u{1B}[6;20;10t\u{1B}[?62;4c")
    #expect(probe.capabilities.sixel?.registers == 16)
    #expect(RenderMode.automatic(for: probe.capabilities) == .block)
  }

  @Test func cellSizeFollowsFromTextSize() {
    let (probe, _) = probe("\u{1B}[4;480;640t\u{1B}[8;24;80t\u{1B}[?6c")
    #expect(probe.capabilities.cellPixels == PixelSize(width: 8, height: 20))
  }

  @Test(arguments: [
    "\u{1B}[?c", "\u{1B}[?;;;c", "\u{1B}[?99999999999999999999;4c", "\u{1B}[6;0;0t\u{1B}[?1c", "\u{1B}[6t\u{1B}[?1c",
    "\u{1B}[8;0;0t\u{1B}[4;100;100t\u{1B}[?1c", "\u{1B}[?1;3;0S\u{1B}[?1;0S\u{1B}[?1c", "\u{1B}[?2026$y\u{1B}[?1c",
    "\u{1B}P>|\u{1B}\\\u{1B}[?1c",
  ])
  func malformedAnswersDoNoHarm(answers: String) {
    let (probe, typed) = probe(answers)
    #expect(typed.isEmpty)
    #expect(probe.isFinished)
    #expect(probe.capabilities.cellPixels == nil)
  }

  @Test func whatIsCutShortIsGivenBack() {
    #expect(probe("\u{1B}Pass").typed == "\u{1B}Pass")
    #expect(probe("\u{1B}[12\u{1B}[?1c").typed == "\u{1B}[12")
    #expect(probe("\u{1B}[12\u{7}x").typed == "\u{1B}[12\u{7}x")
    // A name that never ends swallows no keys once a control character comes.
    #expect(probe("\u{1B}P>|foo\rls\r").typed == "\rls\r")
    #expect(probe("\u{1B}P>|foo\u{1B}[Ax").typed == "\u{1B}[Ax")
    let long = "\u{1B}[" + String(repeating: "1", count: 500) + "c"
    #expect(probe(long).typed == long)
  }

  @Test func anyBytesAreTaken() {
    var random = SeededGenerator(seed: 99)
    let alphabet = Array("\u{1B}\u{1B}\u{1B}[[P>?|;$0123456789ctySq\\ab\u{7}\r]_G4;rgb:/".utf8) + [0x80, 0xFF, 0x9B]
    for _ in 0..<400 {
      let input = (0..<Int.random(in: 0...200, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      var probe = CapabilityProbe(environment: Self.utf8)
      let typed = probe.feed(input) + probe.expire()
      // Nothing is invented: what comes out is part of what went in, in order.
      var rest = input[...]
      for byte in typed {
        guard let found = rest.firstIndex(of: byte) else {
          Issue.record("a byte out of nowhere")
          return
        }
        rest = rest[(found + 1)...]
      }
      #expect(probe.capabilities.name.utf8.count <= 64)
    }
  }

  @Test func modesThatCannotBeShownAreSkipped() {
    let plain = TerminalCapabilities(colors: .ansi256)
    #expect(RenderMode.block.next(for: plain) == .braille)
    #expect(RenderMode.braille.next(for: plain) == .ascii)
    #expect(RenderMode.octant.next(for: plain) == .block)
    #expect(RenderMode.half.next(for: plain) == .quadrant)
    let sixel = TerminalCapabilities(colors: .ansi256, sixel: SixelSupport())
    #expect(RenderMode.braille.next(for: sixel) == .sixel)
    #expect(RenderMode.sixel.next(for: sixel) == .ascii)
    let ascii = TerminalCapabilities(colors: .mono, isUTF8: false)
    #expect(RenderMode.ascii.next(for: ascii) == .ascii)
  }
}
