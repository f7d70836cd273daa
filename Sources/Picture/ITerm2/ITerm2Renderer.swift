import Frames

/// Draws pictures with iTerm2's inline images.
final class ITerm2Renderer: PixelCanvas {
  let layout: PictureLayout

  init(layout: PictureLayout) {
    self.layout = layout
  }

  func invalidate() {}

  func render(remote: VideoFrame?, selfView: VideoFrame?, into writer: TerminalWriter) -> Int { 0 }
}
