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
  /// Of every box the first column, and for as many columns as the largest has the weights, each eight times.
  private let firsts: Storage<Int32>
  private let weights: Storage<SIMD8<UInt16>>
  private let taps: Int

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
    let spans = UnsafeBufferPointer(start: horizontal.spans, count: outputs)
    let taps = spans.reduce(1) { max($0, Int(($1.count - 1) * $1.step) + 1) }
    self.taps = taps
    firsts = Storage(repeating: 0, count: outputs)
    weights = Storage(repeating: SIMD8(), count: outputs * taps)
    for (place, span) in spans.enumerated() {
      firsts.pointer[place] = span.first
      for tap in 0..<Int(span.count) {
        weights.pointer[place * taps + tap * Int(span.step)] =
          SIMD8(repeating: horizontal.weights[Int(span.weight) + tap])
      }
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
    weights.pointer.withMemoryRebound(to: UInt16.self, capacity: weights.count * SIMD8<UInt16>.scalarCount) {
      glyphone_samples_boxes(columns.pointer, firsts.pointer, $0, Int32(taps), output, horizontal.outputs)
    }
  }

  private func turn(into output: UnsafeMutablePointer<UInt64>) {
    glyphone_samples_turn(rows.pointer, rowBytes, output, width)
  }
}
