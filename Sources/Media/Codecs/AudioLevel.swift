import Glibc

/// Loudness as the RTP header extension of RFC 6464 carries it.
public enum AudioLevel {
  /// The level of digital silence.
  public static let silence: UInt8 = 127

  /// The level of the samples in -dBov (RFC 6464 §3): 0 is the loudest that the format can hold, 127 silence.
  public static func measure(_ samples: [Int16]) -> UInt8 {
    guard !samples.isEmpty else { return silence }
    let energy = samples.withUnsafeBufferPointer { samples in
      var sum: UInt64 = 0
      for sample in samples {
        let value = Int64(sample)
        sum &+= UInt64(truncatingIfNeeded: value &* value)
      }
      return sum
    }
    guard energy > 0 else { return silence }
    let meanSquare = Double(energy) / Double(samples.count)
    let decibels = 10 * log10(meanSquare / (32767 * 32767))
    return UInt8(min(max((-decibels).rounded(), 0), Double(silence)))
  }
}
