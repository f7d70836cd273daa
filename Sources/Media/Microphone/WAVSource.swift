public import Frames
import NIOCore

/// A WAV file as a microphone: PCM of 8, 16, 24 or 32 bits or float, any rate and number of channels, in a loop.
///
/// A file that is cut short delivers what there is, and then an error that says so.
public final class WAVSource: AudioSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name: String

  private let file: InputFile
  private let header: WAVHeader
  /// Offset behind the last sample there is.
  private let end: Int
  private let isCutShort: Bool
  private let loops: Bool
  private let signal: StopSignal
  private var metronome: Metronome
  private let resampler: Resampler
  private let raw: UnsafeMutableRawBufferPointer
  private let mono: UnsafeMutableBufferPointer<Float>
  private let output: UnsafeMutableBufferPointer<Float>

  /// - Throws: when it cannot be opened, or is not a WAV file that is understood
  ///   (``MediaError/badFile(path:position:detail:)``).
  public convenience init(path: String) throws(MediaError) {
    try self.init(path: path, loops: true, pace: .realTime)
  }

  /// - Parameter loops: otherwise ``next(into:)`` gives false after the last sample.
  init(path: String, loops: Bool, pace: Metronome.Pace) throws(MediaError) {
    name = path
    self.loops = loops
    file = try InputFile(path: path)
    header = try WAVHeader(file)
    let present = max(file.length - header.dataOffset, 0)
    let length = min(header.dataLength ?? present, present) / header.bytesPerFrame * header.bytesPerFrame
    if length == 0 { throw .badFile(path: path, position: header.dataOffset, detail: "it has no sound") }
    end = header.dataOffset + length
    isCutShort = header.dataLength.map { $0 > present } ?? false
    signal = try StopSignal(for: path)
    metronome = Metronome(rate: 50, pace: pace, stop: signal)
    resampler = Resampler(from: header.sampleRate, to: AudioFormat.sampleRate)
    raw = .allocate(byteCount: 1024 * header.bytesPerFrame, alignment: 8)
    mono = .allocate(capacity: 1024)
    output = .allocate(capacity: AudioFormat.periodSamples)
  }

  deinit {
    raw.deallocate()
    mono.deallocate()
    output.deallocate()
  }

  public func next(into period: inout AudioPeriod) throws(MediaError) -> Bool {
    if signal.isStopped { return false }
    var filled = 0
    while filled < output.count {
      filled += resampler.pull(into: UnsafeMutableBufferPointer(rebasing: output[filled...]))
      if filled < output.count {
        guard try readMore() else { return false }
      }
    }
    guard let time = metronome.wait() else { return false }
    for index in 0..<filled {
      period.samples[index] = Int16(min(max((output[index] * 32768).rounded(), -32768), 32767))
    }
    period.time = time
    return true
  }

  public func stop() { signal.stop() }

  /// Gives the resampler another piece of the file.
  /// - Returns: false at the end of a file that does not loop.
  private func readMore() throws(MediaError) -> Bool {
    if file.position >= end {
      if isCutShort {
        throw .badFile(
          path: name, position: file.length,
          detail:
            "it is cut short: \(file.length - header.dataOffset) of \(header.dataLength ?? 0) bytes of sound are there")
      }
      guard loops else { return false }
      try file.seek(to: header.dataOffset)
    }
    let wanted = UnsafeMutableRawBufferPointer(rebasing: raw[..<min(raw.count, end - file.position)])
    let frames = try file.read(into: wanted) / header.bytesPerFrame
    // A file that shrank since it was opened.
    if frames == 0 { throw .badFile(path: name, position: file.position, detail: "it is cut short") }
    guard let bytes = UnsafeRawPointer(raw.baseAddress) else { return false }
    let scale = 1 / Float(header.channels)
    for frame in 0..<frames {
      var sum: Float = 0
      for channel in 0..<header.channels {
        sum += header.encoding.sample(bytes + frame * header.bytesPerFrame + channel * header.bytesPerSample)
      }
      mono[frame] = sum * scale
    }
    resampler.push(UnsafeBufferPointer(rebasing: mono[..<frames]))
    return true
  }
}
