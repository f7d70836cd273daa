public import Frames
import Glibc
import NIOCore

/// A camera that needs no device: the test pattern, with the time of day as its clock shows it when the picture is taken.
public final class TestPatternCamera: VideoSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name = "test pattern"
  public let size: VideoSize

  private let pattern: TestPattern
  private let pool = VideoFramePool(keep: 6)
  private let signal: StopSignal
  private var metronome: Metronome
  /// Add to a time of the frames' clock for nanoseconds since midnight.
  private let midnight: Int64

  /// - Parameters:
  ///   - size: any valid one.
  ///   - framesPerSecond: 1...240.
  public convenience init(size: VideoSize, framesPerSecond: Int) throws(MediaError) {
    try self.init(size: size, framesPerSecond: framesPerSecond, pace: .realTime)
  }

  init(size: VideoSize, framesPerSecond: Int, pace: Metronome.Pace) throws(MediaError) {
    guard size.isValid, (1...240).contains(framesPerSecond) else {
      throw .failed(device: "test pattern", detail: "cannot show \(size) at \(framesPerSecond) frames a second")
    }
    self.size = size
    signal = try StopSignal(for: "test pattern")
    metronome = Metronome(rate: framesPerSecond, pace: pace, stop: signal)
    pattern = TestPattern(size: size)
    midnight = Self.nanosecondsSinceMidnight() - Int64(NIODeadline.now().uptimeNanoseconds)
  }

  public func next() throws(MediaError) -> VideoFrame? {
    guard let time = metronome.wait() else { return nil }
    let frame = pool.take(size)
    frame.time = time
    let day: Int64 = 86_400_000
    let milliseconds = (Int64(time.uptimeNanoseconds) + midnight) / 1_000_000 % day
    pattern.draw(into: frame, at: Int((milliseconds + day) % day))
    return frame
  }

  public func stop() { signal.stop() }

  private static func nanosecondsSinceMidnight() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var local = tm()
    localtime_r(&now.tv_sec, &local)
    let seconds = Int64(local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec)
    return seconds * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
