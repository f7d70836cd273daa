import Foundation
import Frames
import Picture
import Testing

/// The example of docs/picture.md: compiled here, and the same there.
@Suite struct ExampleTests {
  // begin of the example
  func grayPicture() -> [UInt8] {
    // What the terminal can do: by hand, or from a CapabilityProbe that asks it.
    let capabilities = TerminalCapabilities(colors: .trueColor, cellPixels: PixelSize(width: 9, height: 18))
    let renderer = Renderer(mode: .automatic(for: capabilities), capabilities: capabilities)

    // A frame is filled by whoever took it from a pool, and then only read.
    let pool = VideoFramePool()
    let frame = pool.take(VideoSize(width: 640, height: 480))
    frame.fill(y: 126)

    // Each call appends what brings the terminal from the last frame to this one.
    var bytes: [UInt8] = []
    let viewport = Viewport(columns: 80, rows: 24, cellPixels: capabilities.cellPixels, screenRows: 24)
    renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
    return bytes
  }
  // end of the example

  @Test func theExampleDrawsAPicture() {
    var screen = ScreenModel(columns: 80, rows: 24)
    screen.feed(grayPicture())
    #expect(screen.unknown.isEmpty && screen.cellsWritten >= 64 * 24)
    #expect(CellRaster.color(screen[40, 12].background, standard: 0) == [128, 128, 128])
  }

  @Test func thePageShowsTheSameExample() throws {
    let here = URL(fileURLWithPath: #filePath)
    let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let source = try String(contentsOf: here, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let begin = try #require(source.firstIndex(of: "  // begin of the example"))
    let end = try #require(source.firstIndex(of: "  // end of the example"))
    let example = source[(begin + 1)..<end].map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }.joined(separator: "\n")
    let page = try String(contentsOf: root.appendingPathComponent("docs/picture.md"), encoding: .utf8)
    #expect(page.contains(example))
  }
}
