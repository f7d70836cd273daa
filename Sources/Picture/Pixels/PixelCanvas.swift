import Frames

/// Draws pictures pixel by pixel, with one of the terminals' graphics protocols.
protocol PixelCanvas: AnyObject {
  var layout: PictureLayout { get }

  /// Forgets what the terminal shows.
  func invalidate()

  /// Writes what changed; returns how many cells lie under the images.
  /// - Parameter lambda: the price of a byte (``Renderer/lambda``), where images can leave out what is not worth it.
  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, into writer: TerminalWriter) -> Int

  /// Writes what takes the images away that erasing cells would leave.
  func clear(into writer: TerminalWriter)
}

extension PixelCanvas {
  func clear(into writer: TerminalWriter) {}
}
