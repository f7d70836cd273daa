import NIOCore
import Picture
import Testing

@testable import TerminalUI

@Suite struct TerminalFeatureTests {
  private static let meant: [(String, TerminalFeature)] = [
    ("cell=9x18", .cell(PixelSize(width: 9, height: 18))), ("sync=on", .synchronizedUpdates(true)),
    ("utf8=off", .utf8(false)), ("sixel-colors=16", .sixelRegisters(16)),
    ("sixel-keeps=on", .keepsUnpaintedPixels(true)), ("kitty=local", .kittyIsLocal(true)),
    ("kitty=remote", .kittyIsLocal(false)),
  ]

  @Test func readsWhatIsMeant() {
    for (text, feature) in Self.meant { #expect(TerminalFeature(text) == feature && feature.words == text) }
  }

  @Test(arguments: [
    "", "=", "cell", "cell=", "cell=9", "cell=9x", "cell=9x18x2", "cell=129x18", "cell=9x257", "cell=-1x3", "sync=yes",
    "utf8=", "sixel-colors=1", "sixel-colors=99999999999999999999", "kitty=on", "Cell=9x18",
  ])
  func nothingElse(text: String) {
    #expect(TerminalFeature(text) == nil)
  }

  @Test func theUsageNamesEachOfThem() {
    for (text, _) in Self.meant { #expect(TerminalFeature.usage.contains(text.prefix { $0 != "=" } + "=")) }
  }

  @Test func overrulesWhatTheTerminalSays() {
    var capabilities = TerminalCapabilities(colors: .ansi256, sixel: SixelSupport(), kitty: KittySupport())
    TerminalOverrides(features: Self.meant.map(\.1)).apply(to: &capabilities, wanting: nil)
    #expect(capabilities.cellPixels == PixelSize(width: 9, height: 18))
    #expect(capabilities.synchronizedUpdates && !capabilities.isUTF8)
    #expect(capabilities.sixel == SixelSupport(registers: 16, keepsUnpaintedPixels: true))
    #expect(capabilities.kitty == KittySupport(isLocal: false), "the last one counts")
  }

  @Test func givesNoGraphicsToATerminalWithoutThem() {
    var capabilities = TerminalCapabilities(colors: .ansi256)
    let features = [TerminalFeature.sixelRegisters(16), .kittyIsLocal(true)]
    TerminalOverrides(features: features).apply(to: &capabilities, wanting: nil)
    #expect(capabilities.sixel == nil && capabilities.kitty == nil)
    TerminalOverrides(features: features).apply(to: &capabilities, wanting: .sixel)
    #expect(capabilities.sixel?.registers == 16, "unless it is asked for by name")
  }
}

@Suite struct DoctorReportTests {
  private func report(
    _ answers: String, environment: [String: String] = [:], chosen: RenderMode? = nil,
    _ overrides: TerminalOverrides = TerminalOverrides()
  ) -> DoctorReport {
    let variables = ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"].merging(environment) { $1 }
    var probe = CapabilityProbe(environment: variables, terminfoColors: 256)
    _ = probe.feed(answers.utf8)
    let knowledge = TerminalKnowledge(probe: probe, cell: nil, overrides: overrides, wanting: chosen)
    return DoctorReport(
      probe: probe, told: knowledge.told, overrides: overrides, kernelCell: PixelSize(width: 9, height: 18),
      chosen: chosen, answeredIn: probe.isFinished ? .milliseconds(12) : nil)
  }

  @Test(arguments: [
    ("\u{1B}[6;20;10t\u{1B}[?62;4c", "sixel: DA1 tells"), ("\u{1B}[?62;4c", "does not tell how large its cells are"),
    ("\u{1B}[?62c", "block, 256 colours: there are UTF-8"), ("", "would not have waited"),
    ("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[6;20;10t\u{1B}[?62c", "kitty: the terminal answered"),
  ])
  func saysWhatWillBeUsedAndWhy(answers: String, words: String) {
    #expect(report(answers).findings.contains(words))
  }

  @Test func namesTheSourceOfWhatItFound() {
    let findings = report("\u{1B}[6;20;10t\u{1B}[?62;4c").findings
    #expect(findings.contains("10x20 pixels   [CSI 16 t]") && findings.contains("9x18 pixels   [TIOCGWINSZ]"))
    #expect(findings.contains("complete after 12 ms"))
  }

  @Test func aPersonsChoiceIsReasonEnough() {
    #expect(report("\u{1B}[?62c", chosen: .half).findings.contains("half, 256 colours: chosen with --render"))
    #expect(report("\u{1B}[?62c", environment: ["LC_ALL": "C"]).findings.contains("there is no UTF-8"))
  }

  @Test(
    arguments: [
      ("\u{1B}[?62;4c", [.cell(PixelSize(width: 9, height: 18)), .synchronizedUpdates(false)], "cell=9x18"),
      ("\u{1B}[6;20;10t\u{1B}[?62;4c", [.sixelRegisters(16)], "sixel-colors=16"),
      ("\u{1B}[?62c", [.utf8(false)], "utf8=off"),
    ] as [(String, [TerminalFeature], String)])
  func namesTheFeatureThatDecided(answers: String, features: [TerminalFeature], name: String) {
    let findings = report(answers, TerminalOverrides(features: features)).findings
    #expect(findings.contains(" (decided by --terminal-feature \(name))."))
  }

  @Test func namesTheColoursThatDecided() {
    let few = TerminalOverrides(colors: .ansi16)
    let blocks = report("\u{1B}[?62c", few).findings
    #expect(blocks.contains("half, 16 colours: there is UTF-8") && blocks.contains("(decided by --colors)."))
    #expect(!report("\u{1B}[6;20;10t\u{1B}[?62;4c", few).findings.contains("decided by"), "sixels have their own")
    #expect(!report("\u{1B}[?62c", TerminalOverrides(colors: .ansi256)).findings.contains("decided by"), "it is so")
  }

  @Test func theTerminalIsRawSoEveryLineReturns() {
    let report = report("\u{1B}[?62c")
    for text in [report.findings, report.advice] {
      #expect(text.split(separator: "\r\n", omittingEmptySubsequences: false).allSatisfy { !$0.contains("\n") })
    }
    #expect(report.advice.contains(TerminalFeature.usage))
  }
}
