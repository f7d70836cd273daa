public import Frames
import NIOCore

/// A Y4M file as a camera: 4:2:0 with 8 bits, at the rate it states, in a loop.
///
/// A file that is cut short or damaged delivers the frames before that place, and then an error that names it.
public final class Y4MCamera: VideoSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name: String
  public var size: VideoSize { reader.header.size }

  private let file: InputFile
  private let reader: Y4MReader
  private let firstFrame: Int
  private let loops: Bool
  private let signal: StopSignal
  private var metronome: Metronome

  /// - Throws: when it cannot be opened, or is not a Y4M file that is understood (``MediaError/badFile(path:position:detail:)``).
  public convenience init(path: String) throws(MediaError) {
    try self.init(path: path, loops: true, pace: .realTime)
  }

  /// - Parameter loops: otherwise ``next()`` gives nil after the last frame.
  init(path: String, loops: Bool, pace: Metronome.Pace) throws(MediaError) {
    name = path
    self.loops = loops
    file = try InputFile(path: path)
    reader = try Y4MReader(file)
    let header = reader.header
    firstFrame = file.position
    if file.length == firstFrame { throw .badFile(path: path, position: firstFrame, detail: "it has no frame") }
    signal = try StopSignal(for: path)
    metronome = Metronome(rate: header.rate.numerator, per: header.rate.denominator, pace: pace, stop: signal)
  }

  public func next() throws(MediaError) -> VideoFrame? {
    if signal.isStopped { return nil }
    if file.position == file.length {
      guard loops else { return nil }
      try file.seek(to: firstFrame)
    }
    let start = file.position
    do {
      guard let frame = try reader.next() else { return nil }
      guard let time = metronome.wait() else { return nil }
      frame.time = time
      return frame
    } catch {
      // Stay at the damaged frame, so that a second call does not read from its middle.
      try file.seek(to: start)
      throw error
    }
  }

  public func stop() { signal.stop() }
}
