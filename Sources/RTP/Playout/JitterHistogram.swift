/// How late packets come, as shares of the packets of the last seconds; old ones are forgotten little by little.
struct JitterHistogram: Sendable {
  /// Width of a bucket, and their number: half a second in all.
  static let bucket = 5 * Int64.millisecond
  static let buckets = 100
  /// Share of the packets that are to come in time.
  static let quantile: Float = 0.97
  /// What one more packet leaves of the rest: half is forgotten after 140 packets, about 3 s.
  static let retention: Float = 0.995

  private var shares = [Float](repeating: 0, count: buckets)
  /// The lateness within which ``quantile`` of the packets come, in nanoseconds.
  private(set) var usualLateness: Int64

  /// - Parameter lateness: what to expect before anything is known, in nanoseconds.
  init(expecting lateness: Int64) {
    usualLateness = lateness
    shares[Self.index(lateness)] = 1
  }

  mutating func add(_ lateness: Int64) {
    var sum: Float = 0
    for index in shares.indices { shares[index] *= Self.retention }
    shares[Self.index(lateness)] += 1 - Self.retention
    for index in shares.indices {
      sum += shares[index]
      if sum >= Self.quantile {
        usualLateness = Int64(index + 1) * Self.bucket
        return
      }
    }
    usualLateness = Int64(Self.buckets) * Self.bucket
  }

  private static func index(_ lateness: Int64) -> Int {
    Int(min(max(lateness, 0) / bucket, Int64(buckets - 1)))
  }
}
