import Frames

/// Draws pictures with character cells: reduces a row of the picture to tiles, selects the cells that have changed, finds
/// their looks, and writes those whose error is worth the bytes.
final class CellRenderer {
  let layout: PictureLayout
  private let matcher: Matcher
  private let depth: ColorDepth
  private let memory: CellMemory
  private let selection = CellMemory.Selection()
  private let looks: Storage<CellLook>
  private let luma: Storage<UInt64>
  private let chroma: Storage<UInt64>
  private var remoteSampler: CellSampler?
  private var selfSampler: CellSampler?
  /// The row to begin with. A frame that reached its limit is followed by one that goes on where it stopped.
  private var firstRow = 0
  /// Rows from there on that are to be drawn whole.
  private var wholeRows: Int
  /// A frame ends with the row in which it reaches this many bytes.
  var byteLimit = Int.max
  /// Whether the last frame got through all rows.
  private(set) var isComplete = true

  /// How the looks are found.
  enum Matcher {
    case half(HalfMatcher)
    case shapes(ShapeMatcher)
    case braille(BrailleMatcher)
    case letters(LetterMatcher)
    case tones(ToneMatcher)
    case mixtures(MixtureMatcher)
    case mixedShapes(MixedShapeMatcher)
    case dots(DotMatcher)

    init(mode: RenderMode, depth: ColorDepth, palette: TerminalPalette, font: LetterFont) {
      if depth < .ansi256 {
        self.init(fewPens: mode, depth: depth, palette: palette, font: font)
        return
      }
      let pens = PenChooser(depth: depth)
      self =
        switch mode {
        case .ascii: .letters(LetterMatcher(font: font, pens: pens))
        case .half: .half(HalfMatcher(pens: pens))
        case .quadrant: .shapes(ShapeMatcher(grid: .quadrant, blocks: false, pens: pens))
        case .sextant: .shapes(ShapeMatcher(grid: .sextant, blocks: true, pens: pens))
        case .octant: .shapes(ShapeMatcher(grid: .octant, blocks: true, pens: pens))
        case .braille: .braille(BrailleMatcher(pens: pens))
        case .block, .sixel, .kitty, .iterm2: .shapes(ShapeMatcher(grid: nil, blocks: true, pens: pens))
        }
    }

    /// For sixteen colours or less.
    private init(fewPens mode: RenderMode, depth: ColorDepth, palette: TerminalPalette, font: LetterFont) {
      func shapes(_ grid: SubcellGrid?, blocks: Bool) -> Matcher {
        .mixedShapes(MixedShapeMatcher(grid: grid, blocks: blocks, palette: palette, depth: depth))
      }
      self =
        switch mode {
        case .ascii where depth == .mono: .tones(ToneMatcher(font: font, palette: palette))
        case .ascii: .mixtures(MixtureMatcher(palette: palette, depth: depth, letters: font))
        case .half: .mixtures(MixtureMatcher(palette: palette, depth: depth, letters: nil))
        case .quadrant: shapes(.quadrant, blocks: false)
        case .sextant: shapes(.sextant, blocks: true)
        case .octant: shapes(.octant, blocks: true)
        case .braille: .dots(DotMatcher(palette: palette, depth: depth))
        case .block, .sixel, .kitty, .iterm2: shapes(nil, blocks: true)
        }
    }
  }

  /// - Parameters:
  ///   - palette: the terminal's own colours.
  ///   - font: what letters look like.
  init(
    layout: PictureLayout, mode: RenderMode, depth: ColorDepth, palette: TerminalPalette = TerminalPalette(),
    font: LetterFont = .spleen
  ) {
    self.layout = layout
    self.depth = depth
    matcher = Matcher(mode: mode, depth: depth, palette: palette, font: font)
    wholeRows = layout.picture.rows
    let columns = layout.picture.columns
    memory = CellMemory(columns: columns, rows: layout.picture.rows)
    looks = Storage(repeating: .unknown, count: columns)
    luma = Storage(repeating: 0, count: columns * TileRow.lumaWords)
    chroma = Storage(repeating: 0, count: columns * TileRow.chromaWords)
  }

  func invalidate() {
    wholeRows = layout.picture.rows
    memory.forget()
  }

  /// Writes what changed; returns how many cells that was.
  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, into writer: TerminalWriter) -> Int {
    switch matcher {
    case .half(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .shapes(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .braille(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .letters(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .mixtures(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .mixedShapes(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .dots(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .tones(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    }
  }

  @inline(__always)
  private func render(
    remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, matcher: some CellMatcher,
    into writer: TerminalWriter
  ) -> Int {
    let picture = layout.picture
    let tiles = TileRow(luma: luma.pointer, chroma: chroma.pointer)
    let roomPerRow = picture.columns * CellWriter.mostBytesPerCell + 64
    var output = CellWriter(
      pen: writer.begin(atMost: roomPerRow), depth: depth, repertoire: matcher.repertoire)
    let lambda = Float(lambda) * byteWeight
    var drawn = 0
    var drawnRows = 0
    let begin = writer.count
    // Some row is drawn however small the limit is: there is no other way to the end.
    while drawnRows < picture.rows, writer.count - begin < max(byteLimit, 1) {
      let row = firstRow
      let isWhole = wholeRows > 0
      firstRow = (firstRow + 1) % picture.rows
      wholeRows = max(wholeRows - 1, 0)
      drawnRows += 1
      sample(remote: remote, selfView: selfView, row: row, into: tiles)
      let count = memory.select(
        tiles, row: row, detail: matcher.detail,
        threshold: lambda * (weighsHalves ? CellHalves.leastBytes : output.leastBytes(for: matcher.detail)),
        isWhole: isWhole, into: selection)
      guard count > 0 else { continue }
      let shown = memory.shown.pointer + row * picture.columns
      matcher.match(
        MatchingJob(
          tiles: tiles, row: row, columns: selection.columns.pointer, count: count, errors: selection.errors.pointer,
          shown: shown, looks: looks.pointer))
      output.resume(writer.begin(atMost: roomPerRow))
      drawn +=
        weighsHalves
        ? writeHalves(count, row: row, lambda: lambda, shown: shown, output: &output)
        : write(count, row: row, lambda: lambda, shown: shown, output: &output)
      writer.finish(output.pen)
    }
    isComplete = drawnRows == picture.rows
    return drawn
  }

  /// Writes those of the matched cells that are worth it.
  @inline(__always)
  private func write(
    _ count: Int, row: Int, lambda: Float, shown: UnsafeMutablePointer<CellLook>, output: inout CellWriter
  ) -> Int {
    let picture = layout.picture
    var drawn = 0
    for index in 0..<count {
      let column = Int(selection.columns.pointer[index])
      let look = looks.pointer[index]
      if !output.isShown(look, by: shown[column]) {
        let plan = output.plan(look, column: picture.column + column, row: picture.row + row)
        guard selection.errors.pointer[index] > lambda * Float(plan.bytes) else { continue }
        output.write(plan.look, column: picture.column + column, row: picture.row + row)
        shown[column] = plan.look
        drawn += 1
      }
      memory.settle(selection, index, row: row)
    }
    return drawn
  }

  /// How many times its price a byte counts. In a palette cells are mostly farther off than their samples have changed, and
  /// another look is often no nearer: it costs bytes and flickers. (Matchers for fewer pens know what those look like and
  /// keep them by themselves.)
  private var byteWeight: Float { depth == .ansi256 ? 1.5 : 1 }

  /// Whether cells are halves in true colour.
  private var weighsHalves: Bool {
    if case .half = matcher { return depth == .trueColor }
    return false
  }

  /// Writes those of the matched cells that are worth it, of halves in true colour. It is known exactly what those show, so
  /// error and bytes are weighed for each way to write one.
  @inline(__always)
  private func writeHalves(
    _ count: Int, row: Int, lambda: Float, shown: UnsafeMutablePointer<CellLook>, output: inout CellWriter
  ) -> Int {
    let picture = layout.picture
    let prices = CellHalves.Prices.usual(lambda: lambda, output)
    let exactPrices = CellHalves.Prices.exact(output)
    var drawn = 0
    for index in 0..<count {
      let column = Int(selection.columns.pointer[index])
      let wanted = CellHalves(looks.pointer[index])
      let isExact = selection.errors.pointer[index] == .infinity
      let isKnown = shown[column].background != .unknown
      let left = isKnown ? wanted.error(in: CellHalves(shown[column])) : .max
      let plan = output.plan(
        wanted, column: picture.column + column, row: picture.row + row, prices: isExact ? exactPrices : prices)
      if plan.cost < left {
        output.write(plan.look, column: picture.column + column, row: picture.row + row)
        shown[column] = plan.look
        drawn += 1
      } else if !isExact {
        continue
      }
      memory.settle(selection, index, row: row, outline: CellHalves(shown[column]).outline)
    }
    return drawn
  }

  /// Brings the tiles of one row of cells up to date.
  private func sample(remote: VideoFrame?, selfView: VideoFrame?, row: Int, into tiles: TileRow) {
    let picture = layout.picture
    if let remote {
      let sampler = Self.sampler(&remoteSampler, for: remote, picture, mirrored: false)
      sampler.sample(remote, row: row, into: tiles, at: 0)
    } else {
      tiles.luma.update(repeating: TileRow.blackLuma, count: luma.count)
      tiles.chroma.update(repeating: TileRow.grayChroma, count: chroma.count)
    }
    if let selfView, let inset = layout.selfView, picture.row + row >= inset.row {
      let sampler = Self.sampler(&selfSampler, for: selfView, inset, mirrored: layout.mirrorsSelfView)
      sampler.sample(selfView, row: picture.row + row - inset.row, into: tiles, at: inset.column - picture.column)
    }
  }

  private static func sampler(
    _ sampler: inout CellSampler?, for frame: VideoFrame, _ cells: CellRectangle, mirrored: Bool
  ) -> CellSampler {
    if let sampler, sampler.fits(frame, cells) { return sampler }
    let made = CellSampler(
      size: VideoSize(width: frame.width, height: frame.height), columns: cells.columns, rows: cells.rows,
      mirrored: mirrored)
    sampler = made
    return made
  }
}
