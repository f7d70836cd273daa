public import Frames
import Glibc

/// The sounds of a call that is not yet one. Pure: each call of ``next(into:)`` gives the following 20 ms, for ever.
public struct RingTone: Sendable {
  /// Whose ear it is for.
  public enum Kind: Sendable, Equatable {
    /// Somebody is calling us: two chords in quick turn, then a pause.
    case incoming
    /// We are calling: 425 Hz, one second on, four off (the tone of ITU-T E.180).
    case ringback
  }

  private let pattern: [Step]
  private var step = 0
  private var sampleInStep = 0

  /// Tones that sound together for a while; none is a pause.
  private struct Step {
    var frequencies: [Double]
    var samples: Int

    init(_ frequencies: [Double], milliseconds: Int) {
      self.frequencies = frequencies
      samples = AudioFormat.sampleRate / 1000 * milliseconds
    }
  }

  public init(_ kind: Kind) {
    switch kind {
    case .incoming:
      let high = Step([659.3, 830.6], milliseconds: 160)
      let low = Step([523.3, 659.3], milliseconds: 160)
      pattern = [high, low, high, low, high, low, Step([], milliseconds: 1840)]
    case .ringback:
      pattern = [Step([425], milliseconds: 1000), Step([], milliseconds: 4000)]
    }
  }

  /// Writes the next period's samples; leaves its time alone.
  public mutating func next(into period: inout AudioPeriod) {
    let count = period.samples.count
    for index in 0..<count {
      let current = pattern[step]
      var sum = 0.0
      for frequency in current.frequencies {
        sum += sin(2 * .pi * frequency * Double(sampleInStep) / Double(AudioFormat.sampleRate))
      }
      let envelope = Envelope.gain(at: sampleInStep, of: current.samples)
      period.samples[index] = Int16(sum * envelope * 5000)
      sampleInStep += 1
      if sampleInStep == current.samples {
        sampleInStep = 0
        step = (step + 1) % pattern.count
      }
    }
  }
}

/// How a tone is faded in and out, so that it does not click.
enum Envelope {
  private static let ramp = AudioFormat.sampleRate / 100

  /// 0...1 for a sample of a tone: 10 ms up at its begin, 10 ms down at its end.
  static func gain(at sample: Int, of count: Int) -> Double {
    let edge = min(sample, count - 1 - sample)
    return edge >= ramp ? 1 : 0.5 - 0.5 * cos(.pi * Double(edge) / Double(ramp))
  }
}
