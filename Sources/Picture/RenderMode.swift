/// What a picture is made of on the screen.
public enum RenderMode: String, Sendable, CaseIterable {
  /// Letters and punctuation, for terminals that know nothing else.
  case ascii
  /// Upper and lower half blocks: two coloured squares in a cell.
  case half
  /// Quarters of a cell: the block elements U+2580, 2584, 2588, 258C, 2590, 2596...259F.
  case quadrant
  /// Block elements U+2580...259F, the best of them for every cell.
  case block
  /// Sixths of a cell (U+1FB00...1FB3B) and the block elements, for fonts of Unicode 13.
  case sextant
  /// Eighths of a cell (U+1CD00...1CDE5) and the block elements, for fonts of Unicode 16.
  case octant
  /// Braille patterns: eight dots in a cell.
  case braille
  /// Sixel graphics: true pixels.
  case sixel
  /// Kitty's graphics protocol: true pixels, all colours.
  case kitty
  /// iTerm2's inline images: a whole PNG for every change, for terminals that know nothing better.
  case iterm2

  /// The best mode for a terminal: kitty graphics where there are, sixel where the terminal draws it in enough colours, both
  /// only where it has told how large its cells are; block elements with 256 colours or more, half blocks with less,
  /// letters where there is no UTF-8.
  public static func automatic(for capabilities: TerminalCapabilities) -> RenderMode {
    if capabilities.kitty != nil, capabilities.cellPixels != nil { return .kitty }
    if let sixel = capabilities.sixel, sixel.registers >= SixelSupport.fewestForVideo, capabilities.cellPixels != nil {
      return .sixel
    }
    return automaticCells(for: capabilities)
  }

  /// The best mode that is made of characters.
  public static func automaticCells(for capabilities: TerminalCapabilities) -> RenderMode {
    guard capabilities.isUTF8 else { return .ascii }
    return capabilities.colors >= .ansi256 ? .block : .half
  }

  /// Whether the terminal can show this mode.
  public func isSupported(by capabilities: TerminalCapabilities) -> Bool {
    switch self {
    case .ascii: true
    case .half, .quadrant, .block, .sextant, .octant, .braille: capabilities.isUTF8
    case .sixel: capabilities.sixel != nil
    case .kitty: capabilities.kitty != nil
    case .iterm2: capabilities.hasInlineImages
    }
  }

  /// Whether it is made of pixels rather than of characters.
  public var hasPixels: Bool {
    switch self {
    case .sixel, .kitty, .iterm2: true
    case .ascii, .half, .quadrant, .block, .sextant, .octant, .braille: false
    }
  }

  /// Whether its characters are in new fonts only, and no terminal tells whether its font is one: then it is for those who
  /// ask for it by name.
  private var needsNewFont: Bool { self == .sextant || self == .octant }

  /// The next mode the terminal can show, for a key that walks through them.
  public func next(for capabilities: TerminalCapabilities) -> RenderMode {
    let possible = Self.allCases.filter { $0.isSupported(by: capabilities) && !$0.needsNewFont }
    guard let index = possible.firstIndex(of: self) else { return .automatic(for: capabilities) }
    return possible[(index + 1) % possible.count]
  }
}
