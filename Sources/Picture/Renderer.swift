public import Frames

/// What one call of ``Renderer/render(remote:selfView:in:into:)`` did.
public struct RenderedFrame: Sendable, Equatable {
  /// Bytes appended; 0 when the screen shows the picture already.
  public var bytes = 0
  /// Cells rewritten (for sixel: cells under the images sent).
  public var cells = 0
  /// Where the peer's picture is, letterboxed.
  public var picture = CellRectangle(columns: 0, rows: 0)
  /// Where the self view is, if there is room for one.
  public var selfView: CellRectangle?
  /// Whether all of the picture was looked at. If not, for ``Renderer/byteLimit`` was reached, the rest is drawn by
  /// rendering the same picture again.
  public var isComplete = true
}

/// Draws pictures on a terminal: I420 frames in, bytes for the terminal out. It remembers what the terminal shows and
/// writes only what changed enough to be worth its bytes.
///
/// Not thread safe: one thread renders. Once the viewport, the mode and the frame sizes are settled it allocates nothing.
/// The bytes of a frame save the cursor and its attributes (DECSC) and restore them at the end, so a program that draws
/// text elsewhere on the screen needs not know of them. It should hide the cursor, though: terminals draw the cell under
/// a visible one anew when it moves, over a sixel image, too.
///
///     let renderer = Renderer(mode: .automatic(for: capabilities), capabilities: capabilities)
///     renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
public final class Renderer {
  /// Changing it redraws everything with the next frame. Sixel on a terminal without it is drawn as block elements, and
  /// those as letters where there is no UTF-8.
  public var mode: RenderMode { didSet { if mode != oldValue { dropCanvas() } } }
  /// Changing them redraws everything with the next frame.
  public var capabilities: TerminalCapabilities { didSet { if capabilities != oldValue { dropCanvas() } } }
  /// How the picture is fitted in. Changing it redraws everything with the next frame.
  public var fit: PictureFit
  /// The price of a byte: a cell is rewritten when that removes more than `lambda` of squared luma error a byte (of 4x4
  /// samples), a sixel when it removes about twice as much (of its pixels). 0 sends every change; larger values suit slower
  /// links. Not for kitty and iterm2.
  public var lambda: Double

  /// Tones, zoom and the like.
  public var effects = PictureEffects()
  /// A frame of characters ends with the row of cells in which its cells reach this many bytes; the next one goes on there.
  /// So even a picture that is drawn whole keeps to a budget. Nothing for the modes of pixels.
  public var byteLimit = Int.max

  /// A price of a byte at which nobody sees the difference.
  public static let standardLambda = 2.0

  /// Where pixels are handed to a terminal on the same machine; nil to write them to it. For kitty graphics.
  public var memory: (any PictureMemory)? { didSet { dropCanvas() } }

  private enum Canvas {
    case cells(CellRenderer)
    case pixels(any PixelCanvas)

    var layout: PictureLayout {
      switch self {
      case .cells(let renderer): renderer.layout
      case .pixels(let canvas): canvas.layout
      }
    }

    var isComplete: Bool {
      switch self {
      case .cells(let renderer): renderer.isComplete
      case .pixels: true
      }
    }
  }

  private var canvas: Canvas?
  /// Whose images are to be taken away with the next frame.
  private var retired: (any PixelCanvas)?
  private var isWhole = true
  private let writer = TerminalWriter()
  private let adjuster = FrameAdjuster()

  /// A renderer for a terminal whose screen it does not know yet.
  public init(
    mode: RenderMode, capabilities: TerminalCapabilities, fit: PictureFit = .letterbox,
    lambda: Double = Renderer.standardLambda
  ) {
    self.mode = mode
    self.capabilities = capabilities
    self.fit = fit
    self.lambda = lambda
  }

  /// Forgets what the terminal shows, so that the next frame is drawn whole: after a resize, or when something else was
  /// drawn over the picture.
  public func invalidate() {
    isWhole = true
  }

  /// Appends the bytes that bring the viewport to this picture.
  /// - Parameters:
  ///   - remote: the peer's picture; nil for black.
  ///   - selfView: our own camera, mirrored into the lower right corner of the picture; nil for none.
  ///   - viewport: where to draw. A change of it redraws everything. Cells it leaves are the caller's to clear.
  ///   - output: the bytes are appended to it; keep its capacity (`removeAll(keepingCapacity: true)`) between frames.
  @discardableResult
  public func render(
    remote: VideoFrame?, selfView: VideoFrame?, in viewport: Viewport, into output: inout [UInt8]
  ) -> RenderedFrame {
    var layout = PictureLayout(
      viewport: viewport, remote: remote.map(Self.size), selfView: selfView.map(Self.size), fit: fit,
      images: ImageBounds(shownMode, capabilities))
    guard !layout.area.isEmpty else { return RenderedFrame() }
    layout.mirrorsSelfView = effects.mirrorsSelfView
    let shown = remote.map { frame in
      adjuster.adjust(
        frame, window: SourceWindow(size: Self.size(frame), area: layout.picturePixels, fit: fit, effects: effects),
        effects: effects)
    }
    let canvas = canvas(for: layout)
    writer.removeAll()
    begin()
    let prologue = writer.count
    retired?.clear(into: writer)
    retired = nil
    if isWhole { writeMargins(layout) }
    let cells = draw(canvas, remote: shown, selfView: selfView)
    isWhole = false
    var result = RenderedFrame(
      cells: cells, picture: layout.picture, selfView: layout.selfView, isComplete: canvas.isComplete)
    if writer.count > prologue {
      end()
      output.append(contentsOf: writer.bytes)
      result.bytes = writer.count
    }
    return result
  }

  /// Appends the bytes that blank the viewport with the default pens, and forgets what it showed.
  public func clear(_ viewport: Viewport, into output: inout [UInt8]) {
    invalidate()
    let area = viewport.drawable
    guard !area.isEmpty else { return }
    writer.removeAll()
    begin()
    dropCanvas()
    retired?.clear(into: writer)
    retired = nil
    erase(area)
    end()
    output.append(contentsOf: writer.bytes)
  }

  /// Bytes that undo whatever a frame cut short may have left: an open image or update, pens.
  public static let restore: [UInt8] = Array("\u{1B}\\\u{1B}[?2026l\u{1B}[0m".utf8)

  private static func size(_ frame: VideoFrame) -> VideoSize { VideoSize(width: frame.width, height: frame.height) }

  /// The mode that is really drawn.
  private var shownMode: RenderMode {
    if mode.isSupported(by: capabilities) { return mode }
    return mode != .block && RenderMode.block.isSupported(by: capabilities) ? .block : .ascii
  }

  private func canvas(for layout: PictureLayout) -> Canvas {
    if let canvas, canvas.layout == layout {
      if isWhole {
        switch canvas {
        case .cells(let renderer): renderer.invalidate()
        case .pixels(let canvas): canvas.invalidate()
        }
      }
      return canvas
    }
    isWhole = true
    dropCanvas()
    let made = makeCanvas(for: layout)
    canvas = made
    return made
  }

  private func dropCanvas() {
    if case .pixels(let pixels)? = canvas { retired = pixels }
    canvas = nil
  }

  private func makeCanvas(for layout: PictureLayout) -> Canvas {
    switch shownMode {
    case .sixel: .pixels(SixelRenderer(layout: layout, support: capabilities.sixel ?? SixelSupport()))
    case .kitty:
      .pixels(KittyRenderer(layout: layout, support: capabilities.kitty ?? KittySupport(), memory: memory))
    case .iterm2: .pixels(ITerm2Renderer(layout: layout))
    case .ascii, .half, .quadrant, .block, .sextant, .octant, .braille:
      .cells(
        CellRenderer(
          layout: layout, mode: shownMode, depth: capabilities.colors, palette: TerminalPalette(capabilities),
          font: capabilities.letterFont))
    }
  }

  private func draw(_ canvas: Canvas, remote: VideoFrame?, selfView: VideoFrame?) -> Int {
    switch canvas {
    case .cells(let renderer):
      renderer.byteLimit = byteLimit
      return renderer.render(remote: remote, selfView: selfView, lambda: max(0, lambda), into: writer)
    case .pixels(let canvas):
      return canvas.render(remote: remote, selfView: selfView, lambda: max(0, lambda), into: writer)
    }
  }

  private func begin() {
    var pen = writer.begin(atMost: 16)
    if capabilities.synchronizedUpdates { pen.literal(ControlSequence.beginUpdate) }
    pen.literal(ControlSequence.saveCursor)
    writer.finish(pen)
  }

  private func end() {
    var pen = writer.begin(atMost: 16)
    pen.literal(ControlSequence.restoreCursor)
    if capabilities.synchronizedUpdates { pen.literal(ControlSequence.endUpdate) }
    writer.finish(pen)
  }

  /// Blanks what lies around the picture.
  private func writeMargins(_ layout: PictureLayout) {
    let area = layout.area
    let picture = layout.picture
    let bottom = area.row + area.rows
    erase(CellRectangle(column: area.column, row: area.row, columns: area.columns, rows: picture.row - area.row))
    erase(
      CellRectangle(
        column: area.column, row: picture.row, columns: picture.column - area.column, rows: picture.rows))
    let right = picture.column + picture.columns
    erase(
      CellRectangle(
        column: right, row: picture.row, columns: area.column + area.columns - right, rows: picture.rows))
    let below = picture.row + picture.rows
    erase(CellRectangle(column: area.column, row: below, columns: area.columns, rows: bottom - below))
  }

  private func erase(_ cells: CellRectangle) {
    guard !cells.isEmpty else { return }
    var pen = writer.begin(atMost: 8 + cells.rows * 32)
    pen.literal(ControlSequence.resetPens)
    for row in cells.row..<cells.row + cells.rows {
      pen.moveTo(column: cells.column, row: row)
      pen.erase(cells.columns)
    }
    writer.finish(pen)
  }
}
