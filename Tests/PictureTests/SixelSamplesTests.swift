import CSamples
import CSamplesBaseline
import TestSupport
import Testing

@testable import Picture

/// The samples of a colour.
private struct Samples: Equatable {
  var y, u, v: Int

  init(_ color: glyphone_color) {
    (y, u, v) = (Int(color.luma & 255), Int(color.chroma & 255), Int(color.chroma >> 8))
  }

  init(y: Int, u: Int, v: Int) { (self.y, self.u, self.v) = (y, u, v) }

  /// Differences count up to 50 where a distance is compared with others.
  func distance(to other: Samples, farthest: Int = .max) -> Int {
    func square(_ one: Int, _ other: Int) -> Int {
      let difference = min(abs(one - other), farthest)
      return difference * difference
    }
    return 5 * square(y, other.y) + 4 * (square(u, other.u) + square(v, other.v))
  }
}

/// Bands of which a screen shows something, and a palette of random colours.
private struct PaintedBands {
  static let (colors, stride) = (40, 64)
  let (bands, width): (Int, Int)
  let luma, blue, red, numbers, painted, needs: Storage<UInt8>
  let columns: Storage<glyphone_column>
  let palette: Storage<glyphone_color>
  let nearest = Storage<UInt8>(repeating: 255, count: 1 << 21)
  var tiles: Int { (width + 15) / 16 }

  init(bands: Int, width: Int, seed: UInt64) {
    (self.bands, self.width) = (bands, width)
    let rows = bands * 6
    (luma, blue, red) = (
      samples(Self.stride * rows, seed: seed), samples(Self.stride / 2 * rows / 2, seed: seed + 100),
      samples(Self.stride / 2 * rows / 2, seed: seed + 200)
    )
    if seed % 2 == 0 {
      // Colours that a screen can show.
      for x in 0..<luma.count { luma.pointer[x] = 60 + luma.pointer[x] / 2 }
      for plane in [blue, red] {
        for x in 0..<plane.count { plane.pointer[x] = 112 + plane.pointer[x] / 8 }
      }
    }
    let colors = samples(3 * Self.colors, seed: seed + 300)
    palette = Storage(repeating: glyphone_color(luma: .max, chroma: .max), count: 256)
    for number in 0..<Self.colors {
      let color = (0..<3).map { UInt16(colors.pointer[3 * number + $0]) }
      palette.pointer[number] = glyphone_color(
        luma: (60 + color[0] / 2) | UInt16(number) << 8, chroma: (112 + color[1] / 8) | (112 + color[2] / 8) << 8)
    }
    numbers = samples(Self.stride * rows, seed: seed + 400)
    painted = Storage(repeating: 0, count: Self.stride * bands)
    needs = samples((width + 15) / 16 * 16, seed: seed + 500)
    // Many settle, and some need nothing at all.
    for place in 0..<needs.count {
      if place % 16 >= bands || needs.pointer[place] % 5 == 0 { needs.pointer[place] = 0 }
      needs.pointer[place] &= 63 | 128
    }
    columns = Storage(repeating: glyphone_column(), count: (1 + (width + 15) / 16) * 96)
    for place in 0..<numbers.count {
      // Of some nothing is known.
      let number = numbers.pointer[place] % 50 < Self.colors ? numbers.pointer[place] % 50 : 255
      numbers.pointer[place] = number
      if place % Self.stride < tiles * 16 {
        show(palette.pointer[Int(number)], place % Self.stride, place / Self.stride)
      }
    }
  }

  /// Where the colour of a pixel is: that of its luma in the memory's samples, and that of its chroma.
  private func places(_ x: Int, _ row: Int) -> (luma: Int, chroma: Int) {
    let column = (1 + x / 16) * 96 + row % 6 * 16 + x % 16
    return (32 * column + row / 6, 32 * column + 16 + row / 6)
  }

  private func show(_ color: glyphone_color, _ x: Int, _ row: Int) {
    columns.pointer.withMemoryRebound(to: UInt16.self, capacity: 32 * columns.count) {
      let places = places(x, row)
      ($0[places.luma], $0[places.chroma]) = (color.luma, color.chroma)
    }
  }

  func shown(_ x: Int, _ row: Int) -> glyphone_color {
    columns.pointer.withMemoryRebound(to: UInt16.self, capacity: 32 * columns.count) {
      let places = places(x, row)
      return glyphone_color(luma: $0[places.luma], chroma: $0[places.chroma])
    }
  }

  typealias Paint = (
    UnsafePointer<glyphone_pixels>?, UnsafeMutablePointer<glyphone_column>?, UnsafeMutablePointer<UInt8>?,
    UnsafeMutablePointer<UInt8>?, Int32, Int32, Int32, Int32, UnsafePointer<glyphone_palette>?
  ) -> Void

  func paint(_ paint: Paint, price: Int32, settling: Int32) {
    var pixels = glyphone_pixels(
      luma: luma.pointer, blue: blue.pointer, red: red.pointer, numbers: numbers.pointer, stride: Self.stride,
      chroma_stride: Self.stride / 2)
    var colors = glyphone_palette(
      colors: palette.pointer, nearest: nearest.pointer,
      find: { colors, place in
        guard let colors = colors?.assumingMemoryBound(to: glyphone_color.self) else { return 255 }
        return PaintedBands.nearest(place, colors)
      }, finder: palette.pointer)
    paint(
      &pixels, columns.pointer + 96, painted.pointer, needs.pointer, Int32(bands), Int32(width), price, settling,
      &colors)
  }

  /// The number of the colour that is nearest to a place of the table.
  static func nearest(_ place: Int, _ colors: UnsafePointer<glyphone_color>) -> UInt8 {
    let wanted = Samples(y: place << 1 & 254, u: place >> 13 & 254, v: place >> 6 & 254)
    return UInt8(
      (0..<Self.colors).min {
        wanted.distance(to: Samples(colors[$0])) < wanted.distance(to: Samples(colors[$1]))
      } ?? 0)
  }

  func wanted(_ x: Int, _ row: Int) -> Samples {
    let chroma = row / 2 * Self.stride / 2 + x / 2
    return Samples(
      y: Int(luma.pointer[row * Self.stride + x]), u: Int(blue.pointer[chroma]), v: Int(red.pointer[chroma]))
  }

  /// What is to come of it, pixel by pixel, where a screen can show every colour.
  func expected(price: Int, settling: Int) -> [[glyphone_color]] {
    var result = (0..<6 * bands).map { row in (0..<width).map { shown($0, row) } }
    var isPainted = result.map { $0.map { _ in false } }
    for tile in 0..<tiles {
      let columns = tile * 16..<min(tile * 16 + 16, width)
      for row in 0..<6 * bands {
        let need = needs.pointer[tile * 16 + row / 6]
        guard need >> UInt8(row % 6) & 1 == 1 else { continue }
        var price = need & 128 > 0 ? settling : price
        func cost(_ color: glyphone_color, _ x: Int) -> Int {
          wanted(x, row).distance(to: Samples(color), farthest: 50)
        }
        if columns.count(where: { cost(result[row][$0], $0) > min(7 * price, 9999) }) >= 12 { price /= 2 }
        for x in columns {
          var best = (cost: min(cost(result[row][x], x), 10_000), color: result[row][x])
          func consider(_ other: (row: Int, x: Int), _ price: Int) {
            guard result[other.row].indices.contains(other.x), isPainted[other.row][other.x] else { return }
            let color = result[other.row][other.x]
            if cost(color, x) + price < best.cost { best = (cost(color, x) + price, color) }
          }
          if row % 6 > 0 { consider((row - 1, x), 0) }
          if best.cost > min(7 * price, 9999) {
            let (y, u, v) = (wanted(x, row).y, wanted(x, row).u, wanted(x, row).v)
            let color = palette.pointer[Int(Self.nearest((u >> 1) << 14 | (v >> 1) << 7 | y >> 1, palette.pointer))]
            let next = min(cost(color, x) + 6 * price, 9999)
            if next < best.cost { best = (next, color) }
          }
          consider((row, x - 1), price)
          isPainted[row][x] = best.color != result[row][x]
          result[row][x] = best.color
        }
      }
    }
    return result
  }
}

extension glyphone_color {
  fileprivate static func != (one: Self, other: Self) -> Bool { one.luma != other.luma || one.chroma != other.chroma }
}

/// The loops in C that sixels are made with give the same on this processor as on any, and as plain loops do.
@Suite struct SixelSamplesTests {
  @Test(arguments: [1, 20, 700, 4000, 20_000] as [Int32])
  func pixelsArePaintedWhereThatIsWorthItsBytes(price: Int32) {
    for seed in 0..<24 as Range<UInt64> {
      let (count, width) = (1 + Int(seed) * 5 % 16, 1 + Int(seed) * 11 % 60)
      let was = PaintedBands(bands: count, width: width, seed: seed)
      let bands = [was, was].map { _ in PaintedBands(bands: count, width: width, seed: seed) }
      bands[0].paint(glyphone_samples_paint_changes, price: price, settling: price / 4)
      bands[1].paint(baseline_samples_paint_changes, price: price, settling: price / 4)
      for (one, other) in zip(planes(bands[0]), planes(bands[1])) { #expect(one == other) }
      expectNotes(bands[0], was)
      if seed % 2 == 0 {
        let expected = was.expected(price: Int(price), settling: Int(price / 4))
        for row in 0..<6 * count {
          #expect((0..<width).first { bands[0].shown($0, row) != expected[row][$0] } == nil)
        }
      }
    }
  }

  /// All that is written.
  private func planes(_ bands: PaintedBands) -> [[UInt8]] {
    [bands.numbers, bands.painted, bands.needs].map { Array(UnsafeBufferPointer(start: $0.pointer, count: $0.count)) }
      + [Array(UnsafeRawBufferPointer(start: bands.columns.pointer, count: 64 * bands.columns.count))]
  }

  /// Expects that what is noted of each pixel is what happened to it, and that none changed that was not looked at.
  private func expectNotes(_ bands: PaintedBands, _ was: PaintedBands) {
    for band in 0..<bands.bands {
      for x in 0..<bands.width {
        let need = was.needs.pointer[x / 16 * 16 + band]
        for row in 0..<6 {
          let shown = bands.shown(x, 6 * band + row)
          let isPainted = bands.painted.pointer[band * PaintedBands.stride + x] >> UInt8(row) & 1 == 1
          #expect(isPainted == (shown != was.shown(x, 6 * band + row)))
          #expect(bands.numbers.pointer[(6 * band + row) * PaintedBands.stride + x] == shown.luma >> 8)
          if isPainted {
            #expect(need >> UInt8(row) & 1 == 1)
            #expect(bands.needs.pointer[x / 16 * 16 + band] >> UInt8(row) & 1 == 1)
          }
        }
      }
      for tile in 0..<bands.tiles {
        let columns = tile * 16..<min(tile * 16 + 16, bands.width)
        let painted = columns.reduce(0) { $0 | bands.painted.pointer[band * PaintedBands.stride + $1] }
        #expect(bands.needs.pointer[tile * 16 + band] == painted)
      }
    }
  }

  /// A picture of colours that lie close together, to be painted whole.
  private struct PaintedPicture {
    static let colors = 60
    let (width, height, stride): (Int, Int, Int)
    let isOdd: Bool
    let luma, blue, red, numbers: Storage<UInt8>
    let palette = Storage<glyphone_color>(repeating: glyphone_color(), count: 256)
    let nearest = Storage<UInt8>(repeating: 255, count: 1 << 21)

    init(width: Int, height: Int, seed: UInt64) {
      (self.width, self.height, stride, isOdd) = (width, height, (width + 127) & ~63, width % 2 == 1)
      luma = samples(stride * height, seed: seed)
      blue = samples(stride * height, seed: seed + 1)
      red = samples(stride * height, seed: seed + 2)
      numbers = Storage(repeating: 254, count: stride * height)
      let colors = samples(3 * Self.colors, seed: seed + 3)
      for plane in [luma, blue, red, colors] {
        for x in 0..<plane.count { plane.pointer[x] = 100 + plane.pointer[x] / 8 }
      }
      for number in 0..<Self.colors {
        let (y, u, v) = (colors.pointer[3 * number], colors.pointer[3 * number + 1], colors.pointer[3 * number + 2])
        palette.pointer[number] = glyphone_color(
          luma: UInt16(y) | UInt16(number) << 8, chroma: UInt16(u) | UInt16(v) << 8)
      }
      // Any colour is the nearest here, so that there is something to be saved.
      for slot in 0..<nearest.count where slot % 7 > 0 { nearest.pointer[slot] = UInt8(slot * 31 % Self.colors) }
    }

    func paint(
      _ paint: (UnsafePointer<glyphone_pixels>?, Int32, Int32, Int32, Int32, UnsafePointer<glyphone_palette>?) -> Void,
      price: Int32
    ) {
      var pixels = glyphone_pixels(
        luma: luma.pointer, blue: blue.pointer, red: red.pointer, numbers: numbers.pointer, stride: stride,
        chroma_stride: stride / 2)
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
            let color = Samples(palette.pointer[Int(number)])
            let (dy, du, dv) = (color.y - y, color.u - u, color.v - v)
            return Int32(5 * dy * dy + 4 * (du * du + dv * dv))
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
      #expect(expected.indices.first { picture.numbers.pointer[$0] != expected[$0] } == nil)
    }
  }

  @Test func theNearestColorIsFound() {
    let colors = samples(3 * 256, seed: 9)
    let halves = Storage(repeating: Int16(2000), count: 3 * 256)
    for count in [1, 15, 16, 40, 255] {
      for place in 0..<3 * 256 where place % 256 < count { halves.pointer[place] = 2 * Int16(colors.pointer[place]) }
      for seed in 0..<60 as Range<UInt64> {
        let wanted = samples(3, seed: 100 + seed)
        let samples = (0..<3).map { 2 * Int(wanted.pointer[$0]) + Int(seed % 2) }
        let distances = (0..<count).map { number in
          [5, 4, 4].enumerated().reduce(0) { sum, weight in
            let difference = abs(Int(halves.pointer[256 * weight.offset + number]) - samples[weight.offset])
            return sum + weight.element * min(difference, 50) * min(difference, 50)
          }
        }
        let least = distances.min() ?? 0
        let expected = least < 10_000 ? distances.firstIndex(of: least) ?? 0 : -1
        for find in [glyphone_samples_nearest, baseline_samples_nearest] {
          let found = halves.pointer.withMemoryRebound(to: glyphone_halves.self, capacity: 1) {
            find($0, Int32(count), Int32(samples[0]), Int32(samples[1]), Int32(samples[2]))
          }
          #expect(Int(found) == expected)
        }
      }
    }
  }

  @Test func thePixelsOfANumberAreForgotten() {
    let raster = PixelRaster(width: 70, height: 20, noise: (0, 0))
    let memory = SixelMemory(raster)
    for place in 0..<20 * raster.stride { memory.numbers[place] = place % raster.stride == 60 ? 7 : 3 }
    // In every place of a word.
    for row in 0..<20 { memory.numbers[row * raster.stride + row] = 9 }
    var runs: [Int] = []
    memory.forget(9) { run, row in runs.append(100 * row + run) }
    #expect(runs == (0..<20).map { 100 * $0 + $0 / 16 })
    for row in 0..<20 {
      for x in 0..<64 {
        let expected = x == row ? PaletteLookup.none : x == 60 ? 7 : 3
        #expect(memory.numbers[row * raster.stride + x] == expected)
      }
    }
  }
}
