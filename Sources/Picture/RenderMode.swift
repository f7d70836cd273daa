/// What a picture is made of on the screen.
public enum RenderMode: String, Sendable, CaseIterable {
  /// Letters and punctuation, for terminals that know nothing else.
  case ascii
  /// Upper and lower half blocks: two coloured squares in a cell.
  case half
  /// Block elements U+2580...259F, the best of them for every cell.
  case block
  /// Sixel graphics: true pixels.
  case sixel

  /// The best mode for a terminal: sixel where the terminal draws it in enough colours and has told how large its cells
  /// are, block elements with 256 colours or more, half blocks with less, letters where there is no UTF-8.
  public static func automatic(for capabilities: TerminalCapabilities) -> RenderMode {
    if let sixel = capabilities.sixel, sixel.registers >= SixelSupport.fewestForVideo, capabilities.cellPixels != nil {
      return .sixel
    }
    guard capabilities.isUTF8 else { return .ascii }
    return capabilities.colors >= .ansi256 ? .block : .half
  }

  /// Whether the terminal can show this mode.
  public func isSupported(by capabilities: TerminalCapabilities) -> Bool {
    switch self {
    case .ascii: true
    case .half, .block: capabilities.isUTF8
    case .sixel: capabilities.sixel != nil
    }
  }

  /// The next mode the terminal can show, for a key that walks through them.
  public func next(for capabilities: TerminalCapabilities) -> RenderMode {
    let possible = Self.allCases.filter { $0.isSupported(by: capabilities) }
    guard let index = possible.firstIndex(of: self) else { return .automatic(for: capabilities) }
    return possible[(index + 1) % possible.count]
  }
}
