import Frames

/// Draws pictures with kitty's graphics protocol.
final class KittyRenderer: PixelCanvas {
  let layout: PictureLayout

  init(layout: PictureLayout, support: KittySupport, memory: (any PictureMemory)?) {
    self.layout = layout
  }

  func invalidate() {}

  func render(remote: VideoFrame?, selfView: VideoFrame?, into writer: TerminalWriter) -> Int { 0 }
}
