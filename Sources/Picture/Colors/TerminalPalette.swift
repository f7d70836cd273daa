/// The colours of a terminal: the sixteen that are the person's to choose, and those that every terminal has.
struct TerminalPalette {
  /// The colours of SGR 30...37 and 90...97.
  let base: [Color]
  /// The default pens.
  let foreground: Color
  let background: Color

  /// Default pens closer than this in luma are not believed, for nobody could read in them.
  private static let leastContrast = 48

  /// - Parameters:
  ///   - baseColors: the sixteen, as the terminal told them; where it did not, they are xterm's.
  ///   - defaultPens: as the terminal told them; where it did not, they are light grey on black.
  init(baseColors: [RGBColor] = [], defaultPens: DefaultPens? = nil) {
    base = baseColors.count == Self.xterm.count ? baseColors.map(Color.init) : Self.xterm
    let told = defaultPens.map { (ink: Color($0.foreground), ground: Color($0.background)) }
    if let told, abs(Int(told.ink.y) - Int(told.ground.y)) >= Self.leastContrast {
      (foreground, background) = told
    } else {
      (foreground, background) = (Color(red: 204, green: 204, blue: 204), .black)
    }
  }

  init(_ capabilities: TerminalCapabilities) {
    self.init(baseColors: capabilities.baseColors, defaultPens: capabilities.defaultPens)
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

extension Color {
  init(_ color: RGBColor) {
    self.init(red: Int(color.red), green: Int(color.green), blue: Int(color.blue))
  }
}
