import Frames
import Picture
import Synchronization
import TestSupport
import Testing

@Suite struct KittyRenderingTests {
  private static let viewport = Viewport(
    column: 2, row: 1, columns: 20, rows: 8, cellPixels: PixelSize(width: 8, height: 16), screenRows: 12)

  private static func renderer(_ kitty: KittySupport) -> Renderer {
    let capabilities = TerminalCapabilities(
      colors: .trueColor, kitty: kitty, cellPixels: PixelSize(width: 8, height: 16))
    return Renderer(mode: .kitty, capabilities: capabilities, fit: .stretch)
  }

  /// Feeds a few frames of a moving scene to a screen; returns the last one.
  private static func play(
    _ renderer: Renderer, on screen: inout KittyScreen, isInsideTmux: Bool = false
  ) -> VideoFrame {
    var random = SeededGenerator(seed: 3)
    var frame = Scenes.moving(160, 128, time: 0, random: &random)
    for time in 0..<8 {
      frame = Scenes.moving(160, 128, time: time, random: &random)
      var bytes: [UInt8] = []
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      screen.feed(bytes, isInsideTmux: isInsideTmux)
    }
    return frame
  }

  /// Samples may stray by 2 of luma and 3 of each chroma before they are followed.
  private static func expectShown(_ frame: VideoFrame, on screen: KittyScreen) throws {
    try #require(screen.width == frame.width && screen.height == frame.height)
    for y in stride(from: 0, to: frame.height, by: 3) {
      for x in stride(from: 0, to: frame.width, by: 3) {
        let wanted = Scenes.rgb(
          y: Double(frame.y[y * frame.yStride + x]), u: Double(frame.u[y / 2 * frame.uvStride + x / 2]),
          v: Double(frame.v[y / 2 * frame.uvStride + x / 2]))
        for (want, have) in zip(wanted, screen.color(x, y)) { try #require(abs(want - have) <= 10) }
      }
    }
  }

  @Test func editsGiveThePictureOfTheFrame() throws {
    var screen = KittyScreen()
    let frame = Self.play(Self.renderer(KittySupport(editsImages: true)), on: &screen)
    #expect(screen.problems.isEmpty)
    #expect(screen.commands.first?["a"] == "T")
    #expect(screen.commands.dropFirst().allSatisfy { $0["a"] == "f" && $0["r"] == "1" })
    #expect(screen.commands.count > 4)
    try Self.expectShown(frame, on: screen)
  }

  @Test func withoutEditsTheImageIsSentAnew() throws {
    var screen = KittyScreen()
    let frame = Self.play(Self.renderer(KittySupport(editsImages: false)), on: &screen)
    #expect(screen.problems.isEmpty)
    #expect(screen.commands.allSatisfy { $0["a"] == "T" })
    try Self.expectShown(frame, on: screen)
  }

  @Test func insideTmuxCommandsAreWrappedAndCellsHoldTheirPlace() throws {
    var screen = KittyScreen()
    let renderer = Self.renderer(KittySupport(editsImages: true, isInsideTmux: true))
    let frame = Self.play(renderer, on: &screen, isInsideTmux: true)
    #expect(screen.problems.isEmpty)
    #expect(screen.commands.first?["U"] == "1")
    try Self.expectShown(frame, on: screen)
    renderer.invalidate()
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: nil, in: Self.viewport, into: &bytes)
    let text = String(decoding: bytes, as: UTF8.self).unicodeScalars
    #expect(text.filter { $0.value == 0x10_EEEE }.count == 20 * 8)
    // No pen but the image's number is left, or it might name a placement.
    #expect(String(text).contains("\u{1B}[0;38;2;103;108;121m"))
    // Row 1, column 2.
    let marks: [Unicode.Scalar] = ["\u{10EEEE}", "\u{30D}", "\u{30E}"]
    #expect(Array(text).indices.contains { Array(text)[$0...].starts(with: marks) })
  }

  @Test func aTerminalOnThisMachineReadsMemory() throws {
    let memory = TestMemory()
    let renderer = Self.renderer(KittySupport(isLocal: true, editsImages: true))
    renderer.memory = memory
    var screen = KittyScreen()
    screen.memory = { memory.take($0) }
    let frame = Self.play(renderer, on: &screen)
    #expect(screen.problems.isEmpty)
    #expect(screen.commands.allSatisfy { $0["t"] == "s" })
    try Self.expectShown(frame, on: screen)
  }

  @Test func largeEditsAreSentInPiecesThatSayWhatTheyAre() throws {
    var random = SeededGenerator(seed: 5)
    let renderer = Self.renderer(KittySupport(editsImages: true))
    var screen = KittyScreen()
    var frame = Scenes.solid(160, 128, y: 90)
    for noise in [0, 60] {
      frame = Scenes.luma(160, 128) { _, _ in UInt8(120 + .random(in: -noise...noise, using: &random)) }
      var bytes: [UInt8] = []
      renderer.render(remote: frame, selfView: nil, in: Self.viewport, into: &bytes)
      screen.feed(bytes)
    }
    #expect(screen.commands.last?["a"] == "f" && screen.pieces > 2)
    #expect(screen.problems.isEmpty)
    try Self.expectShown(frame, on: screen)
  }

  @Test func aFrameCutShortIsNotTakenForTheBeginningOfTheNext() throws {
    var random = SeededGenerator(seed: 5)
    for action in ["T", "f"] {
      let renderer = Self.renderer(KittySupport(editsImages: true))
      var screen = KittyScreen()
      var frame = Scenes.solid(160, 128, y: 90)
      for time in 0..<3 {
        frame = Scenes.luma(160, 128) { _, _ in UInt8(120 + .random(in: -60...60, using: &random)) }
        var bytes: [UInt8] = []
        renderer.render(remote: frame, selfView: nil, in: Self.viewport, into: &bytes)
        let isCut = time == (action == "T" ? 0 : 1)
        screen.feed(isCut ? Array(bytes.prefix(10_000)) : bytes)
        if isCut {
          try #require(screen.commands.last?["a"] == action && screen.pieces > 1)
          screen.forgive()
          renderer.invalidate()
        }
      }
      #expect(screen.problems.isEmpty)
      try Self.expectShown(frame, on: screen)
    }
  }

  @Test func noImageIsLargerThanItsBounds() {
    var screen = KittyScreen()
    let huge = Viewport(columns: 1024, rows: 1, cellPixels: PixelSize(width: 128, height: 256))
    var bytes: [UInt8] = []
    Self.renderer(KittySupport()).render(remote: nil, selfView: nil, in: huge, into: &bytes)
    screen.feed(bytes)
    #expect(screen.problems.isEmpty)
    #expect(screen.width == 4096 && screen.height == 256)
  }

  @Test func clearingTakesTheImageAway() {
    var screen = KittyScreen()
    let renderer = Self.renderer(KittySupport(editsImages: true))
    _ = Self.play(renderer, on: &screen)
    var bytes: [UInt8] = []
    renderer.clear(Self.viewport, into: &bytes)
    screen.feed(bytes)
    #expect(screen.pixels.isEmpty)
    #expect(screen.commands.last?["d"] == "I")
  }

  @Test func aStillPictureCostsNothing() {
    let renderer = Self.renderer(KittySupport(editsImages: true))
    let frame = Scenes.solid(160, 128, y: 90)
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: nil, in: Self.viewport, into: &bytes)
    bytes.removeAll()
    renderer.render(remote: frame, selfView: nil, in: Self.viewport, into: &bytes)
    #expect(bytes.isEmpty)
  }
}

/// Memory that is given away once.
private final class TestMemory: PictureMemory {
  private let objects = Mutex<[String: [UInt8]]>([:])

  func publish(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> String? {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { fill(base) } }
    return objects.withLock { [bytes] objects in
      let name = "/test-\(objects.count)"
      objects[name] = bytes
      return name
    }
  }

  func take(_ name: String) -> [UInt8]? {
    objects.withLock { objects in
      defer { objects[name] = [] }
      return objects[name]
    }
  }
}
