import CSamples
import CSamplesBaseline
import TestSupport
import Testing

@testable import Picture

func samples(_ count: Int, seed: UInt64) -> Storage<UInt8> {
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

  @Test(arguments: [0, 1, 2, 16, 31, 48], [0, 1, 9, 16, 50] as [UInt8])
  func samplesFollowOthersThatStray(x: Int, noise: UInt8) {
    for (width, isLuma) in [(90, true), (17, true), (5, false), (85, false)] {
      let (run, rows) = isLuma ? (16, 1) : (8, 2)
      let source = samples(width, seed: UInt64(x))
      let before = samples(x + width + 3, seed: UInt64(width))
      // Some are near.
      for place in 0..<width where place % 5 > 0 { before.pointer[x + place] = source.pointer[place] ^ 1 }
      let kinds =
        isLuma
        ? [glyphone_samples_follow_luma, baseline_samples_follow_luma]
        : [glyphone_samples_follow_chroma, baseline_samples_follow_chroma]
      for follow in kinds {
        let target = Storage<UInt8>(repeating: 0, count: before.count)
        target.pointer.update(from: before.pointer, count: before.count)
        let flags = Storage<UInt8>(repeating: 0, count: 5 * (before.count / run + 1))
        let isAny = follow(source.pointer, target.pointer, x, width, noise, flags.pointer, 5)
        let expected = Storage<UInt8>(repeating: 0, count: flags.count)
        func strays(_ place: Int) -> Bool {
          x <= place && place < x + width && abs(Int(source.pointer[place - x]) - Int(before.pointer[place])) > noise
        }
        for place in 0..<before.count {
          // 32 that can be looked at together follow in eights.
          let step = place / 32 * 32
          let isWhole = x <= step && step + 32 <= x + width
          let isFollowing = isWhole ? (place / 8 * 8..<place / 8 * 8 + 8).contains(where: strays) : strays(place)
          #expect(target.pointer[place] == (isFollowing ? source.pointer[place - x] : before.pointer[place]))
          if isFollowing { for row in 0..<rows { expected.pointer[place / run * 5 + row] = 1 } }
        }
        #expect((0..<flags.count).allSatisfy { flags.pointer[$0] == expected.pointer[$0] })
        #expect((isAny != 0) == (0..<flags.count).contains { flags.pointer[$0] != 0 })
      }
    }
  }
}
