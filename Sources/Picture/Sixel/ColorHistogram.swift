/// Counts the colours of a picture in a grid of 6 bits for each sample, and cuts them into groups of much alike ones.
final class ColorHistogram {
  /// Mean of the samples of a cell of the grid (luma, U, V), and in the last lane how many they are.
  typealias Bin = SIMD4<Float>

  /// A run of bins that become one colour.
  private struct Box {
    var start: Int
    var end: Int
    /// The axis of most spread (0 luma, 1 and 2 chroma), where to cut it, and the squared error there is.
    var axis = 0
    var mean = Bin()
    var error: Float = 0
  }

  private static let mostBins = 1 << 14
  /// The most samples that are counted of a picture: enough for the choice.
  private static let mostSamples = 1 << 14
  private static let weights = SIMD4(
    Float(PaletteLookup.lumaWeight), Float(PaletteLookup.chromaWeight), Float(PaletteLookup.chromaWeight), 0)

  /// Number of the bin of each cell of the grid, counted from 1; 0 for none.
  private let grid = Storage<UInt16>(repeating: 0, count: 1 << 18)
  private let bins = Storage<Bin>(repeating: Bin(), count: mostBins)
  private let cells = Storage<Int32>(repeating: 0, count: mostBins)
  private var used = 0
  private let boxes = Storage<Box>(repeating: Box(start: 0, end: 0), count: PaletteLookup.mostColors)
  private var boxCount = 0
  private let sums = Storage<Bin>(repeating: Bin(), count: PaletteLookup.mostColors + 1)

  /// Counts the colours of a raster, in place of what was counted before.
  func count(_ raster: PixelRaster) {
    for bin in 0..<used { grid.pointer[Int(cells.pointer[bin])] = 0 }
    used = 0
    // One pixel of every square of four, or less: they share their chroma.
    var step = 2
    while (raster.width / step + 1) * (raster.height / step + 1) > Self.mostSamples { step += 2 }
    var odd = 0
    for y in stride(from: 0, to: raster.height - 1, by: step) {
      odd ^= 1
      let luma = raster.y + (y + odd) * raster.stride
      let blue = raster.u + (y / 2) * raster.chromaStride
      let red = raster.v + (y / 2) * raster.chromaStride
      for x in stride(from: 0, to: raster.width - 1, by: step) {
        odd ^= 1
        add(luma[x + odd], blue[x / 2], red[x / 2])
      }
    }
    for bin in 0..<used {
      let sum = bins.pointer[bin]
      var mean = sum / sum[3]
      let color = Self.color(mean)
      let shown = color.displayed
      if shown != color { mean = Bin(Float(shown.y), Float(shown.u), Float(shown.v), 0) }
      mean[3] = sum[3]
      bins.pointer[bin] = mean
    }
  }

  @inline(__always)
  private func add(_ y: UInt8, _ u: UInt8, _ v: UInt8) {
    let cell = Int(y >> 2) << 12 | Int(u >> 2) << 6 | Int(v >> 2)
    var number = Int(grid.pointer[cell])
    if number == 0 {
      guard used < Self.mostBins else { return }
      cells.pointer[used] = Int32(truncatingIfNeeded: cell)
      bins.pointer[used] = Bin()
      used += 1
      number = used
      grid.pointer[cell] = UInt16(truncatingIfNeeded: number)
    }
    bins.pointer[number - 1] += Bin(Float(y), Float(u), Float(v), 1)
  }

  /// Cuts the colours into at most `limit` groups, each time the one with the largest squared error; writes the means of
  /// the groups and returns how many they are, at least one.
  func cut(into limit: Int, _ colors: UnsafeMutablePointer<Color>) -> Int {
    boxCount = 0
    guard used > 0 else {
      colors[0] = .black
      return 1
    }
    boxes.pointer[0] = measured(Box(start: 0, end: used))
    boxCount = 1
    while boxCount < limit {
      var worst = 0
      for box in 1..<max(boxCount, 1) where boxes.pointer[box].error > boxes.pointer[worst].error { worst = box }
      guard boxes.pointer[worst].error > 0 else { break }
      divide(worst)
    }
    for box in 0..<boxCount { colors[box] = Self.color(boxes.pointer[box].mean) }
    return boxCount
  }

  private func divide(_ worst: Int) {
    let box = boxes.pointer[worst]
    var low = box.start
    var high = box.end
    let middle = box.mean[box.axis]
    while low < high {
      if bins.pointer[low][box.axis] <= middle {
        low += 1
      } else {
        high -= 1
        (bins.pointer[low], bins.pointer[high]) = (bins.pointer[high], bins.pointer[low])
        (cells.pointer[low], cells.pointer[high]) = (cells.pointer[high], cells.pointer[low])
      }
    }
    // All on one side by rounding, or a single bin: nothing to cut.
    guard low > box.start, low < box.end else {
      boxes.pointer[worst].error = 0
      return
    }
    boxes.pointer[worst] = measured(Box(start: box.start, end: low))
    boxes.pointer[boxCount] = measured(Box(start: low, end: box.end))
    boxCount += 1
  }

  private func measured(_ box: Box) -> Box {
    var sum = Bin()
    var squares = Bin()
    for index in box.start..<box.end {
      let bin = bins.pointer[index]
      var weighted = bin * bin[3]
      squares += weighted * bin
      weighted[3] = bin[3]
      sum += weighted
    }
    var result = box
    result.mean = sum / sum[3]
    let spread = (squares - sum * result.mean) * Self.weights
    result.mean[3] = sum[3]
    result.axis = spread[0] >= spread[1] && spread[0] >= spread[2] ? 0 : spread[1] >= spread[2] ? 1 : 2
    result.error = box.end - box.start > 1 ? max(0, spread[0] + spread[1] + spread[2]) : 0
    return result
  }

  private static func color(_ mean: Bin) -> Color {
    let rounded = SIMD4<Int32>((mean + 0.5).clamped(lowerBound: Bin(), upperBound: Bin(repeating: 255)))
    return Color(y: UInt8(clamping: rounded[0]), u: UInt8(clamping: rounded[1]), v: UInt8(clamping: rounded[2]))
  }

  /// Moves every colour of the last ``cut(into:_:)`` to the mean of what is nearest to it.
  func settle(_ colors: UnsafeMutableBufferPointer<Color>, by lookup: PaletteLookup) {
    sums.fill(Bin())
    for box in 0..<boxCount {
      for index in boxes.pointer[box].start..<boxes.pointer[box].end {
        let bin = bins.pointer[index]
        let halves = SIMD4<Int32>(bin * 2 + 0.5)
        let nearest = lookup.search(y2: halves[0], u2: halves[1], v2: halves[2])
        var weighted = bin * bin[3]
        weighted[3] = bin[3]
        sums.pointer[Int(nearest)] += weighted
      }
    }
    for number in 0..<colors.count where sums.pointer[number][3] > 0 {
      colors[number] = Self.color(sums.pointer[number] / sums.pointer[number][3])
    }
  }

  /// Puts those colours first that are used most, for they get the shortest numbers.
  func sortByUse(_ colors: UnsafeMutableBufferPointer<Color>) {
    // A selection sort: it needs no memory, and the palette is short.
    for first in 0..<colors.count {
      var most = first
      for other in first..<colors.count where sums.pointer[other][3] > sums.pointer[most][3] { most = other }
      colors.swapAt(first, most)
      (sums.pointer[first], sums.pointer[most]) = (sums.pointer[most], sums.pointer[first])
    }
  }
}
