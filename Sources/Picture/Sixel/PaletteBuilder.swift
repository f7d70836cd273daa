/// Chooses the colours that suit a picture best: its colours are counted in a coarse grid, the grid is cut again and again
/// where that removes most squared error, and the resulting colours are moved to the middle of what is nearest to them.
final class PaletteBuilder {
  /// A cell of the coarse grid: pixels in it and the sums of their samples.
  private struct Bin {
    var count: Int32 = 0
    var y: Int32 = 0
    var u: Int32 = 0
    var v: Int32 = 0
  }

  /// A run of bins that become one colour.
  private struct Box {
    var start: Int
    var end: Int
    /// The axis of most spread (0 luma, 1 and 2 chroma), where to cut it, and the squared error there is.
    var axis = 0
    var middle: Float = 0
    var error: Float = 0
  }

  /// 6 bits of luma, 5 of each chroma.
  private let grid = Storage<Bin>(repeating: Bin(), count: 1 << 16)
  private let bins = Storage<Bin>(repeating: Bin(), count: 1 << 16)
  private var used = 0
  private let boxes = Storage<Box>(repeating: Box(start: 0, end: 0), count: ColorIndex.mostColors)
  private let sums = Storage<Bin>(repeating: Bin(), count: ColorIndex.mostColors)
  private let colors = Storage<Color>(repeating: .black, count: ColorIndex.mostColors)
  private var boxCount = 0
  private var lumaWeight: Float = 1

  /// The most samples looked at: enough for the choice, and sums of them fit 32 bits.
  private static let mostSamples = 100_000
  /// Rounds of moving the colours.
  private static let rounds = 2

  /// Fills `index` with the best palette of at most `count` colours and returns its colours, those used most first. They
  /// are exact in percent of red, green and blue, which is how sixels are told. Valid until the next call.
  func build(_ raster: PixelRaster, count: Int, index: ColorIndex) -> UnsafeBufferPointer<Color> {
    gather(raster)
    lumaWeight = Float(index.lumaWeight) / Float(ColorIndex.chromaWeight)
    cut(into: min(max(count, 2), ColorIndex.mostColors))
    for number in 0..<boxCount { colors.pointer[number] = Self.percentColor(mean(boxes.pointer[number])) }
    let palette = UnsafeMutableBufferPointer(start: colors.pointer, count: boxCount)
    index.setPalette(UnsafeBufferPointer(palette))
    for _ in 0..<Self.rounds {
      assign(index)
      for number in 0..<boxCount where sums.pointer[number].count > 0 {
        palette[number] = Self.percentColor(Self.mean(sums.pointer[number]))
      }
      index.setPalette(UnsafeBufferPointer(palette))
    }
    sortByUse(palette)
    index.setPalette(UnsafeBufferPointer(palette))
    return UnsafeBufferPointer(palette)
  }

  private func gather(_ raster: PixelRaster) {
    grid.fill(Bin())
    var step = 1
    while (raster.width / step + 1) * (raster.height / step + 1) > Self.mostSamples { step += 1 }
    for y in stride(from: 0, to: raster.height, by: step) {
      let luma = raster.y + y * raster.stride
      let blue = raster.u + (y / 2) * raster.chromaStride
      let red = raster.v + (y / 2) * raster.chromaStride
      for x in stride(from: 0, to: raster.width, by: step) {
        let sample = (luma[x], blue[x / 2], red[x / 2])
        let bin = grid.pointer + (Int(sample.0 >> 2) << 10 | Int(sample.1 >> 3) << 5 | Int(sample.2 >> 3))
        bin.pointee.count += 1
        bin.pointee.y += Int32(sample.0)
        bin.pointee.u += Int32(sample.1)
        bin.pointee.v += Int32(sample.2)
      }
    }
    used = 0
    for bin in 0..<grid.count where grid.pointer[bin].count > 0 {
      bins.pointer[used] = grid.pointer[bin]
      used += 1
    }
  }

  private func cut(into count: Int) {
    boxes.pointer[0] = measured(Box(start: 0, end: used))
    boxCount = 1
    while boxCount < count {
      var worst = 0
      for box in 1..<max(boxCount, 1) where boxes.pointer[box].error > boxes.pointer[worst].error { worst = box }
      let box = boxes.pointer[worst]
      guard box.error > 0, box.end - box.start > 1 else { return }
      var low = box.start
      var high = box.end
      while low < high {
        if Self.value(bins.pointer[low], box.axis) <= box.middle {
          low += 1
        } else {
          high -= 1
          (bins.pointer[low], bins.pointer[high]) = (bins.pointer[high], bins.pointer[low])
        }
      }
      // All on one side by rounding: nothing to cut.
      guard low > box.start, low < box.end else {
        boxes.pointer[worst].error = 0
        continue
      }
      boxes.pointer[worst] = measured(Box(start: box.start, end: low))
      boxes.pointer[boxCount] = measured(Box(start: low, end: box.end))
      boxCount += 1
    }
  }

  @inline(__always)
  private static func value(_ bin: Bin, _ axis: Int) -> Float {
    Float(axis == 0 ? bin.y : axis == 1 ? bin.u : bin.v) / Float(bin.count)
  }

  private func measured(_ box: Box) -> Box {
    var weight: Float = 0
    var sum = SIMD4<Float>(repeating: 0)
    var squares = SIMD4<Float>(repeating: 0)
    for index in box.start..<box.end {
      let bin = bins.pointer[index]
      let count = Float(bin.count)
      let totals = SIMD4<Float>(Float(bin.y), Float(bin.u), Float(bin.v), 0)
      weight += count
      sum += totals
      squares += totals * totals / count
    }
    guard weight > 0 else { return box }
    var spread = squares - sum * sum / weight
    spread[0] *= lumaWeight
    var result = box
    result.axis = spread[0] >= spread[1] && spread[0] >= spread[2] ? 0 : spread[1] >= spread[2] ? 1 : 2
    result.middle = sum[result.axis] / weight
    result.error = max(0, spread[0] + spread[1] + spread[2])
    return result
  }

  private func mean(_ box: Box) -> Color {
    var total = Bin()
    for index in box.start..<box.end { Self.add(bins.pointer[index], to: &total) }
    return Self.mean(total)
  }

  private static func add(_ bin: Bin, to total: inout Bin) {
    total.count += bin.count
    total.y += bin.y
    total.u += bin.u
    total.v += bin.v
  }

  private static func mean(_ bin: Bin) -> Color {
    guard bin.count > 0 else { return .black }
    func byte(_ sum: Int32) -> UInt8 { UInt8(clamping: (sum + bin.count / 2) / bin.count) }
    return Color(y: byte(bin.y), u: byte(bin.u), v: byte(bin.v))
  }

  /// Adds up, for each colour, the bins it is nearest to.
  private func assign(_ index: ColorIndex) {
    sums.fill(Bin())
    for bin in 0..<used {
      let color = Self.mean(bins.pointer[bin])
      Self.add(bins.pointer[bin], to: &sums.pointer[Int(index.nearest(color))])
    }
  }

  private func sortByUse(_ palette: UnsafeMutableBufferPointer<Color>) {
    // A selection sort: it needs no memory, and the palette is short.
    for first in 0..<palette.count {
      var most = first
      for other in first..<palette.count where sums.pointer[other].count > sums.pointer[most].count { most = other }
      palette.swapAt(first, most)
      (sums.pointer[first], sums.pointer[most]) = (sums.pointer[most], sums.pointer[first])
    }
  }

  /// The colour as it looks after red, green and blue were rounded to percent.
  private static func percentColor(_ color: Color) -> Color {
    let rgb = SixelColor(color)
    return Color(
      red: (rgb.red * 255 + 50) / 100, green: (rgb.green * 255 + 50) / 100, blue: (rgb.blue * 255 + 50) / 100)
  }
}

/// A colour in percent, as sixels are told.
struct SixelColor: Hashable {
  var red: Int
  var green: Int
  var blue: Int

  init(_ color: Color) {
    let rgb = color.rgb
    red = (rgb.red * 100 + 127) / 255
    green = (rgb.green * 100 + 127) / 255
    blue = (rgb.blue * 100 + 127) / 255
  }
}
