import ArgumentParser
import Foundation
import Frames
import Media
import Picture
import Synchronization
import TerminalUI

struct PlayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "play", abstract: "Play a film in the terminal, or measure how it is drawn.",
    discussion: """
      Takes Y4M, and VP8 or VP9 in WebM or IVF. While it plays: q leaves, space pauses, r draws in another way, + and - \
      zoom, i j k l move about, p freezes.
      With --benchmark nothing is shown: every picture is drawn for a terminal of --size, filling it exactly, and bytes \
      and CPU time are printed. The stream (--output) has one synchronized update (CSI ? 2026 h to l) for each picture.
      """)

  @Argument(help: ArgumentHelp("The film; - is standard input.", valueName: "FILE|-"))
  var file: String

  @OptionGroup(title: "Screen") var screen: ScreenOptions

  @Flag(help: "Draw every picture for a terminal that is not there, and measure.")
  var benchmark = false

  @Option(help: ArgumentHelp("Columns and rows of that terminal.", valueName: "80x24"))
  var size = GridSize(columns: 80, rows: 24)

  @Option(help: ArgumentHelp("Width and height of its cells in pixels.", valueName: "8x16"))
  var cell = GridSize(columns: 8, rows: 16)

  @Option(help: ArgumentHelp("The price of a byte; 0 sends every change.", valueName: "NUMBER"))
  var lambda = Renderer.standardLambda

  @Flag(help: "Draw every picture whole.")
  var fullFrames = false

  @Option(help: "Stop after this many pictures.")
  var frames: Int?

  @Option(help: ArgumentHelp("Write the stream to a file.", valueName: "FILE"))
  var output: String?

  func validate() throws {
    if let frames, frames < 1 { throw ValidationError("--frames takes 1 or more.") }
    let largest = Viewport.largestCell
    guard cell.columns <= largest.width, cell.rows <= largest.height else {
      throw ValidationError("--cell takes 1x1 to \(largest.width)x\(largest.height).")
    }
    guard lambda >= 0, lambda.isFinite else { throw ValidationError("--lambda takes 0 or more.") }
  }

  func run() async throws {
    if benchmark {
      try PlayBenchmark(self).run()
    } else {
      try await play()
    }
  }

  /// The screen belongs to the main thread, which this blocks.
  @MainActor
  private func play() throws {
    let film = Mutex(Film(reader: try MovieReader(path: file), left: frames ?? .max))
    let options = MoviePlayer.Options(
      renderMode: screen.render.mode, overrides: screen.overrides, bytesPerSecond: screen.maxBandwidth)
    try MoviePlayer(options: options) { try film.withLock { try $0.next() } }.run()
  }

  /// A film that ends after so many pictures.
  private struct Film {
    let reader: MovieReader
    var left: Int

    mutating func next() throws -> VideoFrame? {
      guard left > 0 else { return nil }
      left -= 1
      return try reader.next()
    }
  }
}

/// Two numbers as `80x24`.
struct GridSize: ExpressibleByArgument {
  var columns: Int
  var rows: Int

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  init?(argument: String) {
    let parts = argument.split(separator: "x").compactMap { Int($0) }
    guard parts.count == 2, parts.allSatisfy({ (1...Viewport.largestSide).contains($0) }) else { return nil }
    self.init(columns: parts[0], rows: parts[1])
  }

  var defaultValueDescription: String { "\(columns)x\(rows)" }
}
