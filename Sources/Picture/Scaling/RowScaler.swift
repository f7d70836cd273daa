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

  /// Output columns.
  var outputs: Int { horizontal.outputs }

  init(width: Int, outputs: Int, mirrored: Bool) {
    self.width = width
    horizontal = AxisMap(source: width, outputs: outputs, mirrored: mirrored)
    rowBytes = (width + 63) & ~63
    rows = Storage(repeating: 0, count: 8 * rowBytes)
    columns = Storage(repeating: 0, count: rowBytes)
  }

  /// Reduces the rows of a vertical box into one lane.
  /// - Parameters:
  ///   - plane: first sample; rows are `stride` bytes apart and readable up to a multiple of 32.
  func reduce(
    _ plane: UnsafePointer<UInt8>, stride: Int, map: AxisMap, output: Int, lane: Int
  ) {
    let span = map.spans[output]
    let weights = map.weights + Int(span.weight)
    let count = Int(span.count)
    let source = UnsafeRawPointer(plane + Int(span.first) * stride)
    let pitch = Int(span.step) * stride
    let target = UnsafeMutableRawPointer(rows.pointer + lane * rowBytes)
    var x = 0
    while x < width {
      var low = SIMD16<UInt16>(repeating: 128)
      var high = low
      var row = source + x
      for tap in 0..<count {
        let weight = SIMD16<UInt16>(repeating: weights[tap])
        low &+= SIMD16(truncatingIfNeeded: row.loadUnaligned(as: SIMD16<UInt8>.self)) &* weight
        high &+= SIMD16(truncatingIfNeeded: (row + 16).loadUnaligned(as: SIMD16<UInt8>.self)) &* weight
        row += pitch
      }
      target.storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: low &>> 8), toByteOffset: x, as: SIMD16<UInt8>.self)
      target.storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: high &>> 8), toByteOffset: x + 16, as: SIMD16<UInt8>.self)
      x += 32
    }
  }

  /// Reduces the eight lanes horizontally: writes one word of eight rows for each output column.
  func finish(into output: UnsafeMutablePointer<UInt64>) {
    turn()
    let words = UnsafePointer(columns.pointer)
    for column in 0..<horizontal.outputs {
      let span = horizontal.spans[column]
      let weights = horizontal.weights + Int(span.weight)
      var sum = SIMD8<UInt16>(repeating: 128)
      var source = words + Int(span.first)
      for tap in 0..<Int(span.count) {
        let samples = unsafeBitCast(source.pointee, to: SIMD8<UInt8>.self)
        sum &+= SIMD8(truncatingIfNeeded: samples) &* SIMD8<UInt16>(repeating: weights[tap])
        source += Int(span.step)
      }
      output[column] = unsafeBitCast(SIMD8<UInt8>(truncatingIfNeeded: sum &>> 8), to: UInt64.self)
    }
  }

  private func turn() {
    let source = UnsafeRawPointer(rows.pointer)
    var x = 0
    while x < width {
      Transpose.bytes8x8(
        from: { lane in (source + lane * rowBytes + x).loadUnaligned(as: UInt64.self) }, into: columns.pointer + x)
      x += 8
    }
  }
}

/// Turning blocks of eight times eight bytes.
enum Transpose {
  /// Byte `i` of word `j` becomes byte `j` of word `i`.
  @inline(__always)
  static func bytes8x8(from word: (Int) -> UInt64, into output: UnsafeMutablePointer<UInt64>) {
    let r0 = pairs(word(0), word(1))
    let r1 = pairs(word(2), word(3))
    let r2 = pairs(word(4), word(5))
    let r3 = pairs(word(6), word(7))
    let left0 = interleave(r0.lowHalf, r1.lowHalf)  // columns 0-3 of rows 0-3
    let left1 = interleave(r2.lowHalf, r3.lowHalf)
    let right0 = interleave(r0.highHalf, r1.highHalf)
    let right1 = interleave(r2.highHalf, r3.highHalf)
    store(left0, left1, into: output)
    store(right0, right1, into: output + 4)
  }

  /// Bytes of two words side by side, as eight 16-bit pairs.
  @inline(__always)
  private static func pairs(_ a: UInt64, _ b: UInt64) -> SIMD8<UInt16> {
    let first = unsafeBitCast(a, to: SIMD8<UInt8>.self)
    let second = unsafeBitCast(b, to: SIMD8<UInt8>.self)
    return SIMD8<UInt16>(truncatingIfNeeded: first) | (SIMD8<UInt16>(truncatingIfNeeded: second) &<< 8)
  }

  @inline(__always)
  private static func interleave(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> SIMD4<UInt32> {
    SIMD4<UInt32>(truncatingIfNeeded: a) | (SIMD4<UInt32>(truncatingIfNeeded: b) &<< 16)
  }

  @inline(__always)
  private static func store(_ upper: SIMD4<UInt32>, _ lower: SIMD4<UInt32>, into output: UnsafeMutablePointer<UInt64>) {
    let words = SIMD4<UInt64>(truncatingIfNeeded: upper) | (SIMD4<UInt64>(truncatingIfNeeded: lower) &<< 32)
    UnsafeMutableRawPointer(output).storeBytes(of: words, as: SIMD4<UInt64>.self)
  }
}
