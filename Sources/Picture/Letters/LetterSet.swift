/// All characters side by side, for comparing a tile with every one of them at once.
final class LetterSet {
  typealias Lanes = SIMD8<Int16>

  let shapes: [LetterShapes.Shape]
  /// Of eight characters each.
  let groups: Int
  /// `[group][sample]`, a character in each lane.
  private let weights: Storage<Lanes>
  /// `[group]`
  private let results: Storage<Lanes>
  /// The tile's samples, each in all lanes.
  private let tile = Storage(repeating: Lanes(), count: LetterShapes.samples)
  /// The number of each ASCII character; that of the space, which is like nothing, for all others.
  private let numbers = Storage<UInt8>(repeating: 0, count: Glyph.count)

  /// - Parameter weight: what a sample of a shape counts. The sums of tiles with them must fit 16 bits.
  init(_ font: LetterFont, weight: (LetterShapes.Shape, _ ink: Float) -> Float) {
    shapes = LetterShapes(font).all
    groups = (shapes.count + 7) / 8
    weights = Storage(repeating: Lanes(), count: groups * LetterShapes.samples)
    results = Storage(repeating: Lanes(), count: groups)
    for (number, shape) in shapes.enumerated() {
      numbers.pointer[Int(shape.character)] = UInt8(number)
      for (sample, ink) in shape.ink.enumerated() {
        let value = weight(shape, ink).rounded()
        weights.pointer[number / 8 * LetterShapes.samples + sample][number % 8] = Int16(min(max(value, -32767), 32767))
      }
    }
  }

  @inline(__always)
  func number(of glyph: Glyph) -> Int { Int(numbers.pointer[Int(glyph.id)]) }

  /// Takes the samples of a tile: (sample - mean) * scale, which must fit 16 bits.
  @inline(__always)
  func set(_ tile: LetterTile, mean: Float, scale: Float) {
    set(tile.columns.0, mean, scale, at: 0)
    set(tile.columns.1, mean, scale, at: 8)
    set(tile.columns.2, mean, scale, at: 16)
    set(tile.columns.3, mean, scale, at: 24)
  }

  @inline(__always)
  private func set(_ sums: SIMD8<UInt16>, _ mean: Float, _ scale: Float, at first: Int) {
    let values = (TileBatch.floats(sums) * 0.5 - mean) * scale
    // Adding this leaves the rounded number in the low bits.
    let bits = unsafeBitCast(values + 12_582_912, to: SIMD8<Int32>.self)
    let rounded = Lanes(truncatingIfNeeded: bits)
    for sample in 0..<8 { tile.pointer[first + sample] = Lanes(repeating: rounded[sample]) }
  }

  /// The products of the tile that was set with every shape; valid until the next call.
  @inline(__always)
  func products() -> UnsafePointer<Int16> {
    let tile = UnsafePointer(tile.pointer)
    for group in stride(from: 0, to: groups, by: 2) {
      let first = UnsafePointer(weights.pointer + group * LetterShapes.samples)
      let second = first + LetterShapes.samples
      var sums = (Lanes(), Lanes())
      for sample in 0..<LetterShapes.samples {
        let value = tile[sample]
        sums.0 &+= value &* first[sample]
        sums.1 &+= value &* second[sample]
      }
      results.pointer[group] = sums.0
      results.pointer[group + 1] = sums.1
    }
    return UnsafeRawPointer(results.pointer).assumingMemoryBound(to: Int16.self)
  }

  /// The products with eight characters, if none is negative.
  @inline(__always)
  func product(_ group: Int) -> SIMD8<Float> {
    TileBatch.floats(unsafeBitCast(results.pointer[group], to: TileBatch.Lanes.self))
  }

  /// The number of the product that is largest in size. Signs are spread over their lanes to select: the library's masks are
  /// made lane by lane, which takes longer than all the products.
  @inline(__always)
  func strongest() -> Int {
    var largest = Lanes()
    var places = Lanes()
    for group in 0..<groups {
      let product = results.pointer[group]
      let sign = product &>> 15
      let gain = ((product ^ sign) &- sign) &- largest
      let isLarger = ~(gain &>> 15)
      largest &+= gain & isLarger
      places ^= (places ^ Int16(truncatingIfNeeded: group)) & isLarger
    }
    var best = 0
    for lane in 1..<8 where largest[lane] > largest[best] { best = lane }
    return Int(places[best]) * 8 + best
  }
}
