import Frames

/// Draws pictures with character cells. For each cell it remembers the samples it was last drawn from and what it shows,
/// and redraws it when the error that removes is worth the bytes; a cell whose samples stand still is brought to its exact
/// look after a while, whatever it costs.
final class CellRenderer {
  let layout: PictureLayout
  private let matcher: Matcher
  private let depth: ColorDepth
  private let cells: Storage<CellState>
  private let lastLuma: Storage<UInt64>
  private let lastChroma: Storage<UInt64>
  private let luma: Storage<UInt64>
  private let chroma: Storage<UInt64>
  private var remoteSampler: CellSampler?
  private var selfSampler: CellSampler?
  private var isWhole = true

  /// How the looks are found.
  enum Matcher {
    case half(HalfMatcher)
    case block(BlockMatcher)
    case letters(LetterMatcher)
    case tones(ToneMatcher)
    case mixtures(MixtureMatcher)

    init(mode: RenderMode, depth: ColorDepth) {
      switch (mode, depth) {
      case (.ascii, .mono): self = .tones(ToneMatcher())
      case (_, .mono), (_, .ansi8), (_, .ansi16): self = .mixtures(MixtureMatcher(depth: depth, usesBlocks: mode != .ascii))
      case (.ascii, _): self = .letters(LetterMatcher(pens: PenChooser(depth: depth)))
      case (.half, _): self = .half(HalfMatcher(pens: PenChooser(depth: depth)))
      case (.quadrant, _), (.block, _), (.sextant, _), (.octant, _), (.braille, _), (.sixel, _), (.kitty, _),
        (.iterm2, _):
        self = .block(BlockMatcher(pens: PenChooser(depth: depth)))
      }
    }
  }

  private struct CellState {
    /// The samples that are on the screen.
    var drawn = CellSignature.zero
    var shown = CellLook.unknown
    /// Frames since the samples changed, up to ``CellRenderer/settled``, where the screen shows their exact look.
    var still: UInt8 = 0
  }

  /// A cell is made exact when its samples have stood still for this many frames.
  private static let patience: UInt8 = 15
  private static let settled: UInt8 = .max

  init(layout: PictureLayout, mode: RenderMode, depth: ColorDepth) {
    self.layout = layout
    self.depth = depth
    matcher = Matcher(mode: mode, depth: depth)
    let columns = layout.picture.columns
    let count = columns * layout.picture.rows
    cells = Storage(repeating: CellState(), count: count)
    lastLuma = Storage(repeating: 0, count: count * TileRow.lumaWords)
    lastChroma = Storage(repeating: 0, count: count * TileRow.chromaWords)
    luma = Storage(repeating: 0, count: columns * TileRow.lumaWords)
    chroma = Storage(repeating: 0, count: columns * TileRow.chromaWords)
  }

  func invalidate() {
    isWhole = true
    cells.fill(CellState())
  }

  /// Writes what changed; returns how many cells that was.
  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, into writer: TerminalWriter) -> Int {
    switch matcher {
    case .half(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .block(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .letters(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .mixtures(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    case .tones(let matcher):
      render(remote: remote, selfView: selfView, lambda: lambda, matcher: matcher, into: writer)
    }
  }

  private func render(
    remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, matcher: some CellMatcher,
    into writer: TerminalWriter
  ) -> Int {
    let picture = layout.picture
    let roomPerRow = picture.columns * CellWriter.mostBytesPerCell + 64
    var output = CellWriter(pen: writer.begin(atMost: roomPerRow), depth: depth, hasBlocks: matcher.usesBlocks)
    var drawn = 0
    for row in 0..<picture.rows {
      sample(remote: remote, selfView: selfView, row: row)
      output.resume(writer.begin(atMost: roomPerRow))
      drawn += draw(row: row, lambda: lambda, matcher: matcher, output: &output)
      writer.finish(output.pen)
    }
    isWhole = false
    return drawn
  }

  /// Brings the tiles of one row of cells up to date.
  private func sample(remote: VideoFrame?, selfView: VideoFrame?, row: Int) {
    let picture = layout.picture
    let tiles = TileRow(luma: luma.pointer, chroma: chroma.pointer)
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

  @inline(__always)
  private func draw(
    row: Int, lambda: Double, matcher: some CellMatcher, output: inout CellWriter
  ) -> Int {
    let columns = layout.picture.columns
    let first = row * columns
    var drawn = 0
    for column in 0..<columns {
      let cell = first + column
      let luma = UnsafePointer(luma.pointer + column * TileRow.lumaWords)
      let chroma = UnsafePointer(chroma.pointer + column * TileRow.chromaWords)
      let state = cells.pointer + cell
      var isForced = isWhole
      if Self.update(
        lastLuma.pointer + cell * TileRow.lumaWords, luma, lastChroma.pointer + cell * TileRow.chromaWords, chroma)
      {
        state.pointee.still = 0
      } else if !isForced {
        if state.pointee.still == Self.settled { continue }
        state.pointee.still += 1
        if state.pointee.still < Self.patience { continue }
        isForced = true
      }
      let signature = CellSignature(luma: luma, chroma: chroma, halves: matcher.seesHalvesOnly)
      let error = isForced ? Double.infinity : Double(signature.distance(to: state.pointee.drawn))
      guard error > lambda * output.leastBytes else { continue }
      let look = matcher.match(luma: luma, chroma: chroma)
      if !output.isShown(look, by: state.pointee.shown) {
        let plan = output.plan(look, column: layout.picture.column + column, row: layout.picture.row + row)
        guard error > lambda * Double(plan.bytes) else { continue }
        output.write(plan.look, column: layout.picture.column + column, row: layout.picture.row + row)
        state.pointee.shown = plan.look
        drawn += 1
      }
      state.pointee.drawn = signature
      if isForced { state.pointee.still = Self.settled }
    }
    return drawn
  }

  /// Copies a tile over the last one; whether it was different.
  @inline(__always)
  private static func update(
    _ lastLuma: UnsafeMutablePointer<UInt64>, _ luma: UnsafePointer<UInt64>,
    _ lastChroma: UnsafeMutablePointer<UInt64>, _ chroma: UnsafePointer<UInt64>
  ) -> Bool {
    var difference: UInt64 = 0
    for word in 0..<TileRow.lumaWords { difference |= lastLuma[word] ^ luma[word] }
    for word in 0..<TileRow.chromaWords { difference |= lastChroma[word] ^ chroma[word] }
    guard difference != 0 else { return false }
    lastLuma.update(from: luma, count: TileRow.lumaWords)
    lastChroma.update(from: chroma, count: TileRow.chromaWords)
    return true
  }
}
