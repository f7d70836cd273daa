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
      // A part of a cell is all ink or none.
      case .mono: (mean, cell) = (3, 204)
      }
    }
  }

  private static let cellModes = RenderMode.allCases.filter { !$0.hasPixels }
  /// Images of iTerm2's are all alike, but for their size.
  private static let modes = RenderMode.allCases.filter { $0 != .iterm2 }

  @Test(arguments: modes, [1, 2, 3] as [UInt64])
  func anySequenceEndsWhereAWholeFrameDoes(mode: RenderMode, seed: UInt64) {
    var random = SeededGenerator(seed: seed &* 31 &+ UInt64(Self.modes.firstIndex(of: mode) ?? 0))
    var stage = Stage(mode: mode)
    for _ in 0..<30 { stage.step(&random) }
    stage.settle()
    #expect(stage.isQuiet, "a picture that stands still costs nothing in the end")
    #expect(stage.screen.unknown.isEmpty && stage.screen.scrolls == 0 && stage.screen.updateDepth == 0)
    let name: Comment = "\(stage.renderer.mode), \(stage.renderer.capabilities.colors)"
    let whole = stage.wholeFrame()
    let tolerance = Tolerance(stage.renderer.capabilities.colors)
    let (mean, worst) = ScreenDistance.between(stage.screen, whole.screen)
    #expect(mean <= tolerance.mean, name)
    #expect(worst <= tolerance.cell, name)
    #expect(stage.screen.imageArea == whole.screen.imageArea, name)
    #expect(ScreenDistance.pixels(stage.screen.pixels, whole.screen.pixels) <= 8, name)
    #expect(stage.kitty.problems.isEmpty, name)
    #expect(ScreenDistance.channels(stage.kitty.pixels, whole.kitty.pixels) <= 3, name)
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
    #expect(ScreenDistance.between(stage.screen, whole.screen).worst <= 64)
  }

  /// A renderer, the terminal it draws on, and what is to be seen.
  private struct Stage {
    static let columns = 44
    static let rows = 20
    private static let cell = PixelSize(width: 4, height: 8)

    let renderer: Renderer
    var screen = Self.emptyScreen
    var kitty = KittyScreen()
    var frame = Scenes.solid(96, 72, y: 80)
    private var own: VideoFrame?
    private var size = VideoSize(width: 96, height: 72)
    private var viewport = Viewport(columns: columns, rows: rows, cellPixels: cell, screenRows: rows)
    private var time = 0
    private var bytes: [UInt8] = []
    private(set) var isQuiet = false

    init(mode: RenderMode) {
      renderer = Renderer(
        mode: mode,
        capabilities: TerminalCapabilities(
          colors: .trueColor, sixel: SixelSupport(keepsUnpaintedPixels: true), kitty: KittySupport(editsImages: true)))
    }

    private static var emptyScreen: ScreenModel {
      ScreenModel(columns: columns, rows: rows, cellWidth: cell.width, cellHeight: cell.height)
    }

    /// Draws the picture; returns how many bytes that took.
    @discardableResult
    mutating func draw() -> Int {
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: own, in: viewport, into: &bytes)
      feed(bytes)
      return bytes.count
    }

    private mutating func feed(_ bytes: [UInt8]) {
      screen.feed(bytes)
      kitty.feed(bytes)
    }

    mutating func step(_ random: inout SeededGenerator) {
      time += 1
      switch Int.random(in: 0..<24, using: &random) {
      case 0: resize(&random)
      case 1: renderer.mode = ReplayTests.modes.randomElement(using: &random) ?? .half
      case 2:
        renderer.capabilities.colors =
          [.mono, .ansi8, .ansi16, .ansi256, .trueColor].randomElement(using: &random) ?? .trueColor
      case 3: renderer.lambda = .random(in: 0...60, using: &random)
      case 4: renderer.byteLimit = Bool.random(using: &random) ? .max : .random(in: 50...3000, using: &random)
      case 5: lose(&random)
      case 6: time += .random(in: 1...30, using: &random)  // passed over
      case 7: renderer.effects.zoom = .random(in: 1...3, using: &random)
      case 8: frame = Scenes.solid(size.width, size.height, y: .random(in: 16...235, using: &random), u: 90, v: 170)
      case 9:
        size = VideoSize(width: .random(in: 20...140, using: &random), height: .random(in: 20...100, using: &random))
      case 10: own = nil
      case 11, 12:
        let side = Int.random(in: 8...60, using: &random)
        own = Scenes.moving(side, 40, time: time, random: &random)
      default:
        frame = Scenes.moving(
          size.width, size.height, time: time / 2, noise: .random(in: 0...4, using: &random), random: &random)
      }
      draw()
    }

    /// The bytes of a frame do not arrive, and the program is told.
    private mutating func lose(_ random: inout SeededGenerator) {
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: own, in: viewport, into: &bytes)
      if let end = lastByte(&random) {
        feed(Array(bytes.prefix(end + 1)) + Renderer.restore)
        kitty.forgive()
      }
      renderer.invalidate()
    }

    /// Where a frame is cut: after its first pens; anywhere in images of kitty's. Sixels do not arrive at all.
    private func lastByte(_ random: inout SeededGenerator) -> Int? {
      switch renderer.mode {
      case .sixel: return nil
      case .kitty:
        let first = bytes.indices.first { bytes[$0...].starts(with: "\u{1B}_Ga".utf8) }
        return first.flatMap {
          $0 + 60 < bytes.count - 10 ? .random(in: $0 + 60..<bytes.count - 10, using: &random) : nil
        }
      default: return bytes.firstIndex(of: 0x6D)
      }
    }

    private mutating func resize(_ random: inout SeededGenerator) {
      bytes.removeAll(keepingCapacity: true)
      renderer.clear(viewport, into: &bytes)
      feed(bytes)
      viewport = Viewport(
        column: .random(in: 0..<8, using: &random), row: .random(in: 0..<5, using: &random),
        columns: .random(in: 1...36, using: &random), rows: .random(in: 1...15, using: &random),
        cellPixels: Self.cell, screenRows: Self.rows)
    }

    mutating func settle() {
      renderer.lambda = Renderer.standardLambda
      for _ in 0..<20 { isQuiet = draw() == 0 }
    }

    func wholeFrame() -> (screen: ScreenModel, kitty: KittyScreen) {
      let other = Renderer(mode: renderer.mode, capabilities: renderer.capabilities, fit: renderer.fit)
      other.effects = renderer.effects
      var bytes: [UInt8] = []
      other.render(remote: frame, selfView: own, in: viewport, into: &bytes)
      var (screen, kitty) = (Self.emptyScreen, KittyScreen())
      screen.feed(bytes)
      kitty.feed(bytes)
      return (screen, kitty)
    }
  }
}

/// How far apart two screens are to the eye: each cell is painted on 8 by 24 points.
private enum ScreenDistance {
  /// The mean difference of a channel of sixels; infinite where one has pixels and the other has none.
  static func pixels(_ a: [Int?], _ b: [Int?]) -> Double {
    guard a.map({ $0 == nil }) == b.map({ $0 == nil }) else { return .infinity }
    func bytes(_ pixels: [Int?]) -> [UInt8] {
      pixels.flatMap { pixel in
        pixel.map { [UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255)] } ?? []
      }
    }
    return channels(bytes(a), bytes(b))
  }

  /// The mean difference of two images of the same size.
  static func channels(_ a: [UInt8], _ b: [UInt8]) -> Double {
    guard a.count == b.count else { return .infinity }
    return Double(zip(a, b).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(max(a.count, 1))
  }

  /// Of cells that no image lies over: whatever is under one is not seen.
  static func between(_ a: ScreenModel, _ b: ScreenModel) -> (mean: Double, worst: Double) {
    let distances = a.cells.indices.map { index in
      let isCovered = a.pixel(index % a.columns * a.cellWidth, index / a.columns * a.cellHeight) != nil
      return isCovered || a.cells[index] == b.cells[index] ? 0 : distance(a.cells[index], b.cells[index])
    }
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
      ink = CellRaster.color(cell, isInk: true)
      ground = CellRaster.color(cell, isInk: false)
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
