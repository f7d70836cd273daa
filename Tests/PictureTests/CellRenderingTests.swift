import Frames
import Picture
import TestSupport
import Testing

/// Kept pens may be off by 1 in luma and 2 in chroma, on each of two screens; in red, green and blue that is this much.
let penTolerance = 12

@Suite struct CellRenderingTests {
  static func capabilities(_ depth: ColorDepth, utf8: Bool = true) -> TerminalCapabilities {
    TerminalCapabilities(colors: depth, isUTF8: utf8)
  }

  /// A terminal that can draw in every mode.
  static var graphical: TerminalCapabilities {
    TerminalCapabilities(
      colors: .trueColor, sixel: SixelSupport(), kitty: KittySupport(editsImages: true), hasInlineImages: true)
  }

  /// What a terminal shows after one whole frame.
  static func fullScreen(
    _ frame: VideoFrame?, selfView: VideoFrame? = nil, _ mode: RenderMode, _ depth: ColorDepth, _ viewport: Viewport,
    fit: PictureFit = .letterbox, columns: Int, rows: Int
  ) -> ScreenModel {
    let renderer = Renderer(mode: mode, capabilities: capabilities(depth), fit: fit)
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: selfView, in: viewport, into: &bytes)
    var screen = ScreenModel(columns: columns, rows: rows)
    screen.feed(bytes)
    return screen
  }

  static func expectAlike(_ a: ScreenModel, _ b: ScreenModel, tolerance: Int = penTolerance) {
    let differences = zip(a.cells, b.cells).map(CellRaster.difference)
    #expect((differences.max() ?? 0) <= tolerance)
    #expect(a.unknown.isEmpty && b.unknown.isEmpty)
    #expect(a.scrolls == 0 && a.updateDepth == 0)
  }

  @Test(arguments: [RenderMode.half, .block, .ascii], [ColorDepth.mono, .ansi16, .ansi256, .trueColor])
  func deltasEndWhereAFullFrameDoes(mode: RenderMode, depth: ColorDepth) {
    var random = SeededGenerator(seed: 7)
    let renderer = Renderer(mode: mode, capabilities: Self.capabilities(depth))
    var screen = ScreenModel(columns: 20, rows: 9)
    let viewport = Viewport(column: 2, row: 1, columns: 16, rows: 7)
    var frame = Scenes.moving(72, 48, time: 0, random: &random)
    var bytes: [UInt8] = []
    for time in 0..<8 {
      frame = Scenes.moving(72, 48, time: time, noise: 3, random: &random)
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
    }
    // Once the picture stands still, every cell becomes exact.
    for _ in 0..<20 {
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
    }
    #expect(bytes.isEmpty)
    Self.expectAlike(screen, Self.fullScreen(frame, mode, depth, viewport, columns: 20, rows: 9))
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func resizesModesAndInvalidationsLeaveNothingBehind(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let renderer = Renderer(mode: .half, capabilities: Self.capabilities(.trueColor))
    var screen = ScreenModel(columns: 30, rows: 14)
    var bytes: [UInt8] = []
    for step in 0..<8 {
      renderer.clear(Viewport(columns: 30, rows: 14), into: &bytes)
      renderer.mode = [.half, .block, .ascii].randomElement(using: &random) ?? .half
      renderer.capabilities.colors = [.mono, .ansi16, .ansi256, .trueColor].randomElement(using: &random) ?? .mono
      let viewport = Viewport(
        column: .random(in: 0..<5, using: &random), row: .random(in: 0..<5, using: &random),
        columns: .random(in: 1...25, using: &random), rows: .random(in: 1...9, using: &random))
      var frame = Scenes.solid(2, 2, y: 90)
      for time in 0..<3 {
        frame = Scenes.moving(
          .random(in: 1...90, using: &random), .random(in: 1...70, using: &random), time: step + time, noise: 2,
          random: &random)
        renderer.invalidate()
        renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      }
      screen.feed(bytes)
      bytes.removeAll(keepingCapacity: true)
      Self.expectAlike(
        screen,
        Self.fullScreen(
          frame, renderer.mode, renderer.capabilities.colors, viewport, columns: 30, rows: 14))
    }
  }

  @Test(arguments: [RenderMode.half, .block, .ascii])
  func aStillPictureCostsNothing(mode: RenderMode) {
    var random = SeededGenerator(seed: 1)
    let renderer = Renderer(mode: mode, capabilities: Self.capabilities(.trueColor))
    let frame = Scenes.moving(80, 60, time: 3, random: &random)
    let viewport = Viewport(columns: 20, rows: 8)
    var bytes: [UInt8] = []
    #expect(renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes).cells == 160)
    bytes.removeAll()
    for _ in 0..<40 {
      #expect(renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes).bytes == 0)
    }
    #expect(bytes.isEmpty)
    renderer.invalidate()
    #expect(renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes).cells == 160)
  }

  @Test func onlyTheCellsThatChangedAreWritten() {
    let renderer = Renderer(mode: .block, capabilities: Self.capabilities(.trueColor), fit: .stretch)
    let viewport = Viewport(columns: 20, rows: 10)
    var bytes: [UInt8] = []
    var screen = ScreenModel(columns: 20, rows: 10)
    renderer.render(remote: Scenes.solid(160, 160, y: 100), selfView: nil, in: viewport, into: &bytes)
    screen.feed(bytes)
    let before = screen.cells
    let changed = Scenes.luma(160, 160) { x, y in (40..<48).contains(x) && (32..<48).contains(y) ? 200 : 100 }
    bytes.removeAll()
    #expect(renderer.render(remote: changed, selfView: nil, in: viewport, into: &bytes).cells == 1)
    screen.feed(bytes)
    #expect(screen.cells.indices.filter { screen.cells[$0] != before[$0] } == [2 * 20 + 5])
    #expect(bytes.count < 70)
  }

  @Test func aHigherPriceOfBytesWritesLess() {
    var totals: [Int] = []
    for lambda in [0, 4, 40] as [Double] {
      var random = SeededGenerator(seed: 5)
      let renderer = Renderer(mode: .block, capabilities: Self.capabilities(.trueColor), lambda: lambda)
      var bytes: [UInt8] = []
      for _ in 0..<8 {
        let frame = Scenes.moving(80, 60, time: 1, noise: 8, random: &random)
        renderer.render(remote: frame, selfView: nil, in: Viewport(columns: 20, rows: 8), into: &bytes)
      }
      totals.append(bytes.count)
    }
    #expect(totals[0] > totals[1] && totals[1] > totals[2])
  }

  /// A change that is just worth its bytes in true colour, where it is shown as it is.
  @Test func inAPaletteSmallChangesAreSeldomWorthTheirBytes() {
    func changes(_ depth: ColorDepth, lambda: Double) -> Int {
      (90..<110).reduce(0) { count, luma in
        let renderer = Renderer(mode: .block, capabilities: Self.capabilities(depth), fit: .stretch, lambda: lambda)
        var bytes: [UInt8] = []
        let viewport = Viewport(columns: 1, rows: 1)
        renderer.render(remote: Scenes.solid(16, 16, y: UInt8(luma)), selfView: nil, in: viewport, into: &bytes)
        let changed = Scenes.solid(16, 16, y: UInt8(luma + 3))
        return count + renderer.render(remote: changed, selfView: nil, in: viewport, into: &bytes).cells
      }
    }
    #expect(changes(.trueColor, lambda: 3.5) == 20)
    // Some are worth 5 for each byte, were it counted once.
    #expect(changes(.ansi256, lambda: 5.0 / 1.5) > 0)
    #expect(changes(.ansi256, lambda: 5) == 0)
  }

  @Test(arguments: [(30, 90, 200), (81, 90, 240), (145, 54, 34), (210, 16, 146), (41, 240, 110), (235, 128, 128)])
  func colorsAreThoseOfTheFrame(y: Int, u: Int, v: Int) {
    let frame = Scenes.solid(33, 17, y: UInt8(y), u: UInt8(u), v: UInt8(v))
    let expected = Scenes.rgb(y: Double(y), u: Double(u), v: Double(v))
    for (depth, tolerance) in [(ColorDepth.trueColor, 1.5), (.ansi256, 48)] {
      let screen = Self.fullScreen(
        frame, .block, depth, Viewport(columns: 5, rows: 3), fit: .stretch, columns: 5, rows: 3)
      for cell in screen.cells {
        #expect(cell.character == " ")
        let shown = CellRaster.color(cell.background, standard: 0)
        for channel in 0..<3 { #expect(abs(Double(shown[channel]) - expected[channel]) <= tolerance) }
      }
    }
  }

  @Test(arguments: [(70, 128, 128), (170, 128, 128), (110, 100, 170), (120, 160, 110)])
  func sixteenColorsAreMixed(y: Int, u: Int, v: Int) {
    let expected = Scenes.rgb(y: Double(y), u: Double(u), v: Double(v))
    let frame = Scenes.solid(16, 16, y: UInt8(y), u: UInt8(u), v: UInt8(v))
    let cell = Self.fullScreen(
      frame, .half, .ansi16, Viewport(columns: 1, rows: 1), fit: .stretch, columns: 1, rows: 1)[0, 0]
    let shades: [Unicode.Scalar: Double] = [" ": 0, "░": 0.25, "▒": 0.5, "▓": 0.75]
    let coverage: Double = shades[cell.character] ?? 2
    let ink = CellRaster.color(cell.foreground, standard: 0)
    let ground = CellRaster.color(cell.background, standard: 0)
    for channel in 0..<3 {
      let difference = Double(ink[channel] - ground[channel])
      let shown = Double(ground[channel]) + difference * coverage
      #expect(abs(shown - expected[channel]) < 36)
    }
  }

  @Test func everyBlockElementIsFoundWhereItIs() {
    // Each is drawn into a cell of 8x16 pixels in two greys; it, or its inverse with the greys swapped, must come back.
    let elements =
      [0x2580] + Array(0x2581...0x2587) + Array(0x2589...0x2590) + [0x2594, 0x2595] + Array(0x2596...0x259F)
    for element in elements.compactMap({ Unicode.Scalar(UInt32($0)) }) {
      for (ink, ground) in [(200, 60), (40, 180)] as [(UInt8, UInt8)] {
        let frame = Scenes.luma(8, 16) { x, y in CellRaster.covers(element, x: x, y: y / 2) == true ? ink : ground }
        let screen = Self.fullScreen(
          frame, .block, .trueColor, Viewport(columns: 1, rows: 1), fit: .stretch, columns: 1, rows: 1)
        func gray(_ y: UInt8) -> ScreenModel.Ink {
          let value = Int(Scenes.rgb(y: Double(y), u: 128, v: 128)[0].rounded())
          return .rgb(value, value, value)
        }
        let wanted = ScreenModel.Cell(character: element, foreground: gray(ink), background: gray(ground))
        #expect(CellRaster.difference(screen[0, 0], wanted) <= 1, "\(element) of \(ink) on \(ground)")
      }
    }
  }

  @Test func theSelfViewIsMirroredInTheLowerRightCorner() throws {
    let remote = Scenes.solid(640, 480, y: 60)
    // Bright on the left, so bright on the right when mirrored.
    let own = Scenes.luma(160, 120) { x, _ in x < 80 ? 220 : 20 }
    let viewport = Viewport(columns: 64, rows: 24)
    let renderer = Renderer(mode: .half, capabilities: Self.capabilities(.trueColor))
    var bytes: [UInt8] = []
    let result = renderer.render(remote: remote, selfView: own, in: viewport, into: &bytes)
    var screen = ScreenModel(columns: 64, rows: 24)
    screen.feed(bytes)
    let inset = try #require(result.selfView)
    #expect(inset.column + inset.columns == 64 && inset.row + inset.rows == 24)
    #expect((12...16).contains(inset.columns))
    func luma(_ column: Int, _ row: Int) -> Int { CellRaster.color(screen[column, row].background, standard: 0)[1] }
    #expect(luma(inset.column, 23) < 20)
    #expect(luma(63, 23) > 200)
    #expect(abs(luma(inset.column - 1, 23) - luma(0, 0)) <= 2)
    #expect(abs(luma(63, inset.row - 1) - luma(0, 0)) <= 2)
  }

  @Test func lettersFollowTheLightWithoutColors() {
    let frame = Scenes.luma(80, 16) { x, _ in UInt8(16 + max(0, x - 8) * 219 / 71) }
    let renderer = Renderer(mode: .ascii, capabilities: Self.capabilities(.mono, utf8: false), fit: .stretch)
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: nil, in: Viewport(columns: 10, rows: 1), into: &bytes)
    var screen = ScreenModel(columns: 10, rows: 1)
    screen.feed(bytes)
    #expect(bytes.allSatisfy { $0 < 0x80 })
    #expect(screen[0, 0] == ScreenModel.Cell())
    #expect(screen[9, 0].isReversed)
    #expect(Set(screen.cells).count >= 5)
    #expect(screen.cells.allSatisfy { $0.foreground == .standard && $0.background == .standard })
  }

  @Test func nothingIsDrawnWhereThereIsNoRoom() {
    let renderer = Renderer(mode: .block, capabilities: Self.capabilities(.trueColor))
    let frame = Scenes.solid(64, 48, y: 99)
    var bytes: [UInt8] = []
    let viewports = [
      Viewport(columns: 0, rows: 0), Viewport(columns: 0, rows: 5), Viewport(columns: 5, rows: 0),
      Viewport(columns: -3, rows: 4), Viewport(column: -1, columns: 4, rows: 4),
      Viewport(row: .max, columns: 4, rows: .max),
    ]
    for viewport in viewports {
      renderer.render(remote: frame, selfView: frame, in: viewport, into: &bytes)
      renderer.clear(viewport, into: &bytes)
    }
    #expect(bytes.isEmpty)
  }

  @Test(arguments: RenderMode.allCases)
  func anySizeOfFrameAndViewportStaysInsideOfTheViewport(mode: RenderMode) {
    var random = SeededGenerator(seed: 11)
    var capabilities = Self.graphical
    capabilities.sixel?.registers = 64
    for _ in 0..<12 {
      let renderer = Renderer(mode: mode, capabilities: capabilities)
      let viewport = Viewport(
        column: .random(in: 0..<4, using: &random), row: .random(in: 0..<4, using: &random),
        columns: .random(in: 1...12, using: &random), rows: .random(in: 1...8, using: &random),
        cellPixels: PixelSize(width: 8, height: 16), screenRows: 14)
      var screen = ScreenModel(columns: 20, rows: 14)
      var bytes: [UInt8] = []
      for time in 0..<3 {
        let frame = Scenes.moving(
          .random(in: 1...100, using: &random), .random(in: 1...100, using: &random), time: time, random: &random)
        let own = time == 1 ? nil : Scenes.solid(3, 5, y: 120)
        renderer.render(remote: time == 2 ? nil : frame, selfView: own, in: viewport, into: &bytes)
      }
      screen.feed(bytes)
      #expect(screen.unknown.isEmpty && screen.scrolls == 0)
      for row in 0..<14 {
        for column in 0..<20 where !contains(viewport.cells, column, row) {
          let isBlank =
            screen[column, row] == ScreenModel.Cell() && screen.pixel(column * 8, row * 16) == nil
            && screen.pixel(column * 8 + 7, row * 16 + 15) == nil
          if !isBlank { Issue.record("\(column), \(row) outside of \(viewport.cells) was drawn") }
        }
      }
    }
  }

  private func contains(_ cells: CellRectangle, _ column: Int, _ row: Int) -> Bool {
    (cells.column..<cells.column + cells.columns).contains(column) && (cells.row..<cells.row + cells.rows).contains(row)
  }

  @Test(arguments: RenderMode.allCases)
  func cursorAndPensAreLeftAsTheyWere(mode: RenderMode) {
    let renderer = Renderer(mode: mode, capabilities: Self.graphical)
    var screen = ScreenModel(columns: 20, rows: 10)
    screen.feed(Array("\u{1B}[7;9H\u{1B}[35;44m".utf8))
    let pens = screen.pens
    var bytes: [UInt8] = []
    renderer.render(
      remote: Scenes.solid(40, 30, y: 77), selfView: nil,
      in: Viewport(columns: 10, rows: 5, cellPixels: PixelSize(width: 8, height: 16), screenRows: 10), into: &bytes)
    screen.feed(bytes)
    #expect(!bytes.isEmpty)
    #expect((screen.images > 0) == mode.hasPixels)
    #expect(screen.column == 8 && screen.row == 6)
    #expect(screen.pens == pens)
    #expect(screen.updateDepth == 0)
  }

  @Test func clearingBlanksTheViewportOnly() {
    let renderer = Renderer(mode: .block, capabilities: Self.capabilities(.trueColor))
    var screen = ScreenModel(columns: 12, rows: 6)
    var bytes: [UInt8] = []
    let whole = Viewport(columns: 12, rows: 6)
    renderer.render(remote: Scenes.solid(64, 64, y: 200), selfView: nil, in: whole, into: &bytes)
    renderer.clear(Viewport(column: 2, row: 1, columns: 8, rows: 3), into: &bytes)
    screen.feed(bytes)
    #expect(screen[3, 0] != ScreenModel.Cell() && screen[5, 5] != ScreenModel.Cell())
    for row in 1..<4 { for column in 2..<10 { #expect(screen[column, row] == ScreenModel.Cell()) } }
  }
}
