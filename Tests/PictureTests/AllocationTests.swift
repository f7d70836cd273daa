import CThreadAllocations
import Frames
import Picture
import TestSupport
import Testing

/// Once viewport, mode and frame sizes are settled, a frame asks for no memory, however much changes from one to the next.
@Suite(.enabled(if: glyphone_counts_allocations())) struct AllocationTests {
  private static let cell = PixelSize(width: 8, height: 16)

  private static func capabilities(_ depth: ColorDepth) -> TerminalCapabilities {
    TerminalCapabilities(
      colors: depth, sixel: SixelSupport(keepsUnpaintedPixels: true), kitty: KittySupport(editsImages: true),
      hasInlineImages: true, cellPixels: cell)
  }

  /// Allocations of 30 frames after many others.
  private static func allocations(_ renderer: Renderer) -> UInt64 {
    var random = SeededGenerator(seed: 3)
    let frames = (0..<6).map { Scenes.moving(96, 72, time: $0, noise: 3, random: &random) }
    let own = Scenes.moving(40, 30, time: 0, random: &random)
    let viewport = Viewport(columns: 32, rows: 12, cellPixels: cell, screenRows: 13)
    var bytes: [UInt8] = []
    var before: UInt64 = 0
    for number in 0..<90 {
      if number == 30 { renderer.invalidate() }
      if number == 60 { before = glyphone_thread_allocations() }
      bytes.removeAll(keepingCapacity: true)
      renderer.render(remote: frames[number % frames.count], selfView: own, in: viewport, into: &bytes)
    }
    return glyphone_thread_allocations() - before
  }

  @Test func memoryIsCounted() {
    let before = glyphone_thread_allocations()
    UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 8).deallocate()
    #expect(glyphone_thread_allocations() > before)
  }

  @Test(
    arguments: RenderMode.allCases.filter { !$0.hasPixels },
    [ColorDepth.mono, .ansi8, .ansi16, .ansi256, .trueColor])
  func framesOfCharactersTakeNoMemory(mode: RenderMode, depth: ColorDepth) {
    #expect(Self.allocations(Renderer(mode: mode, capabilities: Self.capabilities(depth))) == 0)
  }

  @Test(arguments: RenderMode.allCases.filter(\.hasPixels))
  func framesOfPixelsTakeNoMemory(mode: RenderMode) {
    #expect(Self.allocations(Renderer(mode: mode, capabilities: Self.capabilities(.trueColor))) == 0)
  }

  @Test func framesInSharedMemoryTakeNoMemory() {
    var capabilities = Self.capabilities(.trueColor)
    capabilities.kitty?.isLocal = true
    let renderer = Renderer(mode: .kitty, capabilities: capabilities)
    renderer.memory = OneObject()
    #expect(Self.allocations(renderer) == 0)
  }
}

/// Memory of which there is one object only, under a name as short as the client's.
private final class OneObject: PictureMemory {
  // Allocated once and written by the one test that owns this memory, on its thread; nobody else sees the pointer.
  private nonisolated(unsafe) let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 20)

  deinit { bytes.deallocate() }

  func publish(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> String? {
    guard byteCount <= 1 << 20 else { return nil }
    fill(bytes)
    return "/picture"
  }
}
