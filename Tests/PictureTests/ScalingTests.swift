import Frames
import TestSupport
import Testing

@testable import Picture

@Suite struct ScalingTests {
  @Test(arguments: [(1, 1), (1, 8), (5, 3), (640, 512), (480, 192), (7, 64), (4096, 1), (3000, 40), (641, 1024)])
  func weightsOfABoxAreWhole(source: Int, outputs: Int) {
    for mirrored in [false, true] {
      let map = AxisMap(source: source, outputs: outputs, mirrored: mirrored)
      for output in 0..<outputs {
        let span = map.spans[output]
        let isInside =
          span.first >= 0 && span.count >= 1 && span.count <= AxisMap.mostTaps
          && Int(span.first + (span.count - 1) * span.step) < source
        let sum = (0..<Int(span.count)).reduce(0) { $0 + Int(map.weights[Int(span.weight) + $1]) }
        if !isInside || sum != 256 { Issue.record("output \(output): \(span), weights of \(sum)") }
      }
    }
  }

  @Test(arguments: [(64, 48, 8, 6), (31, 17, 3, 2), (200, 150, 7, 4), (9, 5, 4, 3), (1, 1, 2, 2)])
  func tilesAreMeansOfTheirBoxes(width: Int, height: Int, columns: Int, rows: Int) {
    var random = SeededGenerator(seed: UInt64(width))
    let frame = Scenes.moving(width, height, time: 1, noise: 10, random: &random)
    var worst = 0.0
    for mirrored in [false, true] {
      let sampler = CellSampler(
        size: VideoSize(width: width, height: height), columns: columns, rows: rows, mirrored: mirrored)
      let luma = Storage<UInt64>(repeating: 0, count: columns * TileRow.lumaWords)
      let chroma = Storage<UInt64>(repeating: 0, count: columns * TileRow.chromaWords)
      for row in 0..<rows {
        sampler.sample(frame, row: row, into: TileRow(luma: luma.pointer, chroma: chroma.pointer), at: 0)
        for column in 0..<columns * 8 {
          let place = mirrored ? columns * 8 - 1 - column : column
          for lane in 0..<8 {
            let expected = boxMean(
              frame.y, frame.yStride, width, height, place, columns * 8, row * 8 + lane, rows * 8)
            let sample = Double(luma.pointer[column] >> (8 * UInt64(lane)) & 255)
            worst = max(worst, abs(sample - expected))
          }
        }
        for column in 0..<columns * 4 {
          let place = mirrored ? columns * 4 - 1 - column : column
          for lane in 0..<8 {
            let plane = lane < 4 ? frame.u : frame.v
            let expected = boxMean(
              plane, frame.uvStride, frame.chromaWidth, frame.chromaHeight, place, columns * 4, row * 4 + lane % 4,
              rows * 4)
            let sample = Double(chroma.pointer[column] >> (8 * UInt64(lane)) & 255)
            worst = max(worst, abs(sample - expected))
          }
        }
      }
    }
    #expect(worst <= 2)
  }

  @Test(arguments: [false, true])
  func enlargingPassesFromSampleToSample(mirrored: Bool) {
    let map = AxisMap(source: 3, outputs: 12, mirrored: mirrored)
    let source = [0, 80, 240]
    let samples = (0..<map.outputs).map { output in
      let span = map.spans[output]
      return (0..<Int(span.count)).reduce(0) {
        $0 + source[Int(span.first) + $1] * Int(map.weights[Int(span.weight) + $1])
      } / 256
    }
    let line = [0, 0, 10, 30, 50, 70, 100, 140, 180, 220, 240, 240]
    #expect(samples == (mirrored ? line.reversed() : line))
  }

  /// The mean of a plane over the box of one output sample, by the definition.
  private func boxMean(
    _ plane: UnsafePointer<UInt8>, _ stride: Int, _ width: Int, _ height: Int, _ x: Int, _ columns: Int, _ y: Int,
    _ rows: Int
  ) -> Double {
    var sum = 0.0
    for (row, rowWeight) in boxWeights(width: height, output: y, of: rows) {
      for (column, weight) in boxWeights(width: width, output: x, of: columns) {
        sum += rowWeight * weight * Double(plane[row * stride + column])
      }
    }
    return sum
  }

  /// The samples of an axis in the box of one output sample, which is one sample wide at least, and how much of it each
  /// fills; what is beyond the edge is like the sample there.
  private func boxWeights(width: Int, output: Int, of outputs: Int) -> [(Int, Double)] {
    let size = max(Double(width) / Double(outputs), 1)
    let low = (Double(output) + 0.5) * Double(width) / Double(outputs) - size / 2
    return (Int(low.rounded(.down))..<Int((low + size).rounded(.up))).map { sample in
      let covered = min(low + size, Double(sample + 1)) - max(low, Double(sample))
      return (min(max(sample, 0), width - 1), covered / size)
    }
  }
}
