import CSamples

/// Scales eight rows at a time. Rows are first reduced vertically, then turned so that each column is one 64-bit word with
/// a row in every byte (the topmost in the lowest), then reduced horizontally eight rows at once.
///
/// The eight lanes may be rows of one plane, or four of U and four of V.
final class RowScaler {
  /// Source width in samples.
  private let width: Int
  private let horizontal: AxisMap
  private let rowBytes: Int
  private let rows: Storage<UInt8>
  private let columns: Storage<UInt64>
  /// The weights of all boxes, each eight times.
  private let weights: Storage<SIMD8<UInt16>>
  private let pairs: Storage<Pair>

  /// A box of two samples, the second perhaps of no weight.
  private struct Pair {
    var first: Int = 0
    var firstWeight = SIMD8<UInt16>()
    var secondWeight = SIMD8<UInt16>()
  }

  /// Output columns.
  var outputs: Int { horizontal.outputs }
  /// Whether the lanes are the result: they need no reducing horizontally.
  var isVertical: Bool { horizontal.isIdentity }
  /// The lanes as they were reduced vertically.
  var lanes: (first: UnsafePointer<UInt8>, stride: Int) { (UnsafePointer(rows.pointer), rowBytes) }

  init(width: Int, outputs: Int, mirrored: Bool) {
    self.width = width
    horizontal = AxisMap(source: width, outputs: outputs, mirrored: mirrored)
    rowBytes = (width + 63) & ~63
    rows = Storage(repeating: 0, count: 8 * rowBytes)
    columns = Storage(repeating: 0, count: rowBytes)
    weights = Storage(repeating: SIMD8(), count: horizontal.weightCount)
    for place in 0..<weights.count { weights.pointer[place] = SIMD8(repeating: horizontal.weights[place]) }
    pairs = Storage(repeating: Pair(), count: horizontal.taps <= 2 ? outputs : 0)
    for place in 0..<pairs.count {
      let span = horizontal.spans[place]
      let weights = weights.pointer + Int(span.weight)
      pairs.pointer[place] = Pair(
        first: Int(span.first), firstWeight: weights[0], secondWeight: span.count > 1 ? weights[1] : SIMD8())
    }
  }

  /// Reduces the rows of a vertical box into one lane.
  /// - Parameters:
  ///   - plane: first sample; rows are `stride` bytes apart and readable up to a multiple of 32.
  func reduce(
    _ plane: UnsafePointer<UInt8>, stride: Int, map: AxisMap, output: Int, lane: Int
  ) {
    let span = map.spans[output]
    glyphone_samples_mean(
      plane + Int(span.first) * stride, Int(span.step) * stride, map.weights + Int(span.weight), span.count,
      rows.pointer + lane * rowBytes, width)
  }

  /// Reduces the eight lanes horizontally: writes one word of eight rows for each output column.
  func finish(into output: UnsafeMutablePointer<UInt64>) {
    if horizontal.isIdentity { return turn(into: output) }
    turn(into: columns.pointer)
    if horizontal.taps <= 2 { finishPairs(into: output) } else { finishBoxes(into: output) }
  }

  /// Where every box is of two samples at most: enlarging, mostly.
  private func finishPairs(into output: UnsafeMutablePointer<UInt64>) {
    let words = UnsafePointer(columns.pointer)
    let pairs = UnsafePointer(pairs.pointer)
    for column in 0..<horizontal.outputs {
      let pair = pairs + column
      let source = words + Int(pair.pointee.first)
      let sum =
        Self.samples(source[0]) &* pair.pointee.firstWeight &+ Self.samples(source[1]) &* pair.pointee.secondWeight
        &+ 128
      output[column] = Self.bytes(sum)
    }
  }

  private func finishBoxes(into output: UnsafeMutablePointer<UInt64>) {
    let words = UnsafePointer(columns.pointer)
    let spans = UnsafePointer(horizontal.spans)
    let weights = UnsafePointer(weights.pointer)
    for column in 0..<horizontal.outputs {
      let span = spans[column]
      var weight = weights + Int(span.weight)
      let end = weight + Int(span.count)
      var source = words + Int(span.first)
      var sum = SIMD8<UInt16>(repeating: 128)
      while weight < end {
        sum &+= Self.samples(source.pointee) &* weight.pointee
        source += Int(span.step)
        weight += 1
      }
      output[column] = Self.bytes(sum)
    }
  }

  @inline(__always)
  private static func samples(_ column: UInt64) -> SIMD8<UInt16> {
    SIMD8(truncatingIfNeeded: unsafeBitCast(column, to: SIMD8<UInt8>.self))
  }

  /// The high bytes of sums.
  @inline(__always)
  private static func bytes(_ sums: SIMD8<UInt16>) -> UInt64 {
    unsafeBitCast(SIMD8<UInt8>(truncatingIfNeeded: sums &>> 8), to: UInt64.self)
  }

  private func turn(into output: UnsafeMutablePointer<UInt64>) {
    glyphone_samples_turn(rows.pointer, rowBytes, output, width)
  }
}
