import Picture
import Testing

@testable import TerminalUI

@Suite struct TerminalOverridesTests {
  /// Whoever forces kitty's graphics on a terminal that did not tell gets what every such terminal can do.
  @Test(
    arguments: [
      ("", nil, false), ("ghostty 1.0", nil, false), ("kitty(0.31.0)", nil, true), ("WezTerm 20240203", nil, true),
      ("tmux 3.4", .tmux, false),
    ] as [(String, Multiplexer?, Bool)])
  func forcedGraphicsAreEditedOnlyWhereThatIsKnown(name: String, multiplexer: Multiplexer?, edits: Bool) throws {
    var capabilities = TerminalCapabilities(colors: .trueColor, name: name, multiplexer: multiplexer)
    TerminalOverrides().apply(to: &capabilities, wanting: .kitty)
    let kitty = try #require(capabilities.kitty)
    #expect(kitty.editsImages == edits && kitty.isInsideTmux == (multiplexer == .tmux) && !kitty.isLocal)
    // What the terminal told stays.
    capabilities.kitty?.isLocal = true
    TerminalOverrides().apply(to: &capabilities, wanting: .kitty)
    #expect(capabilities.kitty?.isLocal == true)
  }
}
