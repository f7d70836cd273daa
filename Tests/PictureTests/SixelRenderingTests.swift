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

  /// With a row of the screen between the picture and the last one, or without.
  @Test(
    arguments: [
      (false, false, false), (true, false, false), (true, true, false), (true, false, true), (true, true, true),
    ],
    [16, 17, 20])
  func deltasEndWhereAFullFrameDoes(
    support: (keepsUnpainted: Bool, shares: Bool, hasRoom: Bool), cellHeight: Int
  ) throws {
    var random = SeededGenerator(seed: 9)
    let sixel = SixelSupport(keepsUnpaintedPixels: support.keepsUnpainted, sharesRegisters: support.shares)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(sixel), fit: .stretch)
    // Runs of pixels that are looked at together do not end with such cells.
    let screenRows = support.hasRoom ? 9 : 8
    let viewport = Viewport(
      columns: 13, rows: 7, cellPixels: PixelSize(width: 10, height: cellHeight), screenRows: screenRows)
    var screen = ScreenModel(
      columns: 13, rows: screenRows, cellWidth: 10, cellHeight: cellHeight, wipesCells: !support.keepsUnpainted)
    var full = ScreenModel(columns: 13, rows: screenRows, cellWidth: 10, cellHeight: cellHeight)
    var bytes: [UInt8] = []
    // As large as the images, so that nothing is scaled; without room they end with a whole band.
    let height = support.hasRoom ? 7 * cellHeight : 7 * cellHeight / 6 * 6
    var frame = Scenes.solid(130, height, y: 0)
    var deltaBytes = 0
    for time in 0..<40 {
      // A scene in which one square moves; then everything is darker, which is another scene.
      frame = Scenes.moving(130, height, time: time % 5, random: &random)
      if time >= 30 { for index in 0..<frame.yStride * frame.height { frame.y[index] /= 2 } }
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
      deltaBytes += bytes.count
    }
    renderer.invalidate()
    bytes.removeAll(keepingCapacity: true)
    renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
    full.feed(bytes)
    #expect(screen.unknown.isEmpty)
    #expect((height..<screenRows * cellHeight).allSatisfy { screen.pixel(0, $0) == nil && full.pixel(0, $0) == nil })
    #expect(deltaBytes < bytes.count * 40)
    for y in 0..<height {
      for x in 0..<130 {
        let delta = Self.error(try #require(screen.pixel(x, y)), frame, x, y)
        let whole = Self.error(try #require(full.pixel(x, y)), frame, x, y)
        // What is not worth the bytes of a run: 4.6 of luma or 5 of a chroma sample.
        try #require(delta <= whole + 18)
      }
    }
  }

  /// How far red, green or blue of a pixel is from the frame's, the largest of them.
  static func error(_ pixel: Int, _ frame: VideoFrame, _ x: Int, _ y: Int) -> Double {
    zip(color(frame, x, y), [16, 8, 0]).map { abs($0 - Double(pixel >> $1 & 255)) }.max() ?? 0
  }

  /// Red, green and blue of a pixel of a frame.
  static func color(_ frame: VideoFrame, _ x: Int, _ y: Int) -> [Double] {
    Scenes.rgb(
      y: Double(frame.y[y * frame.yStride + x]), u: Double(frame.u[y / 2 * frame.uvStride + x / 2]),
      v: Double(frame.v[y / 2 * frame.uvStride + x / 2]))
  }

  @Test func theColorsOfASceneComeCloseToItsOwn() throws {
    // More colours than registers, in smooth slopes.
    let frame = Scenes.luma(320, 240) { x, y in UInt8(30 + (x + y) * 190 / 560) }
    for y in 0..<frame.chromaHeight {
      for x in 0..<frame.chromaWidth {
        frame.u[y * frame.uvStride + x] = UInt8(90 + x / 2)
        frame.v[y * frame.uvStride + x] = UInt8(170 - y / 2)
      }
    }
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(), fit: .stretch)
    var screen = ScreenModel(columns: 40, rows: 16)
    var bytes: [UInt8] = []
    for _ in 0..<20 {
      renderer.render(remote: frame, selfView: nil, in: Self.viewport(40, 15, screenRows: 16), into: &bytes)
    }
    screen.feed(bytes)
    var error = 0.0
    for y in 0..<240 {
      for x in 0..<320 {
        let wanted = Self.color(frame, x, y)
        let pixel = try #require(screen.pixel(x, y))
        for (channel, shift) in [16, 8, 0].enumerated() {
          error += (wanted[channel] - Double(pixel >> shift & 255)) * (wanted[channel] - Double(pixel >> shift & 255))
        }
      }
    }
    // About 31 dB.
    #expect(error / (320 * 240 * 3) < 50)
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

  @Test func aHigherPriceTakesFewerBytesAndWhatStandsStillIsMadeGood() throws {
    var random = SeededGenerator(seed: 8)
    let frames = (0..<12).map { Scenes.moving(160, 90, time: $0, noise: 6, random: &random) }
    var bytesAtPrice: [Int] = []
    for lambda in [0.5, 2, 20, 400] {
      let sixel = SixelSupport(keepsUnpaintedPixels: true)
      let renderer = Renderer(
        mode: .sixel, capabilities: Self.capabilities(sixel), fit: .stretch, lambda: lambda)
      var screen = ScreenModel(columns: 20, rows: 7)
      var (bytes, count) = ([] as [UInt8], 0)
      func draw(_ frame: VideoFrame) {
        bytes.removeAll(keepingCapacity: true)
        renderer.render(remote: frame, selfView: nil, in: Self.viewport(20, 6, screenRows: 7), into: &bytes)
        screen.feed(bytes)
      }
      for frame in frames {
        draw(frame)
        count += bytes.count
      }
      bytesAtPrice.append(count)
      for _ in 0..<20 { draw(frames[11]) }
      #expect(bytes.isEmpty)
      guard lambda == 2 else { continue }
      var sum = 0.0
      for y in 0..<90 { for x in 0..<160 { sum += Self.error(try #require(screen.pixel(x, y)), frames[11], x, y) } }
      #expect(sum / (160 * 90) < 12)
    }
    #expect(bytesAtPrice == bytesAtPrice.sorted(by: >))
    #expect(bytesAtPrice[3] * 2 < bytesAtPrice[1])
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

  /// No frame is much unlike the one before, but the last has no colour of the first.
  @Test func theColorsFollowASceneThatDrifts() throws {
    let sixel = SixelSupport(registers: 64, keepsUnpaintedPixels: true)
    let renderer = Renderer(mode: .sixel, capabilities: Self.capabilities(sixel), fit: .stretch)
    var screen = ScreenModel(columns: 8, rows: 5)
    var frame = Scenes.solid(64, 48, y: 0)
    var bytes: [UInt8] = []
    for time in 0..<60 {
      frame = Scenes.solid(64, 48, y: 0)
      for row in 0..<48 {
        for x in 0..<64 {
          frame.y[row * frame.yStride + x] = UInt8(70 + time + x)
          frame.u[row / 2 * frame.uvStride + x / 2] = UInt8(100 + time / 2 + row / 2)
          frame.v[row / 2 * frame.uvStride + x / 2] = UInt8(150 - time / 2)
        }
      }
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frame, selfView: nil, in: Self.viewport(8, 3, screenRows: 5), into: &bytes)
      screen.feed(bytes)
    }
    var errors: [Double] = []
    for y in 0..<48 {
      for x in 0..<64 { errors.append(Self.error(try #require(screen.pixel(x, y)), frame, x, y)) }
    }
    #expect(errors.reduce(0, +) / Double(errors.count) < 9)
    #expect(errors.allSatisfy { $0 < 20 })
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

  /// Three rows of 17 pixels make eight whole bands and a rest.
  @Test func nothingIsLeftOfTheModeBefore() {
    let renderer = Renderer(mode: .half, capabilities: Self.capabilities(), fit: .stretch)
    let viewport = Viewport(row: 1, columns: 8, rows: 3, cellPixels: PixelSize(width: 8, height: 17), screenRows: 6)
    var screen = ScreenModel(columns: 8, rows: 6, cellHeight: 17)
    for mode in [RenderMode.half, .sixel, .half] {
      renderer.mode = mode
      var bytes: [UInt8] = []
      renderer.render(remote: Scenes.solid(50, 50, y: 150), selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes)
      for y in 17..<4 * 17 {
        let isImage = mode == .sixel && y < 17 + 48
        #expect((0..<64).allSatisfy { (screen.pixel($0, y) != nil) == isImage }, "row \(y) in \(mode)")
      }
      if mode == .sixel { #expect((0..<8).allSatisfy { screen[$0, 3] == ScreenModel.Cell() }) }
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
