import Frames
import Picture
import TestSupport
import Testing

@Suite struct SixelRenderingTests {
  static func capabilities(_ sixel: SixelSupport = SixelSupport()) -> TerminalCapabilities {
    TerminalCapabilities(colors: .trueColor, sixel: sixel, cellPixels: PixelSize(width: 8, height: 16))
  }

  static func viewport(_ columns: Int, _ rows: Int, row: Int = 0, screenRows: Int) -> Viewport {
    Viewport(
      row: row, columns: columns, rows: rows, cellPixels: PixelSize(width: 8, height: 16), screenRows: screenRows)
  }

  @Test func pixelsHaveTheColorsOfTheFrame() throws {
    let expected = Scenes.rgb(y: 120, u: 100, v: 170)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(), fit: .stretch)
    var bytes: [UInt8] = []
    renderer.render(
      remote: Scenes.solid(64, 48, y: 120, u: 100, v: 170), selfView: nil, in: Self.viewport(6, 3, screenRows: 5),
      into: &bytes)
    var screen = ScreenModel(columns: 6, rows: 5)
    screen.feed(bytes)
    #expect(screen.unknown.isEmpty)
    let painted = (0..<48 * 48).compactMap { screen.pixel($0 % 48, $0 / 48) }
    #expect(painted.count == 48 * 48 && Set(painted).count == 1)
    let pixel = try #require(painted.first)
    for (channel, shift) in [16, 8, 0].enumerated() {
      // A percent is 2.55 steps.
      #expect(abs(Double(pixel >> shift & 255) - expected[channel]) <= 4)
    }
  }

  @Test(arguments: [false, true], [16, 17, 20])
  func deltasEndWhereAFullFrameDoes(keepsUnpainted: Bool, cellHeight: Int) {
    var random = SeededGenerator(seed: 9)
    let support = SixelSupport(registers: 256, keepsUnpaintedPixels: keepsUnpainted)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(support), fit: .stretch)
    let viewport = Viewport(columns: 16, rows: 7, cellPixels: PixelSize(width: 8, height: cellHeight), screenRows: 8)
    var screen = ScreenModel(columns: 16, rows: 8, cellHeight: cellHeight)
    var full = ScreenModel(columns: 16, rows: 8, cellHeight: cellHeight)
    var bytes: [UInt8] = []
    var fullBytes = 0
    var deltaBytes = 0
    for time in 0..<20 {
      // A still scene in which one square moves: the palette stays.
      let frame = Scenes.moving(64, 56, time: time % 5, random: &random)
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
      deltaBytes += bytes.count
    }
    renderer.invalidate()
    bytes.removeAll(keepingCapacity: true)
    var same = SeededGenerator(seed: 9)
    renderer.render(remote: Scenes.moving(64, 56, time: 4, random: &same), selfView: nil, in: viewport, into: &bytes)
    full.feed(bytes)
    fullBytes = bytes.count * 20
    #expect(screen.pixels == full.pixels)
    #expect(screen.unknown.isEmpty)
    #expect(deltaBytes < fullBytes)
  }

  @Test func aStillPictureCostsNothing() {
    var random = SeededGenerator(seed: 2)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities())
    let frame = Scenes.moving(100, 80, time: 1, random: &random)
    var bytes: [UInt8] = []
    let viewport = Self.viewport(20, 6, screenRows: 8)
    renderer.render(remote: frame, selfView: frame, in: viewport, into: &bytes)
    bytes.removeAll()
    for _ in 0..<20 { renderer.render(remote: frame, selfView: frame, in: viewport, into: &bytes) }
    #expect(bytes.isEmpty)
  }

  @Test func noiseIsNotSent() {
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities())
    let viewport = Self.viewport(20, 6, screenRows: 8)
    var bytes: [UInt8] = []
    renderer.render(remote: Scenes.solid(64, 48, y: 100), selfView: nil, in: viewport, into: &bytes)
    bytes.removeAll()
    renderer.render(remote: Scenes.solid(64, 48, y: 103, u: 130), selfView: nil, in: viewport, into: &bytes)
    #expect(bytes.isEmpty)
    renderer.render(remote: Scenes.solid(64, 48, y: 130), selfView: nil, in: viewport, into: &bytes)
    #expect(!bytes.isEmpty)
  }

  @Test(arguments: [1, 5, 11, 12, 30])
  func imagesStayOffTheLastRow(rows: Int) {
    var random = SeededGenerator(seed: 4)
    for screenRows in [nil, 12] as [Int?] {
      let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(), fit: .stretch)
      var viewport = Self.viewport(10, rows, screenRows: 12)
      viewport.screenRows = screenRows
      if screenRows == nil, rows > 12 { continue }
      var screen = ScreenModel(columns: 10, rows: 12)
      var bytes: [UInt8] = []
      for time in 0..<6 {
        let frame = Scenes.moving(80, 100, time: time, random: &random)
        renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      }
      screen.feed(bytes)
      #expect(screen.lowestImageRow < 11 * 16)
      if rows > 1 { #expect(screen.images > 0) }
    }
  }

  @Test func imagesStayInsideTheirRows() {
    // Three rows of 16 pixels make eight whole bands, two make five and a rest that must not be begun.
    for rows in 1...5 {
      let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(), fit: .stretch)
      var screen = ScreenModel(columns: 8, rows: 10)
      var bytes: [UInt8] = []
      renderer.render(
        remote: Scenes.solid(50, 50, y: 150), selfView: nil, in: Self.viewport(8, rows, row: 2, screenRows: 10),
        into: &bytes)
      screen.feed(bytes)
      #expect(screen.lowestImageRow < (2 + rows) * 16)
      #expect(screen.lowestImageRow >= (2 + rows) * 16 - 6)
    }
  }

  @Test(arguments: [2, 16, 256, 100_000])
  func noMoreRegistersAreUsedThanThereAre(registers: Int) throws {
    var random = SeededGenerator(seed: 6)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(SixelSupport(registers: registers)))
    var bytes: [UInt8] = []
    renderer.render(
      remote: Scenes.moving(160, 120, time: 2, noise: 20, random: &random), selfView: nil,
      in: Self.viewport(20, 8, screenRows: 9), into: &bytes)
    let start = try #require(bytes.firstIndex(of: 0x50))
    let end = try #require(bytes[start...].firstIndex(of: 0x1B))
    let image = try #require(SixelImage(Array(bytes[start + 1..<end])))
    #expect(image.registers.count <= min(registers, 256))
    #expect(image.registers.keys.allSatisfy { $0 < min(registers, 256) })
    #expect(image.registers.count >= 2)
    #expect(image.declared.height == image.height)
    // Unpainted pixels stay.
    #expect(image.parameters == [0, 1])
  }

  @Test func theLargestImageOfTheTerminalIsRespected() throws {
    let support = SixelSupport(largestImage: PixelSize(width: 100, height: 60))
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(support), fit: .stretch)
    var bytes: [UInt8] = []
    let result = renderer.render(
      remote: Scenes.solid(64, 48, y: 200), selfView: nil, in: Self.viewport(40, 20, screenRows: 24), into: &bytes)
    #expect(result.picture.columns == 12 && result.picture.rows == 3)
  }

  @Test func theSelfViewCoversTheCorner() throws {
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities())
    var bytes: [UInt8] = []
    let viewport = Self.viewport(40, 15, screenRows: 16)
    let result = renderer.render(
      remote: Scenes.solid(320, 240, y: 60), selfView: Scenes.luma(32, 24) { x, _ in x < 16 ? 220 : 20 }, in: viewport,
      into: &bytes)
    var screen = ScreenModel(columns: 40, rows: 16)
    screen.feed(bytes)
    let inset = try #require(result.selfView)
    func green(_ x: Int, _ y: Int) throws -> Int { try #require(screen.pixel(x, y)) >> 8 & 255 }
    let bottom = (inset.row + inset.rows) * 16 - 8
    #expect(try green((inset.column + inset.columns) * 8 - 1, bottom) > 200)
    #expect(try green(inset.column * 8 + 1, bottom) < 30)
    #expect(try abs(green(inset.column * 8 - 2, bottom) - green(result.picture.column * 8, 0)) <= 4)
  }

  @Test func withoutSixelTheModeFallsBackToBlocks() {
    let renderer = Renderer(mode: .sixel, capabilities: TerminalCapabilities(colors: .trueColor))
    var bytes: [UInt8] = []
    renderer.render(
      remote: Scenes.solid(64, 48, y: 200), selfView: nil, in: Viewport(columns: 8, rows: 3), into: &bytes)
    #expect(!bytes.contains(0x50))
    #expect(!bytes.isEmpty)
  }
}
