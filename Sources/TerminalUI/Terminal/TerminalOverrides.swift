public import Picture

/// What a person says of the terminal, against what it says of itself.
public struct TerminalOverrides: Sendable, Hashable {
  /// Believable heights of a cell in its widths.
  public static let aspects = 0.5...5.0

  public var colors: ColorDepth?
  /// The font whose letters are nearest to the terminal's.
  public var letterFont: LetterFont?
  /// Height of a cell in its widths; 2 where nothing is known.
  public var cellAspect: Double?
  /// What else; of two that say different things the last is right.
  public var features: [TerminalFeature]

  public init(
    colors: ColorDepth? = nil, letterFont: LetterFont? = nil, cellAspect: Double? = nil,
    features: [TerminalFeature] = []
  ) {
    self.colors = colors
    self.letterFont = letterFont
    self.cellAspect = cellAspect
    self.features = features
  }

  /// Changes what is known of the terminal.
  /// - Parameter mode: a way of drawing that the person wants though the terminal did not say that it knows it.
  public func apply(to capabilities: inout TerminalCapabilities, wanting mode: RenderMode?) {
    if let colors { capabilities.colors = colors }
    if let letterFont { capabilities.letterFont = letterFont }
    switch mode {
    case .sixel: capabilities.sixel = capabilities.sixel ?? SixelSupport()
    case .kitty:
      let profile = PixelProfile(name: capabilities.name, multiplexer: capabilities.multiplexer)
      capabilities.kitty =
        capabilities.kitty
        ?? KittySupport(editsImages: profile.editsKittyImages, isInsideTmux: capabilities.multiplexer == .tmux)
    case .iterm2: capabilities.hasInlineImages = true
    case .half, .quadrant, .block, .sextant, .octant, .braille: capabilities.isUTF8 = true
    case .ascii, nil: break
    }
    for feature in features { feature.apply(to: &capabilities) }
  }

  /// The cell that a picture's shape is counted with. Pixels are the terminal's own business.
  public func cellPixels(for mode: RenderMode, _ capabilities: TerminalCapabilities) -> PixelSize? {
    guard let cellAspect, !mode.hasPixels else { return capabilities.cellPixels }
    return PixelSize(width: 50, height: Int((50 * cellAspect).rounded()))
  }
}

extension RenderMode {
  /// Bytes a second below which pixels are too dear, unless the person wants them.
  private static let leastForPixels = 400_000

  /// The mode of drawing to begin with: the best that a terminal can show within a budget of bytes a second.
  static func automatic(for capabilities: TerminalCapabilities, bytesPerSecond: Int?) -> RenderMode {
    let best = automatic(for: capabilities)
    guard best.hasPixels, let bytesPerSecond, bytesPerSecond < leastForPixels else { return best }
    return automaticCells(for: capabilities)
  }
}
