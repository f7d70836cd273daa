/// The palettes every terminal has.
enum TerminalPalette {
  /// The 16 colours of SGR 30...37 and 90...97, as xterm has them.
  static let ansi16: [Color] = [
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
