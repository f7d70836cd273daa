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
  ///   - plane: first sample; rows are `stride` bytes apart and readable up to a multiple of 16.
  func reduce(
    _ plane: UnsafePointer<UInt8>, stride: Int, map: AxisMap, output: Int, lane: Int
  ) {
    let span = map.spans[output]
    let weights = map.weights + Int(span.weight)
    let source = UnsafeRawPointer(plane + Int(span.first) * stride)
    let pitch = Int(span.step) * stride
    let target = UnsafeMutableRawPointer(rows.pointer + lane * rowBytes)
    switch span.count {
    case 1:
      target.copyMemory(from: source, byteCount: width)
    case 2:
      let w = (SIMD16(repeating: weights[0]), SIMD16(repeating: weights[1]))
      for x in Swift.stride(from: 0, to: width, by: 16) {
        let sum = Self.weighted(source + x, w.0) &+ Self.weighted(source + x + pitch, w.1)
        Self.store(sum, target + x)
      }
    case 3:
      let w = (SIMD16(repeating: weights[0]), SIMD16(repeating: weights[1]), SIMD16(repeating: weights[2]))
      for x in Swift.stride(from: 0, to: width, by: 16) {
        let row = source + x
        let sum = Self.weighted(row, w.0) &+ Self.weighted(row + pitch, w.1) &+ Self.weighted(row + 2 * pitch, w.2)
        Self.store(sum, target + x)
      }
    default:
      for x in Swift.stride(from: 0, to: width, by: 16) {
        var row = source + x
        var sum = SIMD16<UInt16>(repeating: 0)
        for tap in 0..<Int(span.count) {
          sum &+= Self.weighted(row, SIMD16(repeating: weights[tap]))
          row += pitch
        }
        Self.store(sum, target + x)
      }
    }
  }

  /// Sixteen samples times their weight.
  @inline(__always)
  private static func weighted(_ row: UnsafeRawPointer, _ weight: SIMD16<UInt16>) -> SIMD16<UInt16> {
    SIMD16(truncatingIfNeeded: row.loadUnaligned(as: SIMD16<UInt8>.self)) &* weight
  }

  @inline(__always)
  private static func store(_ sum: SIMD16<UInt16>, _ target: UnsafeMutableRawPointer) {
    let samples = SIMD16<UInt8>(truncatingIfNeeded: (sum &+ 128) &>> 8)
    target.storeBytes(of: samples, as: SIMD16<UInt8>.self)
  }

  /// Reduces the eight lanes horizontally: writes one word of eight rows for each output column.
  func finish(into output: UnsafeMutablePointer<UInt64>) {
    if horizontal.isIdentity { return turn(into: output) }
    turn(into: columns.pointer)
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

  private func turn(into output: UnsafeMutablePointer<UInt64>) {
    let source = UnsafeRawPointer(rows.pointer)
    var x = 0
    while x < width {
      Transpose.bytes8x8(
        from: { lane in (source + lane * rowBytes + x).loadUnaligned(as: UInt64.self) }, into: output + x)
      x += 8
    }
  }
}

/// Turning blocks of eight times eight bytes.
enum Transpose {
  /// Byte `i` of word `j` becomes byte `j` of word `i`.
  @inline(__always)
  static func bytes8x8(from word: (Int) -> UInt64, into output: UnsafeMutablePointer<UInt64>) {
    let r01 = interleaved(word(0), word(1))
    let r23 = interleaved(word(2), word(3))
    let r45 = interleaved(word(4), word(5))
    let r67 = interleaved(word(6), word(7))
    let upper = (interleaved(r01.lowHalf, r23.lowHalf), interleaved(r01.highHalf, r23.highHalf))
    let lower = (interleaved(r45.lowHalf, r67.lowHalf), interleaved(r45.highHalf, r67.highHalf))
    let target = UnsafeMutableRawPointer(output)
    store(upper.0.lowHalf, lower.0.lowHalf, at: target)
    store(upper.0.highHalf, lower.0.highHalf, at: target + 16)
    store(upper.1.lowHalf, lower.1.lowHalf, at: target + 32)
    store(upper.1.highHalf, lower.1.highHalf, at: target + 48)
  }

  /// The bytes of two words in turn, as eight pairs.
  @inline(__always)
  private static func interleaved(_ a: UInt64, _ b: UInt64) -> SIMD8<UInt16> {
    var bytes = SIMD16<UInt8>()
    bytes.evenHalf = unsafeBitCast(a, to: SIMD8<UInt8>.self)
    bytes.oddHalf = unsafeBitCast(b, to: SIMD8<UInt8>.self)
    return unsafeBitCast(bytes, to: SIMD8<UInt16>.self)
  }

  /// Pairs in turn, as four times four bytes.
  @inline(__always)
  private static func interleaved(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> SIMD4<UInt32> {
    var pairs = SIMD8<UInt16>()
    pairs.evenHalf = a
    pairs.oddHalf = b
    return unsafeBitCast(pairs, to: SIMD4<UInt32>.self)
  }

  @inline(__always)
  private static func store(_ upper: SIMD2<UInt32>, _ lower: SIMD2<UInt32>, at target: UnsafeMutableRawPointer) {
    var words = SIMD4<UInt32>()
    words.evenHalf = upper
    words.oddHalf = lower
    target.storeBytes(of: words, as: SIMD4<UInt32>.self)
  }
}
