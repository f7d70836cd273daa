public import Frames

/// A picture to judge a terminal by: bars of colour, a ramp of grey, fine lines, a circle.
public enum TestCard {
  /// Red, green and blue of the bars, as on television.
  private static let bars: [(Int, Int, Int)] = [
    (191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191), (16, 16, 16),
  ]

  /// - Precondition: `size.isValid`.
  public static func frame(_ size: VideoSize, from pool: VideoFramePool) -> VideoFrame {
    let frame = pool.take(size)
    for row in 0..<size.height {
      for column in 0..<size.width {
        frame.y[row * frame.yStride + column] = color(column, row, size).y
      }
    }
    for row in 0..<frame.chromaHeight {
      for column in 0..<frame.chromaWidth {
        let color = color(2 * column, 2 * row, size)
        frame.u[row * frame.uvStride + column] = color.u
        frame.v[row * frame.uvStride + column] = color.v
      }
    }
    return frame
  }

  private static func color(_ x: Int, _ y: Int, _ size: VideoSize) -> Color {
    let dx = 2 * x - size.width
    let dy = 2 * y - size.height
    let radius = min(size.width, size.height) * 9 / 10
    let distance = dx * dx + dy * dy
    if distance < radius * radius, distance > (radius * 9 / 10) * (radius * 9 / 10) {
      return Color(red: 255, green: 255, blue: 255)
    }
    switch y * 6 / size.height {
    case 0...3:
      let bar = bars[min(x * bars.count / size.width, bars.count - 1)]
      return Color(red: bar.0, green: bar.1, blue: bar.2)
    case 4:
      let gray = x * 255 / max(size.width - 1, 1)
      return Color(red: gray, green: gray, blue: gray)
    default:
      // Lines that come ever closer.
      let period = max(2, (size.width - x) * 24 / size.width)
      return x % period < period / 2 ? .black : Color(red: 235, green: 235, blue: 235)
    }
  }
}
