import Foundation
import Frames
import Media
import Picture
import TerminalUI

/// Draws a film for a terminal that is not there and measures what that takes.
struct PlayBenchmark {
  private let command: PlayCommand
  private let renderer: Renderer
  private let viewport: Viewport

  init(_ command: PlayCommand) {
    self.command = command
    let cell = PixelSize(width: command.cell.columns, height: command.cell.rows)
    // Of sixels what foot can do.
    var capabilities = TerminalCapabilities(
      colors: .trueColor, sixel: SixelSupport(keepsUnpaintedPixels: true, sharesRegisters: true), cellPixels: cell)
    let mode = command.screen.render.mode ?? .block
    command.screen.overrides.apply(to: &capabilities, wanting: mode)
    renderer = Renderer(mode: mode, capabilities: capabilities, fit: .stretch, lambda: command.lambda)
    viewport = Viewport(
      columns: command.size.columns, rows: command.size.rows,
      cellPixels: capabilities.cellPixels,
      // Below the picture there is room, so that an image may fill it to its last row and a band of sixels reach below.
      screenRows: command.size.rows + 2)
  }

  func run() throws {
    let movie = try MovieReader(path: command.file)
    let stream = try command.output.map { try LineFile(path: $0) }
    var times: [Double] = []
    var sizes: [Int] = []
    var bytes: [UInt8] = []
    var last: VideoFrame?
    // What a damaged film gave before its end is worth a report, too.
    defer {
      report(times, sizes)
      if let last, renderer.mode == .sixel { reportScene(last) }
    }
    while let frame = try movie.next(), times.count < command.frames ?? .max {
      last = frame
      bytes.removeAll(keepingCapacity: true)
      if command.fullFrames { renderer.invalidate() }
      let began = Self.cpuMilliseconds
      renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
      times.append(Self.cpuMilliseconds - began)
      // A picture that changes nothing is an update of nothing, so that pictures can be counted.
      if bytes.isEmpty { bytes += "\u{1B}[?2026h\u{1B}[?2026l".utf8 }
      sizes.append(bytes.count)
      stream?.write(bytes)
    }
  }

  private func report(_ times: [Double], _ sizes: [Int]) {
    guard let first = sizes.first else { return print("no pictures") }
    let mean = sizes.reduce(0, +) / sizes.count
    let rest = sizes.count > 1 ? (sizes.reduce(0, +) - first) / (sizes.count - 1) : 0
    print("pictures          \(times.count)")
    print("bytes a picture   \(mean) (first \(first), the others \(rest), largest \(sizes.max() ?? 0))")
    print(
      "CPU a picture     \(Self.text(times.sorted()[times.count / 2])) ms (median), \(Self.text(times.max() ?? 0)) ms at most"
    )
  }

  /// What the palette of a new scene takes: how much more a picture costs after one of quite another colour than when it is
  /// drawn whole again.
  private func reportScene(_ frame: VideoFrame) {
    let other = VideoFramePool().take(VideoSize(width: frame.width, height: frame.height))
    other.fill(y: 80, u: 240, v: 110)
    let extra = (0..<9).map { _ in
      _ = cpu(of: other)
      return cpu(of: frame) - cpu(of: frame)
    }
    print("CPU of a palette  \(Self.text(extra.sorted()[extra.count / 2])) ms, with the first picture of a scene")
  }

  /// Of a picture that is drawn whole.
  private func cpu(of frame: VideoFrame) -> Double {
    var bytes: [UInt8] = []
    renderer.invalidate()
    let began = Self.cpuMilliseconds
    renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
    return Self.cpuMilliseconds - began
  }

  private static func text(_ value: Double) -> String { String(format: "%.3f", value) }

  /// CPU time of this process: the machine's other work does not count.
  private static var cpuMilliseconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
  }
}
