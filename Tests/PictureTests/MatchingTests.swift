import TestSupport
import Testing

@testable import Picture

/// What the matchers choose, against trying everything.
@Suite struct MatchingTests {
  /// Eight tiles with an edge, a slope and some noise in each.
  private final class Tiles {
    let luma = Storage<UInt64>(repeating: 0, count: 8 * TileRow.lumaWords)
    let chroma = Storage<UInt64>(repeating: TileRow.grayChroma, count: 8 * TileRow.chromaWords)
    let columns = Storage<Int32>(repeating: 0, count: 8)
    let errors = Storage<Float>(repeating: .infinity, count: 8)
    let shown = Storage(repeating: CellLook.unknown, count: 8)
    let looks = Storage(repeating: CellLook.unknown, count: 8)

    init(_ random: inout SeededGenerator, noise: Int = 12) {
      for tile in 0..<8 {
        columns.pointer[tile] = Int32(tile)
        let (a, b) = (Int.random(in: -6...6, using: &random), Int.random(in: -6...6, using: &random))
        let c = Int.random(in: -30...30, using: &random)
        let step = Int.random(in: 0...90, using: &random)
        for x in 0..<8 {
          for y in 0..<8 {
            let isInside = a * (2 * x - 7) + b * (2 * y - 7) + c > 0
            let value = 70 + (isInside ? step : 0) + 2 * x + y + Int.random(in: -noise...noise, using: &random)
            set(tile, x, y, UInt8(value))
          }
        }
      }
    }

    func set(_ tile: Int, _ x: Int, _ y: Int, _ value: UInt8) {
      let word = luma.pointer + tile * 8 + x
      word.pointee = word.pointee & ~(0xFF << (8 * UInt64(y))) | UInt64(value) << (8 * UInt64(y))
    }

    func sample(_ tile: Int, _ x: Int, _ y: Int) -> Float {
      Float(luma.pointer[tile * 8 + x] >> (8 * UInt64(y)) & 255)
    }

    func match(_ matcher: some CellMatcher) -> [CellLook] {
      matcher.match(
        MatchingJob(
          tiles: TileRow(luma: luma.pointer, chroma: chroma.pointer), row: 0, columns: columns.pointer, count: 8,
          errors: errors.pointer, shown: shown.pointer, looks: looks.pointer))
      return (0..<8).map { looks.pointer[$0] }
    }

    /// How much squared error of a tile the two best colours of a glyph remove, by the definition.
    func gain(_ tile: Int, _ glyph: Glyph) -> Float {
      var (ink, inked, all) = (Float(0), Float(0), Float(0))
      for x in 0..<8 {
        for y in 0..<8 {
          let share = GlyphShape.coverage(glyph, x: x..<x + 1, y: 2 * y..<2 * y + 2)
          ink += share * sample(tile, x, y)
          inked += share
          all += sample(tile, x, y)
        }
      }
      guard inked > 0, inked < 64 else { return 0 }
      let difference = ink / inked - (all - ink) / (64 - inked)
      return inked * (64 - inked) / 64 * difference * difference
    }
  }

  private static var pens: PenChooser { PenChooser(depth: .trueColor) }

  private static let blocks = (0..<32).filter { !(0x11...0x13).contains($0) }.map { Glyph(block: UInt8($0)) }

  private static func patterns(_ grid: SubcellGrid) -> [Glyph] { (0..<1 << grid.parts).map { grid.glyph($0) } }

  private static func expectBest(_ matcher: some CellMatcher, of glyphs: [Glyph]) {
    var random = SeededGenerator(seed: 42)
    for _ in 0..<6 {
      let tiles = Tiles(&random)
      for (tile, look) in tiles.match(matcher).enumerated() {
        let best = glyphs.map { tiles.gain(tile, $0) }.max() ?? 0
        let own = tiles.gain(tile, look.glyph)
        #expect(own >= best * 0.995 || best < 60, "\(look.glyph) removes \(own) of \(best)")
      }
    }
  }

  @Test func theBestBlockElementIsFound() {
    Self.expectBest(ShapeMatcher(grid: nil, blocks: true, pens: Self.pens), of: Self.blocks)
  }

  @Test func theBestQuadrantsAreFound() {
    Self.expectBest(ShapeMatcher(grid: .quadrant, blocks: false, pens: Self.pens), of: Self.patterns(.quadrant))
  }

  @Test func theBestSextantsAreFound() {
    Self.expectBest(
      ShapeMatcher(grid: .sextant, blocks: true, pens: Self.pens), of: Self.patterns(.sextant) + Self.blocks)
  }

  @Test func theBestOctantsAreFound() {
    Self.expectBest(
      ShapeMatcher(grid: .octant, blocks: true, pens: Self.pens), of: Self.patterns(.octant) + Self.blocks)
  }

  /// Not every terminal that draws octants draws those that are neither in their own block nor among older ones.
  @Test func octantsAreThoseThatTerminalsDraw() {
    var random = SeededGenerator(seed: 7)
    let renderer = Renderer(
      mode: .octant, capabilities: TerminalCapabilities(colors: .trueColor), fit: .stretch, lambda: 0)
    var screen = ScreenModel(columns: 80, rows: 24)
    let octants: ClosedRange<Unicode.Scalar> = "\u{1CD00}"..."\u{1CDE5}"
    let blocks: ClosedRange<Unicode.Scalar> = "▀"..."▟"
    let quarters: ClosedRange<Unicode.Scalar> = "\u{1FB82}"..."\u{1FB85}"
    for _ in 0..<8 {
      var bytes: [UInt8] = []
      let frame = Scenes.luma(160, 96) { _, _ in .random(in: 16...235, using: &random) }
      renderer.render(remote: frame, selfView: nil, in: Viewport(columns: 80, rows: 24), into: &bytes)
      screen.feed(bytes)
      for cell in screen.cells where cell.character != " " {
        #expect([octants, blocks, quarters].contains { $0.contains(cell.character) }, "\(cell.character)")
      }
      #expect(screen.cells.count { octants.contains($0.character) } > 500)
    }
  }

  @Test func theBestDotsAreFound() {
    Self.expectBest(BrailleMatcher(pens: Self.pens), of: (0...255).map { Glyph(braille: $0) })
  }

  @Test(arguments: LetterFont.allCases)
  func theBestLetterIsFound(font: LetterFont) {
    let shapes = LetterShapes(font).all
    #expect(shapes.count == 95)
    var random = SeededGenerator(seed: 9)
    for _ in 0..<4 {
      let tiles = Tiles(&random)
      for (tile, look) in tiles.match(LetterMatcher(font: font, pens: Self.pens)).enumerated() {
        func gain(_ shape: LetterShapes.Shape) -> Float {
          guard shape.variance > 0 else { return 0 }
          var product: Float = 0
          for x in 0..<8 {
            for y in 0..<8 { product += (shape.ink[x / 2 * 8 + y] - shape.mean) * tiles.sample(tile, x, y) }
          }
          return product * product / (64 * shape.variance)
        }
        let best = shapes.map(gain).max() ?? 0
        let own = shapes.first { Glyph(ascii: $0.character) == look.glyph }.map(gain) ?? 0
        #expect(own >= best * 0.93 || best < 60, "\(look.glyph) removes \(own) of \(best)")
      }
    }
  }

  @Test(arguments: LetterFont.allCases)
  func theBestToneIsFound(font: LetterFont) {
    let (black, white) = (RGBColor(red: 0, green: 0, blue: 0), RGBColor(red: 255, green: 255, blue: 255))
    let blackAndWhite = TerminalPalette(defaultPens: DefaultPens(foreground: white, background: black))
    let shapes = LetterShapes(font).all
    var random = SeededGenerator(seed: 10)
    for _ in 0..<4 {
      let tiles = Tiles(&random)
      for (tile, look) in tiles.match(ToneMatcher(font: font, palette: blackAndWhite)).enumerated() {
        let light = (0..<LetterShapes.samples).map { sample in
          let (x, y) = (sample / 8 * 2, sample % 8)
          return ((tiles.sample(tile, x, y) + tiles.sample(tile, x + 1, y)) / 2 - 16) / 219
        }
        let mean = light.reduce(0, +) / 32
        let wanted = mean + (OrderedDither.threshold(column: tile, row: 0) - 0.5) * mean * (1 - mean)
        // The mean of the cell counts sixteen times as much as where in it the light lies.
        func error(_ shape: LetterShapes.Shape, isReversed: Bool) -> Float {
          let covered = isReversed ? 1 - shape.mean : shape.mean
          let square = shape.variance + shape.mean * shape.mean
          let own = isReversed ? 1 - 2 * shape.mean + square : square
          let product = zip(light, shape.ink).reduce(Float(0)) { $0 + $1.0 * (isReversed ? 1 - $1.1 : $1.1) }
          return 32 * own - 2 * product + 32 * 16 * (wanted - covered) * (wanted - covered)
        }
        let least = shapes.flatMap { [error($0, isReversed: false), error($0, isReversed: true)] }.min() ?? 0
        let isReversed = look.background == .standardForeground
        let own = shapes.first { Glyph(ascii: $0.character) == look.glyph }.map { error($0, isReversed: isReversed) }
        #expect((own ?? .infinity) <= least + 0.2, "\(look) leaves \(own ?? .infinity), \(least) would do")
      }
    }
  }

  @Test func darkAndNoisyTilesAreTakenAsScreensShowThem() {
    var random = SeededGenerator(seed: 5)
    let tiles = Tiles(&random)
    for x in 0..<8 { for y in 0..<8 { tiles.set(0, x, y, .random(in: 4...50, using: &random)) } }
    for column in 0..<4 {
      tiles.chroma.pointer[column] = (0..<8).reduce(0) { word, _ in word << 8 | .random(in: 100...156, using: &random) }
    }
    let shown = DisplayedTile(luma: tiles.luma.pointer, chroma: tiles.chroma.pointer, tints: GlyphTints())
    let columns = [shown.tile.columns.0, shown.tile.columns.1, shown.tile.columns.2, shown.tile.columns.3]
    var sums = [0.0, 0, 0]
    for x in 0..<4 {
      for y in 0..<8 {
        let (u, v) = (
          tiles.chroma.pointer[x] >> UInt64(y / 2 * 8) & 255, tiles.chroma.pointer[x] >> UInt64(32 + y / 2 * 8) & 255
        )
        let luma = Double(tiles.sample(0, 2 * x, y) + tiles.sample(0, 2 * x + 1, y)) / 2
        let rgb = Scenes.rgb(y: luma, u: Double(u), v: Double(v))
        #expect(abs(Double(columns[x][y]) / 2 - (16 + 0.2568 * rgb[0] + 0.5041 * rgb[1] + 0.0979 * rgb[2])) < 1.5)
        sums = zip(sums, rgb).map(+)
      }
    }
    let mean = Color(red: Int(sums[0] / 32), green: Int(sums[1] / 32), blue: Int(sums[2] / 32))
    #expect(abs(shown.mean - Float(mean.y)) < 1.5)
    #expect(abs(Int(shown.tint.u) - Int(mean.u)) <= 2 && abs(Int(shown.tint.v) - Int(mean.v)) <= 2)
  }

  @Test(arguments: [0, 0.5, 2, 9] as [Float])
  func noWayToWriteHalvesCostsLess(lambda: Float) {
    var random = SeededGenerator(seed: 3)
    let terminal = TerminalWriter()
    var output = CellWriter(pen: terminal.begin(atMost: 100 * 64), depth: .trueColor, repertoire: .blocks)
    let prices = CellHalves.Prices.usual(lambda: lambda, output)
    func color() -> Color {
      func sample(_ middle: Int) -> UInt8 { UInt8(middle + .random(in: -6...6, using: &random)) }
      return Color(y: sample(100), u: sample(120), v: sample(130))
    }
    for column in 0..<100 {
      let wanted = CellHalves(upper: color(), lower: color())
      func cost(_ look: CellLook) -> Int {
        let pens = (look.foreground == output.foreground ? 0 : 1) + (look.background == output.background ? 0 : 1)
        return wanted.error(in: CellHalves(look)) + pens * prices.pen
          + (look.glyph == .space ? prices.byte : prices.glyph)
          + prices.byte * output.bytesToMove(column: column, row: 0)
      }
      let plan = output.plan(wanted, column: column, row: 0, prices: prices)
      #expect(plan.cost == cost(plan.look))
      let colors = [wanted.upper, wanted.lower, wanted.mean].map { Pen($0) }
      for glyph in [Glyph.space, .fullBlock, .lowerHalf, .upperHalf] {
        for ink in colors + [output.foreground] where ink.isColor || glyph == .space {
          for ground in colors + [output.background] where ground.isColor || glyph == .fullBlock {
            #expect(plan.cost <= cost(CellLook(glyph: glyph, foreground: ink, background: ground)))
          }
        }
      }
      output.write(plan.look, column: column, row: 0)
    }
    terminal.finish(output.pen)
  }

  @Test func colorsAreTheMeansOfWhatTheyCover() {
    // Red light from the upper left, blue from everywhere else.
    var random = SeededGenerator(seed: 1)
    let tiles = Tiles(&random, noise: 0)
    for x in 0..<8 { for y in 0..<8 { tiles.set(0, x, y, x < 4 && y < 4 ? 180 : 60) } }
    for column in 0..<4 {
      for row in 0..<4 {
        let isRed = column < 2 && row < 2
        let (u, v): (UInt64, UInt64) = isRed ? (100, 200) : (200, 100)
        let word = tiles.chroma.pointer + column
        word.pointee &= ~(0xFF << UInt64(8 * row) | 0xFF << UInt64(32 + 8 * row))
        word.pointee |= u << UInt64(8 * row) | v << UInt64(32 + 8 * row)
      }
    }
    let look = tiles.match(ShapeMatcher(grid: .octant, blocks: true, pens: Self.pens))[0]
    #expect(look.glyph == Glyph(block: 0x18))
    #expect(look.foreground == Pen(Color(y: 180, u: 100, v: 200)))
    #expect(look.background == Pen(Color(y: 60, u: 200, v: 100)))
  }

  @Test func aShapeOnTheScreenStaysUntilAnotherIsClearlyBetter() {
    var random = SeededGenerator(seed: 1)
    let tiles = Tiles(&random, noise: 0)
    // Light on the left, dark on the right, something between in the fifth column.
    func edge(_ between: UInt8) {
      for x in 0..<8 { for y in 0..<8 { tiles.set(0, x, y, x < 4 ? 180 : x == 4 ? between : 60) } }
    }
    let matcher = ShapeMatcher(grid: nil, blocks: true, pens: Self.pens)
    let (four, five) = (Glyph(block: 0x0C), Glyph(block: 0x0B))
    edge(100)
    #expect(tiles.match(matcher)[0].glyph == four)
    tiles.shown.pointer[0] = tiles.looks.pointer[0]
    tiles.errors.pointer[0] = 100
    edge(122)
    #expect(tiles.match(matcher)[0].glyph == four)
    edge(160)
    #expect(tiles.match(matcher)[0].glyph == five)
    // A cell that stands still is to be exact.
    tiles.errors.pointer[0] = .infinity
    edge(122)
    #expect(tiles.match(matcher)[0].glyph == five)
  }

  @Test func patternsHaveTheCharactersOfTheirCharts() {
    func scalar(_ glyph: Glyph) -> Unicode.Scalar? {
      let entry = GlyphTable.shared.entries[Int(glyph.id)]
      let bytes = (0..<UInt32(entry.byteCount)).map { UInt8(truncatingIfNeeded: entry.bytes >> (8 * $0)) }
      return String(decoding: bytes, as: UTF8.self).unicodeScalars.first
    }
    #expect(scalar(SubcellGrid.sextant.glyph(1)) == "\u{1FB00}")
    #expect(scalar(SubcellGrid.sextant.glyph(0x16)) == "\u{1FB14}")
    #expect(scalar(SubcellGrid.sextant.glyph(62)) == "\u{1FB3B}")
    #expect(scalar(SubcellGrid.sextant.glyph(0x15)) == "▌")
    #expect(scalar(SubcellGrid.octant.glyph(4)) == "\u{1CD00}")
    #expect(scalar(SubcellGrid.octant.glyph(254)) == "\u{1CDE5}")
    #expect(scalar(SubcellGrid.octant.glyph(0x14)) == "\u{1FBE6}")
    #expect(scalar(SubcellGrid.octant.glyph(0x05)) == "▘")
    #expect(scalar(SubcellGrid.octant.glyph(0xC0)) == "▂")
    #expect(scalar(Glyph(braille: 0b1000_0001)) == "\u{2881}")
    // No two patterns share a character, and what a glyph paints its inverse does not.
    for grid in [SubcellGrid.quadrant, .sextant, .octant] {
      let glyphs = (0..<1 << grid.parts).map { grid.glyph($0) }
      #expect(Set(glyphs.compactMap(scalar)).count == glyphs.count)
      for glyph in glyphs where GlyphTable.shared.entries[Int(glyph.id)].hasInverse {
        let inverse = GlyphTable.shared.entries[Int(glyph.id)].inverse
        for x in 0..<8 {
          for y in 0..<16 {
            #expect(GlyphShape.coverage(glyph, x: x, y: y) + GlyphShape.coverage(inverse, x: x, y: y) == 1)
          }
        }
      }
    }
  }
}
