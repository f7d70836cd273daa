public import Frames
public import NIOCore

/// A speaker that nobody hears, and that takes its periods at the pace of real time.
public final class NullSink: AudioSink, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls play(_:).

  public let name = "none"
  public var delay: TimeAmount { .zero }

  private let signal: StopSignal
  private var metronome: Metronome

  public init() throws(MediaError) {
    signal = try StopSignal(for: name)
    metronome = Metronome(rate: 50, pace: .realTime, stop: signal)
  }

  public func play(_ period: borrowing AudioPeriod) throws(MediaError) { _ = metronome.wait() }

  public func stop() { signal.stop() }
}
