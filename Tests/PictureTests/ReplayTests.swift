import Frames
import TestSupport
import Testing

@testable import Picture

/// Whatever happened before - changes only, pictures that were passed over or lost, other sizes, modes, colours, prices
/// and limits - once the picture stands still the screen shows what one whole frame would.
@Suite struct ReplayTests {
  /// How far two screens that show the same picture may be apart, in steps of 8-bit red, green and blue. Pens are kept
  /// when they are near enough, and a glyph until another is clearly better; with few colours the nearest pen to a kept
  /// sample may be the next one.
  private struct Tolerance {
    /// Mean over the screen.
    var mean: Double
    /// Mean over any one cell.
    var cell: Double

    init(_ depth: ColorDepth) {
      switch depth {
      case .trueColor: (mean, cell) = (1.5, 16)
      case .ansi256: (mean, cell) = (3, 40)
      case .ansi16, .ansi8: (mean, cell) = (3, 64)
      // A half of a cell is all ink or none.
      case .mono: (mean, cell) = (3, 204)
      }
    }
  }

  private static let cellModes = RenderMode.allCases.filter { !$0.hasPixels }

  @Test(arguments: cellModes, [1, 2, 3] as [UInt64])
  func anySequenceEndsWhereAWholeFrameDoes(mode: RenderMode, seed: UInt64) {
    var random = SeededGenerator(seed: seed &* 31 &+ UInt64(mode.rawValue.count))
    var stage = Stage(mode: mode)
    for _ in 0..<30 { stage.step(&random) }
    stage.settle()
    #expect(stage.isQuiet, "a picture that stands still costs nothing in the end")
    #expect(stage.screen.unknown.isEmpty && stage.screen.scrolls == 0 && stage.screen.updateDepth == 0)
    let tolerance = Tolerance(stage.renderer.capabilities.colors)
    let (mean, worst) = ScreenDistance.between(stage.screen, stage.wholeFrame(), columns: Stage.columns)
    #expect(mean <= tolerance.mean, "\(stage.renderer.mode), \(stage.renderer.capabilities.colors)")
    #expect(worst <= tolerance.cell, "\(stage.renderer.mode), \(stage.renderer.capabilities.colors)")
  }

  @Test(arguments: cellModes)
  func aLimitCutsAPictureIntoPiecesThatMakeTheWhole(mode: RenderMode) {
    var random = SeededGenerator(seed: 5)
    var stage = Stage(mode: mode)
    stage.frame = Scenes.moving(96, 72, time: 4, random: &random)
    stage.renderer.byteLimit = 300
    var pieces = 0
    while stage.draw() > 0, pieces < 100 { pieces += 1 }
    #expect(pieces > 3)
    let whole = stage.wholeFrame()
    #expect(ScreenDistance.between(stage.screen, whole, columns: Stage.columns).worst <= 64)
  }

  /// A renderer, the terminal it draws on, and what is to be seen.
  private struct Stage {
    static let columns = 34
    static let rows = 16

    let renderer: Renderer
    var screen = ScreenModel(columns: columns, rows: rows)
    var frame = Scenes.solid(96, 72, y: 80)
    private var viewport = Viewport(columns: columns, rows: rows)
    private var time = 0
    private var bytes: [UInt8] = []
    private(set) var isQuiet = false

    init(mode: RenderMode) {
      renderer = Renderer(mode: mode, capabilities: TerminalCapabilities(colors: .trueColor))
    }

    /// Draws the picture; returns how many bytes that took.
    @discardableResult
    mutating func draw() -> Int {
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
      return bytes.count
    }

    mutating func step(_ random: inout SeededGenerator) {
      time += 1
      switch Int.random(in: 0..<20, using: &random) {
      case 0: resize(&random)
      case 1: renderer.mode = ReplayTests.cellModes.randomElement(using: &random) ?? .half
      case 2:
        renderer.capabilities.colors =
          [.mono, .ansi8, .ansi16, .ansi256, .trueColor].randomElement(using: &random) ?? .trueColor
      case 3: renderer.lambda = .random(in: 0...60, using: &random)
      case 4: renderer.byteLimit = Bool.random(using: &random) ? .max : .random(in: 50...3000, using: &random)
      case 5: lose()
      case 6: time += .random(in: 1...30, using: &random)  // passed over
      case 7: renderer.effects.zoom = .random(in: 1...3, using: &random)
      case 8: frame = Scenes.solid(96, 72, y: .random(in: 16...235, using: &random), u: 90, v: 170)
      default:
        frame = Scenes.moving(96, 72, time: time / 2, noise: .random(in: 0...4, using: &random), random: &random)
      }
      draw()
    }

    /// The bytes of a frame do not arrive, and the program is told.
    private mutating func lose() {
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      if let end = bytes.firstIndex(of: 0x6D) {
        screen.feed(Array(bytes.prefix(end + 1)))
        screen.feed(Renderer.restore)
      }
      renderer.invalidate()
    }

    private mutating func resize(_ random: inout SeededGenerator) {
      bytes.removeAll(keepingCapacity: true)
      renderer.clear(viewport, into: &bytes)
      screen.feed(bytes)
      viewport = Viewport(
        column: .random(in: 0..<8, using: &random), row: .random(in: 0..<5, using: &random),
        columns: .random(in: 1...26, using: &random), rows: .random(in: 1...11, using: &random))
    }

    mutating func settle() {
      renderer.lambda = Renderer.standardLambda
      for _ in 0..<20 { isQuiet = draw() == 0 }
    }

    func wholeFrame() -> ScreenModel {
      let other = Renderer(mode: renderer.mode, capabilities: renderer.capabilities, fit: renderer.fit)
      other.effects = renderer.effects
      var bytes: [UInt8] = []
      other.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      var screen = ScreenModel(columns: Self.columns, rows: Self.rows)
      screen.feed(bytes)
      return screen
    }
  }
}

/// How far apart two screens are to the eye: each cell is painted on 8 by 24 points.
private enum ScreenDistance {
  static func between(_ a: ScreenModel, _ b: ScreenModel, columns: Int) -> (mean: Double, worst: Double) {
    let distances = zip(a.cells, b.cells).map { $0 == $1 ? 0 : distance($0, $1) }
    return (distances.reduce(0, +) / Double(distances.count), distances.max() ?? 0)
  }

  private static func distance(_ a: ScreenModel.Cell, _ b: ScreenModel.Cell) -> Double {
    let (paintA, paintB) = (Paint(a), Paint(b))
    var sum = 0
    for y in 0..<24 {
      for x in 0..<8 {
        let (one, other) = (paintA.color(x, y), paintB.color(x, y))
        for channel in 0..<3 { sum += abs(one[channel] - other[channel]) }
      }
    }
    return Double(sum) / (8 * 24 * 3)
  }

  /// Glyphs by their characters.
  private static let glyphs: [Unicode.Scalar: Glyph] = {
    var found: [Unicode.Scalar: Glyph] = [:]
    for id in (0..<UInt16(Glyph.count)).reversed() {
      let entry = GlyphTable.shared.entries[Int(id)]
      let bytes = (0..<Int(entry.byteCount)).map { UInt8(truncatingIfNeeded: entry.bytes >> UInt32(8 * $0)) }
      if let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first { found[scalar] = Glyph(id: id) }
    }
    return found
  }()

  private struct Paint {
    let ink: [Int]
    let ground: [Int]
    let character: Unicode.Scalar
    let id: UInt16

    init(_ cell: ScreenModel.Cell) {
      ink = CellRaster.color(cell.foreground, standard: 204)
      ground = CellRaster.color(cell.background, standard: 0)
      character = cell.character
      id = glyphs[cell.character]?.id ?? 0x3F
    }

    func color(_ x: Int, _ y: Int) -> [Int] {
      switch id {
      case 0x20: return ground
      case ..<Glyph.firstBlock: return letter(x, y)
      case ..<Glyph.firstSextant:
        guard let covers = CellRaster.covers(character, x: x, y: y / 3) else { return shade }
        return covers ? ink : ground
      case ..<Glyph.firstOctant: return part(x, y / 8, of: id - Glyph.firstSextant)
      case ..<Glyph.firstBraille: return part(x, y / 6, of: id - Glyph.firstOctant)
      default: return part(x, y / 6, of: id - Glyph.firstBraille)
      }
    }

    private func part(_ x: Int, _ row: Int, of pattern: UInt16) -> [Int] {
      pattern >> UInt16(2 * row + (x < 4 ? 0 : 1)) & 1 == 1 ? ink : ground
    }

    /// U+2591...2593 cover a quarter, a half, three quarters.
    private var shade: [Int] {
      let quarters = max(Int(character.value) - 0x2590, 0)
      return zip(ink, ground).map { ($0 * quarters + $1 * (4 - quarters)) / 4 }
    }

    /// A letter counts as a sprinkle of ink that is different for each of them.
    private func letter(_ x: Int, _ y: Int) -> [Int] {
      (x * 7 + y * 13 + Int(id) * 29) % 5 == 0 ? ink : ground
    }
  }
}
