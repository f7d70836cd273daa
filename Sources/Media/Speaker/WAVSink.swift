public import Frames
import Glibc
public import NIOCore

/// A WAV file as a speaker: 48 kHz, mono, 16 bits. Its header is true at every second, so that the file is good even if the
/// program is killed.
public final class WAVSink: AudioSink, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls play(_:).

  public let name: String
  public var delay: TimeAmount { .zero }

  /// A WAV file states its size in 32 bits; recording ends there. 12 hours.
  private static let mostBytes = 0x7fff_f000
  private static let headerBytes = 44

  private let descriptor: Int32
  private let signal: StopSignal
  private var metronome: Metronome
  private var written = 0
  private var periods = 0

  /// Makes the file, or empties it.
  /// - Throws: when it cannot be written.
  public convenience init(path: String) throws(MediaError) { try self.init(path: path, pace: .realTime) }

  init(path: String, pace: Metronome.Pace) throws(MediaError) {
    name = path
    signal = try StopSignal(for: path)
    metronome = Metronome(rate: 50, pace: pace, stop: signal)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if file < 0 { throw .opening(errno, device: path) }
    descriptor = file
    try writeHeader()
  }

  deinit {
    try? writeHeader()
    close(descriptor)
  }

  public func play(_ period: borrowing AudioPeriod) throws(MediaError) {
    guard metronome.wait() != nil, written < Self.mostBytes else { return }
    let bytes = period.samples.count * 2
    try write(period.samples, at: Self.headerBytes + written)
    written += bytes
    periods += 1
    if periods % 50 == 0 { try writeHeader() }
  }

  public func stop() { signal.stop() }

  /// The sink's machine is little-endian, as WAV is.
  private func write<Element: BitwiseCopyable>(_ elements: [Element], at offset: Int) throws(MediaError) {
    var code: Int32 = 0
    elements.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count, code == 0 {
        let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
        if count > 0 { done += count } else if errno != EINTR { code = errno }
      }
    }
    if code != 0 { throw .using(code, device: name, doing: "cannot be written") }
  }

  private func writeHeader() throws(MediaError) {
    var header: [UInt8] = []
    func put(_ value: Int, _ bytes: Int) { for byte in 0..<bytes { header.append(UInt8(value >> (8 * byte) & 0xff)) } }
    header += "RIFF".utf8
    put(Self.headerBytes - 8 + written, 4)
    header += "WAVEfmt ".utf8
    put(16, 4)
    put(1, 2)
    put(1, 2)
    put(AudioFormat.sampleRate, 4)
    put(AudioFormat.sampleRate * 2, 4)
    put(2, 2)
    put(16, 2)
    header += "data".utf8
    put(written, 4)
    try write(header, at: 0)
  }
}
