import Frames
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct Y4MTests {
  private func file(header: String = "YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C420jpeg", frames: Int = 3) -> [UInt8] {
    var bytes = Array((header + "\n").utf8)
    for frame in 0..<frames {
      bytes += "FRAME\n".utf8
      bytes += [UInt8](repeating: UInt8(50 + frame), count: 24)
      bytes += [UInt8](repeating: 100, count: 6) + [UInt8](repeating: 200, count: 6)
    }
    return bytes
  }

  private func camera(_ file: TemporaryFile, loops: Bool = false) throws -> Y4MCamera {
    try Y4MCamera(path: file.path, loops: loops, pace: .immediate)
  }

  @Test func framesComeInOrderAtTheRateOfTheFile() throws {
    let file = try TemporaryFile("clip.y4m", file(header: "YUV4MPEG2 W6 H4 F30000:1001 C420mpeg2 XSOMETHING"))
    let camera = try camera(file)
    #expect(camera.size == VideoSize(width: 6, height: 4))
    var times: [NIODeadline] = []
    for index in 0..<3 {
      let frame = try #require(try camera.next())
      #expect(frame.y[0] == UInt8(50 + index) && frame.y[frame.yStride * 3 + 5] == UInt8(50 + index))
      #expect(frame.u[0] == 100 && frame.v[frame.uvStride + 2] == 200)
      times.append(frame.time)
    }
    #expect(try camera.next() == nil)
    #expect((times[2] - times[0]).nanoseconds == 66_733_333)
  }

  @Test func loops() throws {
    let file = try TemporaryFile("clip.y4m", file(frames: 2))
    let camera = try camera(file, loops: true)
    let luma = try (0..<5).map { _ in try #require(try camera.next()).y[0] }
    #expect(luma == [50, 51, 50, 51, 50])
  }

  @Test func fullRangeIsSqueezed() throws {
    var bytes = Array("YUV4MPEG2 W2 H2 F30:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n".utf8)
    bytes += [0, 255, 128, 0, 255, 0]
    let frame = try #require(try camera(TemporaryFile("full.y4m", bytes)).next())
    #expect(frame.y[0] == 16 && frame.y[1] == 235 && frame.y[frame.yStride] == 126)
    #expect(frame.u[0] == 240 && frame.v[0] == 16)
  }

  @Test func cutShortGivesTheFramesBeforeAndThenAnErrorThatNamesThePlace() throws {
    let whole = file(frames: 3)
    let file = try TemporaryFile("cut.y4m", Array(whole.dropLast(10)))
    let camera = try camera(file, loops: true)
    #expect(try camera.next()?.y[0] == 50)
    #expect(try camera.next()?.y[0] == 51)
    let error = MediaError.badFile(
      path: file.path, position: whole.count - 10, detail: "it is cut short in the middle of a frame")
    #expect(throws: error) { try camera.next() }
    #expect(throws: error) { try camera.next() }
  }

  @Test func damagedFrameLineIsNamed() throws {
    var bytes = file(frames: 2)
    let second = bytes.count - 42
    bytes[second] = UInt8(ascii: "G")
    let file = try TemporaryFile("bad.y4m", bytes)
    let camera = try camera(file)
    _ = try camera.next()
    #expect(
      throws: MediaError.badFile(
        path: file.path, position: second, detail: "a frame should begin here, and does not")
    ) { try camera.next() }
  }

  @Test(arguments: [
    ("", "cut short"), ("RIFF\n", "not a Y4M file"), ("YUV4MPEG2 W640 H480 C444\n", "4:2:0"),
    ("YUV4MPEG2 W640 H480 C420p10\n", "4:2:0"), ("YUV4MPEG2 W640\n", "no width and height"),
    ("YUV4MPEG2 W0 H480\n", "impossible size"), ("YUV4MPEG2 W99999 H480\n", "impossible size"),
    ("YUV4MPEG2 W-4 H480\n", "impossible size"), ("YUV4MPEG2 W64 H48 F30\n", "no frame rate"),
    ("YUV4MPEG2 W64 H48 F1:0\n", "impossible frame rate"), ("YUV4MPEG2 W64 H48 F999999:1\n", "impossible frame rate"),
    ("YUV4MPEG2 W64 H48 F30:1\n", "no frame"),
    ("YUV4MPEG2 " + String(repeating: "X", count: 5000), "longer than any"),
  ])
  func badHeadersSayWhatIsWrong(header: String, words: String) throws {
    let file = try TemporaryFile("bad.y4m", Array(header.utf8))
    let error = #expect(throws: MediaError.self) { try camera(file) }
    #expect("\(try #require(error))".contains(words))
    #expect("\(try #require(error))".contains(file.path))
  }

  @Test func whatIsNoFileIsRefused() throws {
    #expect(throws: MediaError.failed(device: "/tmp", detail: "not a regular file")) { try Y4MCamera(path: "/tmp") }
    let error = #expect(throws: MediaError.self) { try Y4MCamera(path: "/nowhere/clip.y4m") }
    guard case .notFound = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func mutatedFilesNeverTrap() throws {
    var random = SeededGenerator(seed: 11)
    let whole = file()
    let file = try TemporaryFile("fuzz.y4m")
    var delivered = 0
    for _ in 0..<400 {
      try file.write(random.mutate(whole))
      guard let camera = try? camera(file) else { continue }
      while let frame = try? camera.next(), delivered < 5000 {
        delivered += 1
        #expect(VideoSize(width: frame.width, height: frame.height) == camera.size)
      }
    }
    #expect(delivered > 100)
  }
}
