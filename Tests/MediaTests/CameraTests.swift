import Foundation
import Frames
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct CameraTests {
  @Test func choicesAreRead() throws {
    #expect(try CameraChoice.parse("test") == .testPattern)
    #expect(try CameraChoice.parse("none") == .off)
    #expect(try CameraChoice.parse("default") == .preferred)
    #expect(try CameraChoice.parse("2") == .device("/dev/video2"))
    #expect(try CameraChoice.parse("/dev/video7") == .device("/dev/video7"))
    #expect(try CameraChoice.parse("/tmp/Clip.Y4M") == .file("/tmp/Clip.Y4M"))
    #expect(throws: MediaError.self) { try CameraChoice.parse("tset") }
    #expect(throws: MediaError.self) { try CameraChoice.parse("") }
    #expect(try MicrophoneChoice.parse("tone") == .tone)
    #expect(try MicrophoneChoice.parse("hw:1,0") == .device("hw:1,0"))
    #expect(try MicrophoneChoice.parse("a.wav") == .file("a.wav"))
    #expect(throws: MediaError.self) { try MicrophoneChoice.parse("") }
    #expect(try SpeakerChoice.parse("none") == .off)
    #expect(try SpeakerChoice.parse("out.wav") == .file("out.wav"))
    #expect(try CameraChoice.off.open() == nil)
    #expect(try MicrophoneChoice.off.open() == nil)
    #expect(try SpeakerChoice.off.open().name == "none")
  }

  @Test func errorsAreOfMDNsThreeCases() {
    let missing = #expect(throws: MediaError.self) { try CameraChoice.device("/dev/video-missing").open() }
    #expect(missing == .notFound(device: "/dev/video-missing", detail: "No such file or directory"))
    let other = #expect(throws: MediaError.self) { try CameraChoice.device("/dev/null").open() }
    #expect(other.map { "\($0)" }?.hasPrefix("/dev/null: ") == true)
    #expect(MediaError.opening(13, device: "/dev/video0") == .permissionDenied(device: "/dev/video0"))
    #expect("\(MediaError.opening(16, device: "/dev/video0"))".contains("in use by another program"))
  }

  private func mode(_ format: PixelFormat, _ width: Int, _ height: Int, _ rate: Double?, emulated: Bool = false)
    -> CameraMode
  {
    CameraMode(format: format, isEmulated: emulated, size: VideoSize(width: width, height: height), rate: rate)
  }

  private func best(_ modes: [CameraMode]) -> CameraMode? {
    CameraMode.best(of: modes, size: VideoSize(width: 640, height: 480), rate: 30)
  }

  @Test func theNearestModeIsTaken() {
    let exact = mode(.yuyv, 640, 480, 30)
    #expect(best([mode(.mjpeg, 640, 480, 30), exact, mode(.yuyv, 1280, 720, 10), mode(.yuyv, 320, 240, 30)]) == exact)
    // An HD camera whose uncompressed pictures are slow.
    let fast = mode(.mjpeg, 1280, 720, 30)
    #expect(best([mode(.yuyv, 1280, 720, 5), fast, mode(.mjpeg, 1920, 1080, 30)]) == fast)
    // What it has itself rather than what libv4l2 makes of it.
    #expect(best([mode(.i420, 640, 480, 30, emulated: true), mode(.mjpeg, 640, 480, 30)])?.format == .mjpeg)
    #expect(best([mode(.grey, 640, 480, 30), mode(.yuyv, 320, 240, 30)])?.format == .yuyv)
    #expect(best([]) == nil)
  }

  @Test(arguments: PixelFormat.allCases.filter { !$0.isCompressed })
  func conversionGivesEveryPlane(format: PixelFormat) throws {
    let size = VideoSize(width: 6, height: 4)
    let stride = format.leastStride(width: size.width) + 4
    let bytes = (0..<format.bytes(stride: stride, height: size.height)).map { index -> UInt8 in
      let row = index / stride
      let column = index % stride
      let chroma = index - stride * size.height
      switch format {
      case .yuyv: return column % 2 == 0 ? UInt8(50 + row) : column % 4 == 1 ? 100 : 200
      case .uyvy: return column % 2 == 1 ? UInt8(50 + row) : column % 4 == 0 ? 100 : 200
      case _ where chroma < 0: return UInt8(50 + row)
      case .nv12: return chroma % 2 == 0 ? 100 : 200
      case .nv21: return chroma % 2 == 1 ? 100 : 200
      case .yv12: return chroma < stride ? 200 : 100
      case .i420: return chroma < stride ? 100 : 200
      default: return chroma < stride / 2 * size.height ? 100 : 200
      }
    }
    let frame = VideoFramePool(keep: 0).take(size)
    frame.fill(y: 0, u: 0, v: 0)
    #expect(bytes.withUnsafeBufferPointer { format.convert($0, stride: stride, into: frame) })
    for row in 0..<4 {
      #expect(frame.y[row * frame.yStride] == UInt8(50 + row) && frame.y[row * frame.yStride + 5] == UInt8(50 + row))
    }
    let grey = format == .grey
    for row in 0..<2 {
      for column in 0..<3 {
        #expect(frame.u[row * frame.uvStride + column] == (grey ? 128 : 100))
        #expect(frame.v[row * frame.uvStride + column] == (grey ? 128 : 200))
      }
    }
    #expect(!Array(bytes.dropLast()).withUnsafeBufferPointer { format.convert($0, stride: stride, into: frame) })
  }

  @Test(arguments: ["bars-420", "bars-422", "bars-444"])
  func jpegsAreDecodedToLimitedRange(name: String) throws {
    let path = try #require(Bundle.module.path(forResource: name, ofType: "jpg", inDirectory: "Fixtures"))
    let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    for bytes in [whole, withoutHuffmanTables(whole)] { try checkBars(bytes) }
  }

  /// Many cameras leave out the tables that all of them have in common.
  private func withoutHuffmanTables(_ jpeg: [UInt8]) -> [UInt8] {
    var rest = jpeg[2...]
    var kept = Array(jpeg[..<2])
    while let marker = rest.dropFirst().first, marker != 0xda {
      let length = 2 + Int(rest[rest.startIndex + 2]) * 256 + Int(rest[rest.startIndex + 3])
      if marker != 0xc4 { kept += rest.prefix(length) }
      rest = rest.dropFirst(length)
    }
    return kept + rest
  }

  private func checkBars(_ bytes: [UInt8]) throws {
    let size = try #require(bytes.withUnsafeBufferPointer { PixelFormat.jpegSize($0) })
    #expect(size == VideoSize(width: 320, height: 240))
    let frame = VideoFramePool(keep: 0).take(size)
    #expect(bytes.withUnsafeBufferPointer { PixelFormat.mjpeg.convert($0, stride: 0, into: frame) })
    let bars: [[Int]] = [
      [180, 128, 128], [161, 44, 141], [131, 156, 44], [112, 72, 58], [83, 183, 197], [65, 99, 211], [34, 211, 114],
      [16, 128, 128],
    ]
    for (index, bar) in bars.enumerated() {
      let x = 20 + 40 * index
      let seen = [
        frame.y[120 * frame.yStride + x], frame.u[60 * frame.uvStride + x / 2], frame.v[60 * frame.uvStride + x / 2],
      ]
      #expect(zip(seen, bar).allSatisfy { abs(Int($0) - $1) <= 4 }, "bar \(index) is \(seen)")
    }
    // Cut short it is no picture.
    let cut = Array(bytes.dropLast(bytes.count / 2))
    #expect(!cut.withUnsafeBufferPointer { PixelFormat.mjpeg.convert($0, stride: 0, into: frame) })
  }

  @Test func damagedJPEGsAreRefused() {
    var random = SeededGenerator(seed: 9)
    let frame = VideoFramePool(keep: 0).take(VideoSize(width: 16, height: 16))
    for _ in 0..<50 {
      let bytes = [0xff, 0xd8] + random.bytes(300)
      bytes.withUnsafeBufferPointer { source in
        #expect(PixelFormat.jpegSize(source) == nil)
        #expect(!PixelFormat.mjpeg.convert(source, stride: 0, into: frame))
      }
    }
  }

  @Test func scalingKeepsThePicture() {
    let scaler = VideoScaler()
    let original = picture(VideoSize(width: 640, height: 480), milliseconds: 0)
    let small = scaler.scale(original, to: VideoSize(width: 160, height: 120))
    #expect(small.width == 160 && small.height == 120 && small.time == original.time)
    #expect(small.y[5 * small.yStride + 10] == 180 && small.u[2 * small.uvStride + 65] == 212)
    #expect(scaler.scale(original, to: VideoSize(width: 640, height: 480)) === original)
    #expect(
      VideoSize(width: 1280, height: 720).fitted(into: VideoSize(width: 640, height: 480))
        == VideoSize(width: 640, height: 360))
    #expect(
      VideoSize(width: 480, height: 640).fitted(into: VideoSize(width: 640, height: 480))
        == VideoSize(width: 360, height: 480))
    #expect(
      VideoSize(width: 64, height: 48).fitted(into: VideoSize(width: 640, height: 480))
        == VideoSize(width: 64, height: 48))
  }
}
