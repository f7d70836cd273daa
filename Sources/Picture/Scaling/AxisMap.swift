/// Which source samples of one axis an output sample is the mean of: a box, its edges weighted by how much of the sample
/// they cover. No box is narrower than a sample: where there are more outputs than samples they pass from one sample to the
/// next in a straight line, and none is just repeated.
final class AxisMap {
  /// The box of one output sample.
  struct Span {
    /// First source sample.
    var first: Int32
    /// Number of samples taken, 1...``AxisMap/mostTaps``.
    var count: Int32
    /// Distance between them: more than 1 only in very large boxes, of which every so many samples will do.
    var step: Int32
    /// Index of the first weight.
    var weight: Int32
  }

  /// The most samples a box is made of. With more, 8-bit weights would vanish.
  static let mostTaps = 64

  let outputs: Int
  /// Whether every output is just the source sample of its number.
  let isIdentity: Bool
  private let spanStorage: Storage<Span>
  private let weightStorage: Storage<UInt16>
  /// One for each output sample.
  var spans: UnsafeMutablePointer<Span> { spanStorage.pointer }
  /// The weights of each span add up to 256.
  var weights: UnsafeMutablePointer<UInt16> { weightStorage.pointer }

  /// - Parameters:
  ///   - source: samples there are, 1 or more.
  ///   - outputs: samples wanted, 1 or more.
  ///   - mirrored: whether the outputs run from the last source sample to the first.
  init(source: Int, outputs: Int, mirrored: Bool = false) {
    self.outputs = outputs
    isIdentity = source == outputs && !mirrored
    var spans: [Span] = []
    var weights: [UInt16] = []
    let length = 2 * outputs
    let reach = max(source, outputs)
    for position in 0..<outputs {
      let output = mirrored ? outputs - 1 - position : position
      // In units of 1/length of a source sample the box is [low, high), and sample s is [s * length, (s + 1) * length).
      let low = (2 * output + 1) * source - reach
      let high = low + 2 * reach
      let first = max(low, 0) / length
      let last = (min(high, source * length) - 1) / length
      let step = (last - first) / Self.mostTaps + 1
      let count = (last - first) / step + 1
      spans.append(Span(first: Int32(first), count: Int32(count), step: Int32(step), weight: Int32(weights.count)))
      var used = 0
      for tap in 1...count {
        // The outermost sample also stands for what is beyond it.
        let end = tap == count ? high : min((first + tap) * length, high)
        let covered = step > 1 ? tap * 256 / count : ((end - low) * 256 + reach) / (2 * reach)
        weights.append(UInt16(covered - used))
        used = covered
      }
    }
    self.spanStorage = Storage(repeating: Span(first: 0, count: 1, step: 1, weight: 0), count: outputs)
    self.weightStorage = Storage(repeating: 0, count: weights.count)
    for (index, span) in spans.enumerated() { spanStorage.pointer[index] = span }
    for (index, weight) in weights.enumerated() { weightStorage.pointer[index] = weight }
  }
}
