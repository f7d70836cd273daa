import Frames
import TestSupport
import Testing

@testable import Picture

/// Terminals with few colours.
@Suite struct PaletteTests {
  private static func screen(
    _ frame: VideoFrame, _ mode: RenderMode, _ capabilities: TerminalCapabilities, columns: Int = 8, rows: Int = 8
  ) -> ScreenModel {
    let renderer = Renderer(mode: mode, capabilities: capabilities, fit: .stretch)
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: nil, in: Viewport(columns: columns, rows: rows), into: &bytes)
    var screen = ScreenModel(columns: columns, rows: rows)
    screen.feed(bytes)
    #expect(screen.unknown.isEmpty)
    return screen
  }

  @Test(arguments: [RenderMode.half, .block, .ascii])
  func theTerminalsOwnColorsAreDrawnWith(mode: RenderMode) {
    var capabilities = TerminalCapabilities(colors: .ansi16)
    let orange = Color(red: 255, green: 128, blue: 0)
    let frame = Scenes.solid(64, 64, y: orange.y, u: orange.u, v: orange.v)
    let usual = Self.screen(frame, mode, capabilities)
    #expect(!usual.cells.contains { $0.character == " " && $0.background == .indexed(5) })
    capabilities.baseColors = (0..<16).map { RGBColor(red: 16 * $0, green: 16 * $0, blue: 90) }
    capabilities.baseColors[5] = RGBColor(red: 255, green: 128, blue: 0)
    let own = Self.screen(frame, mode, capabilities)
    let wanted = ScreenModel.Cell(background: .indexed(5))
    #expect(own.cells.allSatisfy { $0.character == " " && $0.background == wanted.background })
  }

  @Test(arguments: [RenderMode.half, .block, .ascii])
  func eightColorsAreTheFirstEight(mode: RenderMode) {
    var random = SeededGenerator(seed: 4)
    let frame = Scenes.moving(80, 60, time: 2, noise: 20, random: &random)
    let screen = Self.screen(frame, mode, TerminalCapabilities(colors: .ansi8))
    let eight = Set((0..<8).map { ScreenModel.Ink.indexed($0) } + [.standard])
    #expect(screen.cells.allSatisfy { eight.contains($0.foreground) && eight.contains($0.background) })
    #expect(Set(screen.cells.map(\.background)).count > 1)
  }

  @Test(arguments: [RenderMode.half, .ascii])
  func withoutColorsLightCellsAreReversed(mode: RenderMode) {
    let frame = Scenes.luma(64, 64) { x, _ in x < 32 ? 16 : 235 }
    let screen = Self.screen(frame, mode, TerminalCapabilities(colors: .mono))
    for row in 0..<8 {
      for column in 0..<8 {
        // A full block or a reversed space: either is all light.
        let cell = screen[column, row]
        let isLight = cell.character == " " ? cell.isReversed : cell.character == "█" && !cell.isReversed
        #expect(isLight == (column >= 4))
      }
    }
  }

  /// The shape of a light corner, in every mode that has one for it.
  @Test(
    arguments: [RenderMode.block, .quadrant, .sextant, .octant],
    [ColorDepth.mono, .ansi8, .ansi16])
  func edgesAreShapesInFewColorsToo(mode: RenderMode, depth: ColorDepth) {
    let frame = Scenes.luma(64, 128) { x, y in x % 8 < 4 && y % 16 < 8 ? 191 : 16 }
    let screen = Self.screen(frame, mode, TerminalCapabilities(colors: depth))
    let corners = Set("▘▟".unicodeScalars)
    #expect(screen.cells.allSatisfy { corners.contains($0.character) })
  }

  @Test(arguments: [RenderMode.block, .quadrant, .sextant, .octant], [ColorDepth.mono, .ansi8, .ansi16])
  func whatIsFlatIsMixed(mode: RenderMode, depth: ColorDepth) {
    let screen = Self.screen(Scenes.solid(64, 64, y: 100), mode, TerminalCapabilities(colors: depth))
    let shades = Set("░▒▓█ ".unicodeScalars)
    #expect(screen.cells.allSatisfy { shades.contains($0.character) })
  }

  @Test(arguments: [0, 0.25, 0.5, 0.75, 1])
  func dotsWithoutColorsFollowTheLight(light: Double) {
    let frame = Scenes.solid(64, 64, y: UInt8(16 + light * 175))
    let screen = Self.screen(frame, .braille, TerminalCapabilities(colors: .mono))
    let dots = screen.cells.reduce(0) { $0 + Self.dots($1.character) }
    #expect(abs(Double(dots) / Double(8 * screen.cells.count) - light) < 0.04)
    #expect(screen.cells.allSatisfy { !$0.isReversed })
  }

  private static func dots(_ character: Unicode.Scalar) -> Int {
    character == " " ? 0 : (0x2800...0x28FF).contains(character.value) ? (character.value & 255).nonzeroBitCount : 99
  }

  @Test(arguments: [ColorDepth.ansi8, .ansi16])
  func dotsInFewColorsAreBraille(depth: ColorDepth) {
    var random = SeededGenerator(seed: 6)
    let frame = Scenes.moving(80, 60, time: 3, noise: 20, random: &random)
    let screen = Self.screen(frame, .braille, TerminalCapabilities(colors: depth))
    #expect(screen.cells.allSatisfy { Self.dots($0.character) <= 8 || $0.character == "█" })
    #expect(Set(screen.cells.map(\.character)).count >= 4)
  }

  /// Light that wavers a little between two looks: the one on the screen stays.
  @Test(arguments: [RenderMode.block, .octant, .braille], [ColorDepth.mono, .ansi16])
  func whatIsOnTheScreenStaysWhenLightWavers(mode: RenderMode, depth: ColorDepth) {
    let renderer = Renderer(mode: mode, capabilities: TerminalCapabilities(colors: depth), fit: .stretch, lambda: 0)
    let viewport = Viewport(columns: 8, rows: 8)
    var bytes: [UInt8] = []
    var later = 0
    for time in 0..<12 {
      bytes.removeAll(keepingCapacity: true)
      let frame = Scenes.luma(64, 128) { x, y in UInt8(30 + x + y + time % 2) }
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      if time > 0 { later += bytes.count }
    }
    #expect(later == 0)
  }

  /// A terminal of dark letters on light shows the light where one of light letters on dark does, and nothing in negative.
  @Test(arguments: [RenderMode.half, .ascii])
  func lettersMayBeDarkOnLight(mode: RenderMode) {
    let (black, white) = (RGBColor(red: 0, green: 0, blue: 0), RGBColor(red: 255, green: 255, blue: 255))
    let frame = Scenes.luma(64, 64) { x, _ in x < 32 ? 16 : 235 }
    let pens = DefaultPens(foreground: black, background: white)
    let screen = Self.screen(frame, mode, TerminalCapabilities(colors: .mono, defaultPens: pens))
    for row in 0..<8 {
      for column in 0..<8 {
        let cell = screen[column, row]
        let isInk = cell.character == " " ? cell.isReversed : cell.character == "█" && !cell.isReversed
        #expect(isInk == (column < 4))
      }
    }
    // Pens that nobody could read in are not believed.
    let same = DefaultPens(foreground: white, background: white)
    #expect(TerminalPalette(defaultPens: same).background == .black)
  }

  @Test func withoutColorsTheMeanLightIsThatOfThePicture() {
    let shapes = LetterShapes(.spleen).all
    for luma in stride(from: UInt8(20), through: 190, by: 17) {
      var capabilities = TerminalCapabilities(colors: .mono)
      capabilities.letterFont = .spleen
      let screen = Self.screen(Scenes.solid(64, 64, y: luma), .ascii, capabilities)
      let shown = screen.cells.map { cell -> Float in
        let ink = shapes.first { UInt32($0.character) == cell.character.value }?.mean ?? 0
        return cell.isReversed ? 1 - ink : ink
      }
      let wanted = (Float(luma) - 16) / Float(Color(red: 204, green: 204, blue: 204).y - 16)
      #expect(abs(shown.reduce(0, +) / 64 - wanted) < 0.1)
    }
  }

  @Test func aColorBetweenTwoIsDitheredByPlace() {
    // Half way between two colours of the palette that are as light as each other.
    let frame = Scenes.solid(64, 64, y: 108, u: 98, v: 132)
    let capabilities = TerminalCapabilities(colors: .ansi256)
    let screen = Self.screen(frame, .block, capabilities)
    let counts = Dictionary(grouping: screen.cells, by: \.background).mapValues(\.count)
    #expect(counts.count == 2)
    #expect(counts.values.allSatisfy { $0 >= 16 })
    #expect(Set(counts.keys) == [.indexed(64), .indexed(95)])
    // The same every time.
    #expect(Self.screen(frame, .block, capabilities).cells == screen.cells)
  }
}
