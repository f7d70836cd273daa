/// The shapes of all characters side by side, for comparing a tile with all of them at once.
final class LetterSet {
  /// Characters, padded to a multiple of ``width``.
  static let width = 8
  let count: Int
  /// Sums over `sample` of tile times shape are kept for all characters at once: `[sample][character]`.
  private let shapes: Storage<Float>
  private let scores: Storage<Float>
  /// Mean coverage, and variance summed over the samples.
  let means: [Float]
  let variances: [Float]
  let characters: [UInt8]

  /// - Parameter normalized: whether shapes have their mean taken away and their length made 1.
  init(normalized: Bool) {
    let coverage = LetterShapes.coverage
    characters = LetterShapes.characters
    count = (coverage.count + Self.width - 1) / Self.width * Self.width
    means = coverage.map { $0.reduce(0, +) / Float(LetterShapes.samples) }
    variances = zip(coverage, means).map { shape, mean in shape.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } }
    shapes = Storage(repeating: 0, count: LetterShapes.samples * count)
    scores = Storage(repeating: 0, count: count)
    for (character, shape) in coverage.enumerated() {
      let mean = normalized ? means[character] : 0
      let scale = normalized ? (variances[character] > 0 ? 1 / variances[character].squareRoot() : 0) : 1
      for sample in 0..<LetterShapes.samples {
        shapes.pointer[sample * count + character] = (shape[sample] - mean) * scale
      }
    }
  }

  /// The product of a tile's ``LetterShapes/samples`` with every shape; valid until the next call.
  func products(_ tile: UnsafePointer<Float>) -> UnsafePointer<Float> {
    let shapes = UnsafeRawPointer(shapes.pointer)
    let results = UnsafeMutableRawPointer(scores.pointer)
    let pitch = count * MemoryLayout<Float>.stride
    for group in stride(from: 0, to: pitch, by: Self.width * MemoryLayout<Float>.stride) {
      var sum = SIMD8<Float>(repeating: 0)
      var row = shapes + group
      for sample in 0..<LetterShapes.samples {
        sum += SIMD8<Float>(repeating: tile[sample]) * row.loadUnaligned(as: SIMD8<Float>.self)
        row += pitch
      }
      results.storeBytes(of: sum, toByteOffset: group, as: SIMD8<Float>.self)
    }
    return UnsafePointer(scores.pointer)
  }

  /// Reduces a tile's luma to 4x8 samples, columns one after the other, each 0...255; returns their mean.
  @inline(__always)
  static func reduce(_ luma: UnsafePointer<UInt64>, into tile: UnsafeMutablePointer<Float>) -> Float {
    var total = SIMD8<UInt16>(repeating: 0)
    for column in 0..<LetterShapes.columns {
      let sums =
        SIMD8<UInt16>(truncatingIfNeeded: unsafeBitCast(luma[2 * column], to: SIMD8<UInt8>.self))
        &+ SIMD8<UInt16>(truncatingIfNeeded: unsafeBitCast(luma[2 * column + 1], to: SIMD8<UInt8>.self))
      total &+= sums
      UnsafeMutableRawPointer(tile + 8 * column)
        .storeBytes(of: SIMD8<Float>(sums) * 0.5, as: SIMD8<Float>.self)
    }
    return Float(total.wrappedSum()) / 64
  }
}
