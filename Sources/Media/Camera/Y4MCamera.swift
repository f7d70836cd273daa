public import Frames
import NIOCore

/// A Y4M file as a camera: 4:2:0 with 8 bits, at the rate it states, in a loop.
///
/// A file that is cut short or damaged delivers the frames before that place, and then an error that names it.
public final class Y4MCamera: VideoSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name: String
  public var size: VideoSize { header.size }

  private let file: InputFile
  private let header: Y4MHeader
  private let firstFrame: Int
  private let loops: Bool
  private let pool = VideoFramePool(keep: 6)
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
    let line = try Self.line(of: file)
    do throws(Y4MHeader.Problem) { header = try Y4MHeader(line: line) } catch {
      throw .badFile(path: path, position: 0, detail: error.words)
    }
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
      let frame = try readFrame()
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

  private func readFrame() throws(MediaError) -> VideoFrame {
    let start = file.position
    let line = try Self.line(of: file)
    guard line.starts(with: "FRAME".utf8), line.count == 5 || line[5] == UInt8(ascii: " ") else {
      throw .badFile(path: name, position: start, detail: "a frame should begin here, and does not")
    }
    let frame = pool.take(size)
    try readPlane(frame.y, width: frame.width, height: frame.height, stride: frame.yStride)
    try readPlane(frame.u, width: frame.chromaWidth, height: frame.chromaHeight, stride: frame.uvStride)
    try readPlane(frame.v, width: frame.chromaWidth, height: frame.chromaHeight, stride: frame.uvStride)
    if header.isFullRange { frame.limitRange() }
    return frame
  }

  private func readPlane(
    _ plane: UnsafeMutablePointer<UInt8>, width: Int, height: Int, stride: Int
  ) throws(MediaError) {
    for row in 0..<height {
      let line = UnsafeMutableRawBufferPointer(start: plane + row * stride, count: width)
      guard try file.read(into: line) == width else {
        throw .badFile(path: name, position: file.position, detail: "it is cut short in the middle of a frame")
      }
    }
  }

  /// Reads to the next line feed and leaves that out.
  private static func line(of file: InputFile) throws(MediaError) -> [UInt8] {
    let start = file.position
    var line: [UInt8] = []
    while line.count <= Y4MHeader.longestLine {
      guard let byte = try file.readByte() else {
        throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of a line")
      }
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
    throw .badFile(path: file.path, position: start, detail: "a line here is longer than any of a Y4M file")
  }
}
