import ArgumentParser
import CAllocationCounter
import Foundation
import Frames
import Picture

/// From a decoded picture to the terminal's bytes, mode by mode, beside the reading of the same picture.
struct PictureBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "picture",
    abstract: "CPU, bytes and allocations a frame of every way to draw a moving 640x480 picture at 80x24.")

  @Option(help: "Pictures in each mode.")
  var frames = 300

  func run() throws {
    let clip = MovingPictures(count: 30)
    print("drawing 640x480 at 80x24, \(frames) pictures a mode; reading one takes \(Self.text(clip.readingTime, 3)) ms")
    for mode in RenderMode.allCases { measure(mode, clip) }
  }

  private func measure(_ mode: RenderMode, _ clip: MovingPictures) {
    let capabilities = TerminalCapabilities(
      colors: .trueColor, sixel: SixelSupport(keepsUnpaintedPixels: true),
      cellPixels: PixelSize(width: 8, height: 16))
    let renderer = Renderer(mode: mode, capabilities: capabilities)
    let viewport = Viewport(columns: 80, rows: 24, cellPixels: capabilities.cellPixels, screenRows: 25)
    var output: [UInt8] = []
    var bytes = 0
    // The first picture is drawn whole and makes the tables: it is a matter of once.
    renderer.render(remote: clip.frame(0), selfView: nil, in: viewport, into: &output)
    // So that every buffer has its size.
    for number in 1...60 {
      output.removeAll(keepingCapacity: true)
      renderer.render(remote: clip.frame(number), selfView: nil, in: viewport, into: &output)
    }
    let allocations = glyphone_allocations()
    let began = Bench.cpuSeconds
    for number in 1...max(frames, 1) {
      output.removeAll(keepingCapacity: true)
      renderer.render(remote: clip.frame(number), selfView: nil, in: viewport, into: &output)
      bytes += output.count
    }
    let time = (Bench.cpuSeconds - began) * 1000 / Double(max(frames, 1))
    let allocated = glyphone_allocations() - allocations
    let ratio = time / clip.readingTime
    print(
      "  \(mode.rawValue): \(Self.text(time, 3)) ms (\(Self.text(ratio, 1)) times the reading), \(bytes / max(frames, 1)) bytes, \(allocated) allocations in all"
    )
  }

  static func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}

/// A soft pattern that drifts over a still background, as a person moves before a wall.
private struct MovingPictures {
  private let frames: [VideoFrame]
  private let pool = VideoFramePool()

  init(count: Int) {
    let pool = pool
    frames = (0..<count).map { number in
      let frame = pool.take(VideoSize(width: 640, height: 480))
      frame.fill(y: 60, u: 120, v: 135)
      for row in 0..<frame.height {
        for column in 0..<frame.width {
          let (x, y) = (Double(column - 220 - 4 * number), Double(row - 240))
          let distance = (x * x + y * y).squareRoot()
          let luma = distance < 130 ? 150 + 60 * cos(distance / 17) : 60 + Double((column / 40 + row / 40) % 2) * 20
          frame.y[row * frame.yStride + column] = UInt8(luma)
        }
      }
      return frame
    }
  }

  /// Forth and back for ever.
  func frame(_ number: Int) -> VideoFrame {
    let place = number % (2 * frames.count - 2)
    return frames[place < frames.count ? place : 2 * frames.count - 2 - place]
  }

  /// CPU milliseconds to read the samples of one picture once.
  var readingTime: Double {
    var sum: UInt64 = 0
    let began = Bench.cpuSeconds
    for number in 0..<300 {
      let frame = frame(number)
      let words = UnsafeRawPointer(frame.y).assumingMemoryBound(to: UInt64.self)
      for index in 0..<frame.yStride * frame.height * 3 / 2 / 8 { sum &+= words[index] }
    }
    let time = (Bench.cpuSeconds - began) * 1000 / 300
    // The sum is used, or the reading would be optimised away.
    return sum == 1 ? .nan : time
  }
}
