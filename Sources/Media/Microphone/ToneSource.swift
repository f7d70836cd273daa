public import Frames
import Glibc
import NIOCore

/// A microphone that needs no device: 440 Hz at a gentle level, half of each second, so that a listener hears it live.
public final class ToneSource: AudioSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  /// In Hz.
  public static let frequency = 440.0
  /// The peak of the tone, of 32767.
  static let amplitude = 4000.0
  /// Samples of sound, and as many of silence.
  static let beep = AudioFormat.sampleRate / 2

  public let name = "tone"

  private let signal: StopSignal
  private var metronome: Metronome
  private var sample = 0

  public convenience init() throws(MediaError) { try self.init(pace: .realTime) }

  init(pace: Metronome.Pace) throws(MediaError) {
    signal = try StopSignal(for: name)
    metronome = Metronome(rate: 50, pace: pace, stop: signal)
  }

  public func next(into period: inout AudioPeriod) throws(MediaError) -> Bool {
    guard let time = metronome.wait() else { return false }
    period.time = time
    for index in 0..<period.samples.count {
      period.samples[index] = Self.value(at: sample)
      sample = (sample + 1) % (2 * Self.beep)
    }
    return true
  }

  public func stop() { signal.stop() }

  private static func value(at sample: Int) -> Int16 {
    guard sample < beep else { return 0 }
    let angle = 2 * .pi * frequency * Double(sample) / Double(AudioFormat.sampleRate)
    return Int16(sin(angle) * amplitude * Envelope.gain(at: sample, of: beep))
  }
}
