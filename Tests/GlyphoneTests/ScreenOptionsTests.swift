import ArgumentParser
import Picture
import TerminalUI
import Testing

@testable import glyphone

@Suite struct ScreenOptionsTests {
  @Test func nothingIsOverruledUnlessAsked() throws {
    let options = try ScreenOptions.parse([])
    #expect(options.render.mode == nil && options.maxBandwidth == nil)
    #expect(options.overrides == TerminalOverrides())
  }

  @Test(arguments: [("20000", 20_000), ("20k", 20_000), ("2M", 2_000_000), ("1", 1)])
  func readsARate(text: String, bytes: Int) throws {
    #expect(try ScreenOptions.parse(["--max-bandwidth", text]).maxBandwidth == bytes)
  }

  @Test func whatIsSaidOfTheTerminalIsPassedOn() throws {
    let options = try ScreenOptions.parse([
      "--render", "sixel", "--colors", "16", "--font", "spleen", "--cell-aspect", "2.1", "--terminal-feature",
      "cell=9x18", "--terminal-feature", "sync=off",
    ])
    #expect(options.render.mode == .sixel)
    let expected = TerminalOverrides(
      colors: .ansi16, letterFont: .spleen, cellAspect: 2.1,
      features: [.cell(PixelSize(width: 9, height: 18)), .synchronizedUpdates(false)])
    #expect(options.overrides == expected)
  }

  @Test(arguments: [
    ("spleen", LetterFont.spleen), ("terminus-bold", .terminusBold), ("dejavu", .dejaVuSansMono),
  ])
  func fontsHaveNames(name: String, font: LetterFont) throws {
    #expect(try ScreenOptions.parse(["--font", name]).overrides.letterFont == font)
  }

  @Test(arguments: [
    ["--max-bandwidth", "0"], ["--max-bandwidth", "9G"], ["--max-bandwidth", "99999M"], ["--cell-aspect", "9"],
    ["--font", "comic"], ["--colors", "3"], ["--render", "crayon"], ["--terminal-feature", "cell=0x9"],
    ["--terminal-feature", "sync"], ["--terminal-feature", "bell=on"],
  ])
  func refusesWhatMeansNothing(arguments: [String]) {
    #expect(throws: (any Error).self) { try ScreenOptions.parse(arguments) }
  }

  @Test func theConfigurationFileMaySayItSeveralTimes() throws {
    let file = try ConfigurationFile(
      text: "terminal-feature = cell=9x18\nterminal-feature = utf8=off", path: "config")
    let given = file.arguments(for: PlayCommand.self, given: ["film.y4m"])
    #expect(given == ["--terminal-feature", "cell=9x18", "--terminal-feature", "utf8=off"])
    #expect(file.arguments(for: PlayCommand.self, given: ["film.y4m", "--terminal-feature", "sync=on"]).isEmpty)
  }

  @Test(arguments: [("128x256", true), ("129x16", false), ("8x257", false), ("0x8", false)])
  func aCellThatWouldNotBeDrawnIsRefused(cell: String, isAccepted: Bool) {
    let command = try? PlayCommand.parse(["film.y4m", "--cell", cell])
    #expect((command != nil) == isAccepted)
  }
}
