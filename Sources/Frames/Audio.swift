public import NIOCore

/// The one sound format inside Glyphone: 48 kHz, mono, signed 16-bit, in periods of 20 ms. Devices and files of other
/// formats are converted at the edge.
public enum AudioFormat {
  /// Samples a second.
  public static let sampleRate = 48_000
  /// Samples in one period of 20 ms.
  public static let periodSamples = 960
  /// Duration of one period.
  public static let period = TimeAmount.milliseconds(20)
}

/// One period of sound (``AudioFormat``). Made once and refilled, so that a running call allocates none.
public struct AudioPeriod: Sendable {
  /// Exactly ``AudioFormat/periodSamples`` samples.
  public var samples: [Int16]
  /// When the first sample was captured, or is to be heard.
  public var time: NIODeadline

  /// Silence.
  public init() {
    samples = [Int16](repeating: 0, count: AudioFormat.periodSamples)
    time = .uptimeNanoseconds(0)
  }
}
