/// The best pattern of a ``SubcellGrid`` for each tile: which parts are ink and which are ground. The two clusters of least
/// squares on a line are always apart, so it is enough to sort the parts by brightness and try each place to divide them.
final class SubcellSplits {
  let grid: SubcellGrid
  private let parts: Int
  /// The parts' means (times 8 to 16, whatever fits) above their numbers in the low three bits; sorted. A tile in each lane.
  private let keys = Storage(repeating: SIMD8<Int16>(), count: 8)
  /// The parts' sums; a part of weight 1 is of ``sampleScale`` samples (of half samples in sextants).
  private let sums = Storage(repeating: TileBatch.Lanes(), count: 8)
  /// What a part weighs; all together they weigh ``weightOfAll``.
  private let weights = Storage<UInt8>(repeating: 1, count: 8)
  private let weightOfAll: Float
  private let sampleScale: Float
  /// From squared sums of keys to squared error removed.
  private let unit: Float
  private let glyphs: Storage<Glyph>
  /// The pattern of each glyph, or 0.
  private let patterns = Storage<UInt8>(repeating: 0, count: Glyph.count)
  /// For each pattern itself, or what it leaves where its own glyph is to be avoided.
  private let written: Storage<UInt8>
  private let network: Storage<(Int, Int)>

  init(_ grid: SubcellGrid) {
    self.grid = grid
    parts = grid.parts
    glyphs = Storage(repeating: .space, count: 1 << grid.parts)
    for pattern in 1..<(1 << grid.parts) - 1 {
      let glyph = grid.glyph(pattern)
      glyphs.pointer[pattern] = glyph
      patterns.pointer[Int(glyph.id)] = UInt8(pattern)
    }
    written = Storage(repeating: 0, count: 1 << grid.parts)
    for pattern in 0..<1 << grid.parts {
      let isStray = grid == .octant && SubcellGlyphs.strayOctants.contains(pattern)
      written.pointer[pattern] = UInt8(isStray ? 255 - pattern : pattern)
    }
    // A sextant is 2.5, 3 and 2.5 sample rows high, as in a cell of 16 pixels.
    weightOfAll = grid == .sextant ? 32 : Float(parts)
    if grid == .sextant { for part in 0..<6 { weights.pointer[part] = part / 2 == 1 ? 6 : 5 } }
    sampleScale = grid == .sextant ? 4 : 64 / weightOfAll
    let scale: Float = grid == .sextant ? 15 : sampleScale
    unit = 64 / (scale * scale * weightOfAll * weightOfAll)
    let exchanges = Self.exchanges(parts)
    network = Storage(repeating: (0, 0), count: exchanges.count)
    for (place, exchange) in exchanges.enumerated() { network.pointer[place] = exchange }
  }

  /// Batcher's odd-even merge sort, for any number of elements.
  private static func exchanges(_ count: Int) -> [(Int, Int)] {
    var result: [(Int, Int)] = []
    var p = 1
    while p < count {
      var k = p
      while k >= 1 {
        for j in stride(from: k % p, to: count - k, by: 2 * k) {
          for i in 0..<min(k, count - j - k) where (i + j) / (2 * p) == (i + j + k) / (2 * p) {
            result.append((i + j, i + j + k))
          }
        }
        k /= 2
      }
      p *= 2
    }
    return result
  }

  /// Scores whose lowest five bits are the number of parts that are ground in the best split: how much squared error it
  /// removes.
  @inline(__always)
  func best(_ batch: TileBatch) -> SIMD8<Float> {
    let keys = keys.pointer
    fillIn(batch, keys)
    let network = UnsafePointer(network.pointer)
    for place in 0..<self.network.count {
      let (a, b) = network[place]
      let (first, second) = (keys[a], keys[b])
      keys[a] = first.replacing(with: second, where: second .< first)
      keys[b] = second.replacing(with: first, where: second .< first)
    }
    var total = SIMD8<Float>()
    for place in 0..<parts { total += values(keys[place]) * weights(keys[place]) }
    var sum = SIMD8<Float>()
    var weight = SIMD8<Float>()
    var best = SIMD8<Float>()
    for place in 0..<parts - 1 {
      let own = weights(keys[place])
      sum += values(keys[place]) * own
      weight += own
      let difference = sum * weightOfAll - total * weight
      let gain = difference * difference * unit / (weight * (weightOfAll - weight))
      let bits = unsafeBitCast(gain, to: SIMD8<UInt32>.self)
      let score = unsafeBitCast((bits & ~31) | UInt32(truncatingIfNeeded: place + 1), to: SIMD8<Float>.self)
      best.replace(with: score, where: score .> best)
    }
    return best
  }

  @inline(__always)
  private func values(_ key: SIMD8<Int16>) -> SIMD8<Float> {
    TileBatch.floats(unsafeBitCast(key, to: TileBatch.Lanes.self) &>> 3)
  }

  @inline(__always)
  private func weights(_ key: SIMD8<Int16>) -> SIMD8<Float> {
    guard grid == .sextant else { return SIMD8(repeating: 1) }
    // Parts 2 and 3 are the large ones.
    return TileBatch.floats((unsafeBitCast(key, to: TileBatch.Lanes.self) & 2) &>> 1) + 5
  }

  @inline(__always)
  private func fillIn(_ batch: TileBatch, _ keys: UnsafeMutablePointer<SIMD8<Int16>>) {
    let sums = sums.pointer
    for side in 0..<2 {
      let rows = batch.rows + 8 * side
      switch grid {
      case .quadrant:
        sums[side] = rows[0] &+ rows[1] &+ rows[2] &+ rows[3]
        sums[2 + side] = rows[4] &+ rows[5] &+ rows[6] &+ rows[7]
      case .sextant:
        sums[side] = (rows[0] &+ rows[1]) &* 2 &+ rows[2]
        sums[2 + side] = rows[2] &+ (rows[3] &+ rows[4]) &* 2 &+ rows[5]
        sums[4 + side] = rows[5] &+ (rows[6] &+ rows[7]) &* 2
      case .octant:
        for pair in 0..<4 { sums[2 * pair + side] = rows[2 * pair] &+ rows[2 * pair + 1] }
      }
    }
    for part in 0..<parts {
      let scaled: TileBatch.Lanes =
        switch grid {
        case .quadrant, .octant: sums[part] &<< 3
        case .sextant: (sums[part] &* (part / 2 == 1 ? 5 : 6)) & ~7
        }
      keys[part] = unsafeBitCast(scaled | UInt16(truncatingIfNeeded: part), to: SIMD8<Int16>.self)
    }
  }

  /// The pattern of a lane that sets its `ground` darkest parts apart from the others, which are ink if there is a glyph
  /// for it that terminals have, and ground otherwise.
  @inline(__always)
  func pattern(ground: Int, lane: Int) -> Int {
    let keys = UnsafeRawPointer(keys.pointer).assumingMemoryBound(to: Int16.self)
    var pattern = 0
    for place in ground..<parts { pattern |= 1 << Int(keys[place * TileBatch.width + lane] & 7) }
    return Int(written.pointer[pattern])
  }

  /// The pattern of a glyph, or 0.
  @inline(__always)
  func pattern(of glyph: Glyph) -> Int { Int(patterns.pointer[Int(glyph.id)]) }

  @inline(__always)
  func glyph(_ pattern: Int) -> Glyph { glyphs.pointer[pattern] }

  /// The means of the ink and the ground of a pattern, in the tile of a lane.
  @inline(__always)
  func means(_ pattern: Int, lane: Int) -> TwoMeans {
    let sums = UnsafeRawPointer(sums.pointer).assumingMemoryBound(to: UInt16.self)
    var sum = 0
    var all = 0
    var weight = 0
    for part in 0..<parts {
      let mask = -(pattern >> part & 1)
      let value = Int(sums[part * TileBatch.width + lane])
      all += value
      sum += value & mask
      weight += Int(weights.pointer[part]) & mask
    }
    let ink = Float(weight) * sampleScale
    return TwoMeans(
      ink: Float(sum) / ink, ground: Float(all - sum) / (weightOfAll * sampleScale - ink),
      share: Float(weight) / weightOfAll)
  }
}

/// What two means leave of a tile.
struct TwoMeans {
  var ink: Float
  var ground: Float
  /// How much of the tile is ink, 0...1.
  var share: Float

  /// How much squared error they remove that the mean of all would leave, of 64 samples.
  @inline(__always)
  var gain: Float { 64 * share * (1 - share) * (ink - ground) * (ink - ground) }
}
