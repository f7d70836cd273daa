/// The colours of a terminal: the sixteen that are the person's to choose, and those that every terminal has.
struct TerminalPalette {
  /// The colours of SGR 30...37 and 90...97.
  let base: [Color]
  /// The default pens: light grey on black, which nobody knows better.
  let foreground = Color(red: 204, green: 204, blue: 204)
  let background = Color.black

  /// - Parameter baseColors: the sixteen, as the terminal told them; where it did not, they are xterm's.
  init(baseColors: [RGBColor] = []) {
    base =
      baseColors.count == Self.xterm.count
      ? baseColors.map { Color(red: Int($0.red), green: Int($0.green), blue: Int($0.blue)) } : Self.xterm
  }

  /// The colours of a depth of sixteen or less, and the pens that draw in them.
  func pens(_ depth: ColorDepth) -> (colors: [Color], pens: [Pen]) {
    if depth == .mono { return ([background, foreground], [.standardBackground, .standardForeground]) }
    let colors = depth == .ansi8 ? Array(base.prefix(8)) : base
    return (colors, colors.indices.map { Pen(index: UInt8($0)) })
  }

  private static let xterm: [Color] = [
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
  ].map { Color(red: $0.0, green: $0.1, blue: $0.2) }

  /// Number of the first colour of ``fixed240``.
  static let firstFixed = 16

  /// Colours 16...255 of SGR 38;5: a cube of 6x6x6 and 24 greys. (The first 16 are the user's to change.)
  static let fixed240: [Color] = {
    let levels = [0, 95, 135, 175, 215, 255]
    let cube = levels.flatMap { red in
      levels.flatMap { green in levels.map { Color(red: red, green: green, blue: $0) } }
    }
    return cube + (0..<24).map { Color(red: 8 + 10 * $0, green: 8 + 10 * $0, blue: 8 + 10 * $0) }
  }()
}
