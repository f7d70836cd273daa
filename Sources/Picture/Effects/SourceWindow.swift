import Frames

/// The part of a picture that is shown, in luma samples; all four are even unless it is the whole picture.
struct SourceWindow: Equatable {
  var x: Int
  var y: Int
  var width: Int
  var height: Int

  /// No part is smaller on either side, unless the picture is.
  private static let leastSide = 16

  /// - Parameters:
  ///   - size: of the picture.
  ///   - area: what it is drawn on, in the terminal's pixels.
  init(size: VideoSize, area: PixelSize, fit: PictureFit, effects: PictureEffects) {
    var (width, height) = (Double(size.width), Double(size.height))
    switch fit {
    case .letterbox, .stretch: break
    case .fill:
      let shape = Double(area.width) / Double(max(area.height, 1))
      if width > height * shape { width = height * shape } else { height = width / max(shape, 1e-3) }
    case .actualSize:
      width = min(width, Double(area.width))
      height = min(height, Double(area.height))
    }
    (x, self.width) = Self.span(width / effects.zoom, of: size.width, pan: effects.panX)
    (y, self.height) = Self.span(height / effects.zoom, of: size.height, pan: effects.panY)
  }

  private static func span(_ length: Double, of whole: Int, pan: Double) -> (start: Int, length: Int) {
    let kept = max(Int(length.rounded()), leastSide)
    // Half a sample more or less is no window.
    guard kept + 1 < whole else { return (0, whole) }
    let even = kept & ~1
    let start = Double(whole - even) * (pan + 1) / 2
    return (Int(start) & ~1, even)
  }

  /// Whether it is all of a picture.
  func isWhole(of size: VideoSize) -> Bool { width == size.width && height == size.height }
}
