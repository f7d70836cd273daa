import CSamples
import CSamplesBaseline
import TestSupport
import Testing

@testable import Picture

private func samples(_ count: Int, seed: UInt64) -> Storage<UInt8> {
  var random = SeededGenerator(seed: seed)
  let samples = Storage<UInt8>(repeating: 0, count: count)
  for index in 0..<count { samples.pointer[index] = UInt8.random(in: 0...255, using: &random) }
  return samples
}

/// The loops in C give the same on this processor as on any, and as plain loops do.
@Suite struct SamplesTests {
  private static let width = 96
  private static let cells = 12

  private func words(_ count: Int, seed: UInt64) -> Storage<UInt64> {
    var random = SeededGenerator(seed: seed)
    let words = Storage<UInt64>(repeating: 0, count: count)
    for index in 0..<count { words.pointer[index] = random.next() }
    return words
  }

  @Test(arguments: [[256], [128, 128], [51, 102, 103], [3, 60, 61, 62, 70], Array(repeating: 4, count: 64)])
  func aMeanOfRows(weights: [UInt16]) {
    let rows = samples(weights.count * Self.width, seed: UInt64(weights.count))
    let means = [Storage<UInt8>(repeating: 0, count: Self.width), Storage<UInt8>(repeating: 0, count: Self.width)]
    let count = Int32(weights.count)
    glyphone_samples_mean(rows.pointer, Self.width, weights, count, means[0].pointer, Self.width)
    baseline_samples_mean(rows.pointer, Self.width, weights, count, means[1].pointer, Self.width)
    for x in 0..<Self.width {
      let sum = weights.enumerated().reduce(128) {
        $0 + Int($1.element) * Int(rows.pointer[$1.offset * Self.width + x])
      }
      #expect(Int(means[0].pointer[x]) == sum >> 8)
      #expect(means[1].pointer[x] == means[0].pointer[x])
    }
  }

  @Test func rowsAreTurned() {
    let rows = samples(8 * Self.width, seed: 8)
    let columns = [Storage<UInt64>(repeating: 0, count: Self.width), Storage<UInt64>(repeating: 0, count: Self.width)]
    glyphone_samples_turn(rows.pointer, Self.width, columns[0].pointer, Self.width)
    baseline_samples_turn(rows.pointer, Self.width, columns[1].pointer, Self.width)
    for x in 0..<Self.width {
      let column = (0..<8).reduce(UInt64(0)) { $0 | UInt64(rows.pointer[$1 * Self.width + x]) << (8 * UInt64($1)) }
      #expect(columns[0].pointer[x] == column)
      #expect(columns[1].pointer[x] == column)
    }
  }

  @Test(arguments: 1...6)
  func boxesOfColumns(taps: Int) {
    let columns = words(Self.width, seed: UInt64(taps))
    let firsts = (0..<10).map { Int32($0 * 9) }
    // Some boxes have fewer columns than others.
    let weights = firsts.indices.map { box in
      let count = 1 + box % taps
      return (0..<taps).map { tap in UInt16(tap == 0 ? 256 - 7 * (count - 1) : tap < count ? 7 : 0) }
    }
    let lanes = weights.flatMap { $0.flatMap { Array(repeating: $0, count: 8) } }
    let means = [Storage<UInt64>(repeating: 0, count: 10), Storage<UInt64>(repeating: 0, count: 10)]
    glyphone_samples_boxes(columns.pointer, firsts, lanes, Int32(taps), means[0].pointer, firsts.count)
    baseline_samples_boxes(columns.pointer, firsts, lanes, Int32(taps), means[1].pointer, firsts.count)
    for (box, first) in firsts.enumerated() {
      for row in 0..<8 {
        func sample(_ word: UInt64) -> Int { Int(word >> (8 * UInt64(row)) & 255) }
        let sum = weights[box].enumerated().reduce(128) {
          $0 + Int($1.element) * sample(columns.pointer[Int(first) + $1.offset])
        }
        #expect(sample(means[0].pointer[box]) == sum >> 8)
      }
      #expect(means[1].pointer[box] == means[0].pointer[box])
    }
  }

  @Test func aTileThatChangesAnywhereIsNoticed() {
    let (luma, chroma) = (words(8 * Self.cells, seed: 1), words(4 * Self.cells, seed: 2))
    let sums = [Storage<UInt64>(repeating: 0, count: Self.cells), Storage<UInt64>(repeating: 0, count: Self.cells)]
    let changed = [Storage<UInt8>(repeating: 0, count: Self.cells), Storage<UInt8>(repeating: 0, count: Self.cells)]
    func follow() -> [Int] {
      glyphone_samples_follow(luma.pointer, chroma.pointer, sums[0].pointer, changed[0].pointer, Self.cells)
      baseline_samples_follow(luma.pointer, chroma.pointer, sums[1].pointer, changed[1].pointer, Self.cells)
      for cell in 0..<Self.cells {
        #expect(sums[0].pointer[cell] == sums[1].pointer[cell])
        #expect(changed[0].pointer[cell] == changed[1].pointer[cell])
      }
      return (0..<Self.cells).filter { changed[0].pointer[$0] != 0 }
    }
    #expect(follow() == Array(0..<Self.cells))
    #expect(follow() == [])
    for bit in 0..<64 {
      for word in 0..<8 {
        luma.pointer[8 * 5 + word] ^= 1 << UInt64(bit)
        #expect(follow() == [5])
      }
      for word in 0..<4 {
        chroma.pointer[4 * 7 + word] ^= 1 << UInt64(bit)
        #expect(follow() == [7])
      }
    }
  }

  @Test(arguments: [false, true])
  func tilesAreSelectedByTheirDistance(halves: Bool) {
    let (luma, chroma) = (words(8 * Self.cells, seed: 3), words(4 * Self.cells, seed: 4))
    let candidates: [Int32] = [0, 3, 4, 7, 11]
    // What is drawn is black and without any chroma.
    let drawn = Storage(repeating: glyphone_outline(), count: Self.cells)
    var distances: [Float] = []
    var expected: [(luma: [Int], chroma: [Int])] = []
    for tile in candidates {
      let (means, tints) = outline(luma.pointer + 8 * Int(tile), chroma.pointer + 4 * Int(tile), halves)
      let squares = (means.reduce(0) { $0 + $1 * $1 }, tints.reduce(0) { $0 + $1 * $1 })
      distances.append(Float(squares.0 + Int(glyphone_chroma_weight) * squares.1))
      expected.append((means, tints))
    }
    let threshold = distances[1]
    // The third has to be kept whatever its distance is.
    let kept = candidates.indices.filter { distances[$0] / 2 > threshold / 2 || $0 == 2 }
    for select in [glyphone_samples_select, baseline_samples_select] {
      var tiles = candidates
      var errors: [Float] = [0, 0, .infinity, 0, 0]
      var outlines = Array(repeating: glyphone_outline(), count: tiles.count)
      let count = select(
        luma.pointer, chroma.pointer, drawn.pointer, halves ? 1 : 0, 0.5, threshold / 2, &tiles, &errors, &outlines,
        tiles.count)
      #expect(tiles.prefix(count) == kept.map { candidates[$0] }[...])
      #expect(errors.prefix(count) == kept.map { $0 == 2 ? .infinity : distances[$0] / 2 }[...])
      for (outline, index) in zip(outlines, kept) {
        withUnsafeBytes(of: outline) { bytes in
          #expect(bytes.prefix(16).map(Int.init).sorted() == expected[index].luma.sorted())
          #expect(bytes.suffix(4).map(Int.init) == expected[index].chroma)
        }
      }
    }
  }

  /// The means of an outline, in any order, and its four of chroma.
  private func outline(
    _ luma: UnsafePointer<UInt64>, _ chroma: UnsafePointer<UInt64>, _ halves: Bool
  ) -> (luma: [Int], chroma: [Int]) {
    func byte(_ word: UInt64, _ row: Int) -> Int { Int(word >> (8 * UInt64(row)) & 255) }
    var means: [Int] = []
    for row in 0..<4 {
      for column in 0..<4 {
        let sum = (0..<4).reduce(0) { $0 + byte(luma[2 * column + $1 / 2], 2 * row + $1 % 2) }
        means.append((sum + 2) >> 2)
      }
    }
    if halves {
      let (upper, lower) = ((means[..<8].reduce(4, +)) >> 3, (means[8...].reduce(4, +)) >> 3)
      means = Array(repeating: upper, count: 8) + Array(repeating: lower, count: 8)
    }
    // The rows of U come before those of V.
    let tints = (0..<4).map { part in
      (0..<4).reduce(4) { $0 + byte(chroma[$1], 2 * part) + byte(chroma[$1], 2 * part + 1) } >> 3
    }
    return (means, tints)
  }

  @Test(arguments: [false, true])
  func aBatchOfTiles(dots: Bool) {
    let luma = words(8 * Self.cells, seed: 5)
    let cells: [Int32] = [0, 1, 2, 5, 6, 9, 11, 11]
    let batches = (0..<2).map { _ in Storage(repeating: TileBatch.Lanes(), count: 25) }
    for (kind, load) in [glyphone_batch_load, baseline_batch_load].enumerated() {
      batches[kind].pointer.withMemoryRebound(to: glyphone_batch.self, capacity: 1) {
        load(luma.pointer, cells, dots ? 1 : 0, $0)
      }
    }
    for (lane, cell) in cells.enumerated() {
      func sample(_ column: Int, _ row: Int) -> UInt16 {
        UInt16(luma.pointer[8 * Int(cell) + column] >> (8 * UInt64(row)) & 255)
      }
      var expected: [UInt16] = []
      for side in 0..<2 {
        let columns = dots ? 4 * side + 1..<4 * side + 3 : 4 * side..<4 * side + 4
        for row in 0..<8 { expected.append(columns.reduce(0) { $0 + sample($1, row) }) }
      }
      for column in 0..<8 { expected.append((0..<8).reduce(0) { $0 + sample(column, $1) }) }
      expected.append(expected[16...].reduce(0, +))
      for kind in 0..<2 {
        #expect((0..<25).map { batches[kind].pointer[$0][lane] } == expected)
      }
    }
  }

  @Test func theBestOfSomeScores() {
    var random = SeededGenerator(seed: 6)
    let sums = (0..<19 * 8).map { _ in UInt16.random(in: 0...16_320, using: &random) }
    let totals = (0..<8).map { _ in UInt16.random(in: 0...16_320, using: &random) }
    let weights = (0..<38).map { _ in Float.random(in: 0...1, using: &random) }
    var best = [[Float](repeating: 0, count: 8), [Float](repeating: 0, count: 8)]
    glyphone_batch_best(sums, totals, weights, 19, &best[0])
    baseline_batch_best(sums, totals, weights, 19, &best[1])
    #expect(best[0] == best[1])
    for lane in 0..<8 {
      let scores = (0..<19).map { cut in
        let difference = Float(sums[8 * cut + lane]) * weights[2 * cut] - Float(totals[lane]) * weights[2 * cut + 1]
        return difference * difference
      }
      let number = Int(best[0][lane].bitPattern & 31)
      #expect(scores[number] >= (scores.max() ?? 0) * 0.9999)
    }
  }

  /// Six rows of sixteen pixels, of which a screen shows something, and a palette of random colours.
  private struct PaintedBlock {
    static let (width, height, colors) = (16, 6, 40)
    /// Room on all sides, for pixels beside those of the block can be read.
    static let (stride, margin, chromaStride) = (64, 80, 8)
    let luma: Storage<UInt8>
    let blue: Storage<UInt8>
    let red: Storage<UInt8>
    let palette: Storage<glyphone_color>
    let nearest = Storage<UInt8>(repeating: 255, count: 1 << 21)
    let memory: [Storage<UInt8>]

    init(seed: UInt64) {
      luma = samples(Self.stride * Self.height, seed: seed)
      blue = samples(Self.chromaStride * Self.height / 2, seed: seed + 100)
      red = samples(Self.chromaStride * Self.height / 2, seed: seed + 200)
      if seed % 2 == 0 {
        // Colours that a screen can show.
        for x in 0..<luma.count { luma.pointer[x] = 60 + luma.pointer[x] / 2 }
        for x in 0..<blue.count {
          (blue.pointer[x], red.pointer[x]) = (112 + blue.pointer[x] / 8, 112 + red.pointer[x] / 8)
        }
      }
      let colors = samples(3 * Self.colors, seed: seed + 300)
      palette = Storage(repeating: glyphone_color(y: 5000, u: 5000, v: 5000, word: 0), count: 256)
      for number in 0..<Self.colors {
        let color = (0..<3).map { Int32(colors.pointer[3 * number + $0]) }
        palette.pointer[number] = glyphone_color(
          y: 60 + color[0] / 2, u: 112 + color[1] / 8, v: 112 + color[2] / 8, word: 0)
      }
      memory = (0..<5).map { _ in Storage(repeating: 0, count: Self.stride * Self.height + 2 * Self.margin) }
      let numbers = samples(memory[0].count, seed: seed + 400)
      for place in 0..<memory[0].count { show(numbers.pointer[place] % UInt8(Self.colors), at: place) }
    }

    private func show(_ number: UInt8, at place: Int) {
      let color = palette.pointer[Int(number)]
      for (plane, value) in zip(memory, [number, number, UInt8(color.y), UInt8(color.u), UInt8(color.v)]) {
        plane.pointer[place] = value
      }
    }

    typealias Paint = (
      UnsafePointer<glyphone_pixels>?, UInt32, Int32, Int32, Int32, UnsafePointer<glyphone_palette>?
    ) -> UInt32

    func paint(_ paint: Paint, rows: UInt32, count: Int32, price: Int32) -> UInt32 {
      let planes = memory.map { $0.pointer + Self.margin }
      var pixels = glyphone_pixels(
        luma: luma.pointer, blue: blue.pointer, red: red.pointer, shown: planes[0], next: planes[1], y: planes[2],
        u: planes[3], v: planes[4], stride: Self.stride, chroma_stride: Self.chromaStride)
      var colors = glyphone_palette(
        colors: palette.pointer, nearest: nearest.pointer,
        find: { colors, place in
          guard let colors = colors?.assumingMemoryBound(to: glyphone_color.self) else { return 255 }
          let wanted = (y: Int32(place << 1 & 254), u: Int32(place >> 13 & 254), v: Int32(place >> 6 & 254))
          return PaintedBlock.nearest(to: wanted, of: colors)
        }, finder: palette.pointer)
      return paint(&pixels, rows, count, 1, price, &colors)
    }

    static func nearest(to wanted: (y: Int32, u: Int32, v: Int32), of colors: UnsafePointer<glyphone_color>) -> UInt8 {
      UInt8((0..<Self.colors).min { distance(wanted, colors[$0]) < distance(wanted, colors[$1]) } ?? 0)
    }

    static func distance(_ wanted: (y: Int32, u: Int32, v: Int32), _ color: glyphone_color) -> Int32 {
      let (y, u, v) = (wanted.y - color.y, wanted.u - color.u, wanted.v - color.v)
      return 5 * y * y + 4 * (u * u + v * v)
    }

    func wanted(_ x: Int, _ row: Int) -> (y: Int32, u: Int32, v: Int32) {
      let chroma = row / 2 * Self.chromaStride + x / 2
      return (Int32(luma.pointer[row * Self.stride + x]), Int32(blue.pointer[chroma]), Int32(red.pointer[chroma]))
    }
  }

  @Test(arguments: [1, 20, 700] as [Int32])
  func pixelsArePaintedWhereThatIsWorthItsBytes(price: Int32) {
    for seed in 0..<40 as Range<UInt64> {
      let (rows, count) = (UInt32(seed * 7 % 64), Int32(1 + seed % 16))
      let blocks = [PaintedBlock(seed: seed), PaintedBlock(seed: seed)]
      let painted = zip(blocks, [glyphone_samples_paint, baseline_samples_paint]).map { block, paint in
        block.paint(paint, rows: rows, count: count, price: price)
      }
      #expect(painted[0] == painted[1])
      for (one, other) in zip(blocks[0].memory, blocks[1].memory) {
        #expect(
          UnsafeBufferPointer(start: one.pointer, count: one.count).elementsEqual(
            UnsafeBufferPointer(start: other.pointer, count: other.count)))
      }
      #expect(painted[0] & ~rows == 0)
      if seed % 2 == 0 { expectWorth(blocks[0], was: PaintedBlock(seed: seed), rows, painted[0], count, price) }
    }
  }

  /// Expects of each pixel that it is painted only if that makes it better, and if it is far better.
  private func expectWorth(
    _ block: PaintedBlock, was: PaintedBlock, _ rows: UInt32, _ painted: UInt32, _ count: Int32, _ price: Int32
  ) {
    for row in 0..<PaintedBlock.height {
      var isAnyPainted = false
      for x in 0..<PaintedBlock.width {
        let place = PaintedBlock.margin + row * PaintedBlock.stride + x
        let (shown, next) = (block.memory[0].pointer[place], block.memory[1].pointer[place])
        let wanted = block.wanted(x, row)
        let error = PaintedBlock.distance(wanted, block.palette.pointer[Int(next)])
        let before = PaintedBlock.distance(wanted, block.palette.pointer[Int(was.memory[1].pointer[place])])
        let color = block.palette.pointer[Int(next)]
        #expect([color.y, color.u, color.v] == block.memory[2...].map { Int32($0.pointer[place]) })
        if next != shown {
          isAnyPainted = true
          #expect(error < before)
        } else {
          #expect(shown == was.memory[0].pointer[place])
        }
        if rows >> UInt32(row) & 1 == 0 || x >= count {
          #expect(next == shown)
        } else {
          let nearest = PaintedBlock.nearest(to: wanted, of: block.palette.pointer)
          // The place of a colour in the table is a little coarser than the colour.
          let least = PaintedBlock.distance(wanted, block.palette.pointer[Int(nearest)])
          #expect(error <= max(7 * price, least * 3 / 2 + 6 * price + 200))
        }
      }
      #expect((painted >> UInt32(row) & 1 == 1) == isAnyPainted)
    }
  }

  /// A picture of colours that lie close together, to be painted whole.
  private struct PaintedPicture {
    static let colors = 60
    let (width, height, stride): (Int, Int, Int)
    let isOdd: Bool
    let luma, blue, red, next: Storage<UInt8>
    let palette = Storage<glyphone_color>(repeating: glyphone_color(), count: 256)
    let nearest = Storage<UInt8>(repeating: 255, count: 1 << 21)

    init(width: Int, height: Int, seed: UInt64) {
      (self.width, self.height, stride, isOdd) = (width, height, (width + 127) & ~63, width % 2 == 1)
      luma = samples(stride * height, seed: seed)
      blue = samples(stride * height, seed: seed + 1)
      red = samples(stride * height, seed: seed + 2)
      next = Storage(repeating: 254, count: stride * height)
      let colors = samples(3 * Self.colors, seed: seed + 3)
      for plane in [luma, blue, red, colors] {
        for x in 0..<plane.count { plane.pointer[x] = 100 + plane.pointer[x] / 8 }
      }
      for number in 0..<Self.colors {
        let (y, u, v) = (colors.pointer[3 * number], colors.pointer[3 * number + 1], colors.pointer[3 * number + 2])
        palette.pointer[number] = glyphone_color(
          y: Int32(y), u: Int32(u), v: Int32(v),
          word: UInt32(y) | UInt32(u) << 8 | UInt32(v) << 16 | UInt32(number) << 24)
      }
      // Any colour is the nearest here, so that there is something to be saved.
      for slot in 0..<nearest.count where slot % 7 > 0 { nearest.pointer[slot] = UInt8(slot * 31 % Self.colors) }
    }

    func paint(
      _ paint: (UnsafePointer<glyphone_pixels>?, Int32, Int32, Int32, Int32, UnsafePointer<glyphone_palette>?) -> Void,
      price: Int32
    ) {
      var pixels = glyphone_pixels(
        luma: luma.pointer, blue: blue.pointer, red: red.pointer, shown: nil, next: next.pointer, y: nil, u: nil,
        v: nil,
        stride: stride, chroma_stride: stride / 2)
      var colors = glyphone_palette(
        colors: palette.pointer, nearest: nearest.pointer, find: { _, slot in UInt8(slot % PaintedPicture.colors) },
        finder: nil)
      paint(&pixels, isOdd ? 1 : 0, Int32(width), Int32(height), price, &colors)
    }

    /// What is to come of it, pixel by pixel.
    func expected(price: Int32) -> [UInt8] {
      var result = [UInt8](repeating: 254, count: stride * height)
      for row in 0..<height {
        for x in 0..<width {
          let (y, u, v) = (Int(luma.pointer[row * stride + x]), chroma(blue, x, row), chroma(red, x, row))
          func error(_ number: UInt8) -> Int32 {
            let color = palette.pointer[Int(number)]
            let (dy, du, dv) = (color.y - Int32(y), color.u - Int32(u), color.v - Int32(v))
            return 5 * dy * dy + 4 * (du * du + dv * dv)
          }
          let slot = (u >> 1) << 14 | (v >> 1) << 7 | y >> 1
          var choice = nearest.pointer[slot] == 255 ? UInt8(slot % Self.colors) : nearest.pointer[slot]
          let left = x > 0 ? result[row * stride + x - 1] : choice
          if choice != left {
            var best = 5 * price
            if error(left) <= best { (choice, best) = (left, error(left)) }
            if row % 6 > 0, error(result[(row - 1) * stride + x]) - price < best {
              choice = result[(row - 1) * stride + x]
            }
          }
          result[row * stride + x] = choice
        }
      }
      return result
    }

    private func chroma(_ plane: Storage<UInt8>, _ x: Int, _ row: Int) -> Int {
      Int(plane.pointer[(isOdd ? row + 1 : row) / 2 * (stride / 2) + x / 2])
    }
  }

  @Test(arguments: [(1, 1), (16, 6), (63, 13), (64, 96), (130, 101), (71, 200)], [0, 9, 60] as [Int32])
  func wholePicturesArePaintedPixelByPixel(size: (width: Int, height: Int), price: Int32) {
    for paint in [glyphone_samples_paint_whole, baseline_samples_paint_whole] {
      let picture = PaintedPicture(width: size.width, height: size.height, seed: UInt64(size.width))
      picture.paint(paint, price: price)
      let expected = picture.expected(price: price)
      #expect(expected.indices.first { picture.next.pointer[$0] != expected[$0] } == nil)
    }
  }
}
