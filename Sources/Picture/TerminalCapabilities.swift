/// How many colours a terminal has.
public enum ColorDepth: Int, Sendable, Comparable {
  /// The default pens only.
  case mono
  /// The eight colours of SGR 30...37.
  case ansi8
  /// The sixteen colours of SGR 30...37, 90...97.
  case ansi16
  /// The xterm palette of SGR 38;5.
  case ansi256
  /// Red, green and blue of SGR 38;2.
  case trueColor

  public static func < (a: ColorDepth, b: ColorDepth) -> Bool { a.rawValue < b.rawValue }
}

/// Red, green and blue of 0...255.
public struct RGBColor: Sendable, Hashable {
  /// How much red.
  public var red: UInt8
  /// How much green.
  public var green: UInt8
  /// How much blue.
  public var blue: UInt8

  /// A colour of three channels.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }
}

/// The colours of text that has none of its own.
public struct DefaultPens: Sendable, Hashable {
  /// Of the letters.
  public var foreground: RGBColor
  /// Of what is behind them.
  public var background: RGBColor

  /// Two colours.
  public init(foreground: RGBColor, background: RGBColor) {
    self.foreground = foreground
    self.background = background
  }
}

/// What a terminal says about its sixel graphics.
public struct SixelSupport: Sendable, Hashable {
  /// With fewer colour registers than this block elements look better than sixels.
  static let fewestForVideo = 64

  /// Colour registers, 2 or more.
  public var registers: Int
  /// The largest image, where the terminal told.
  public var largestImage: PixelSize?
  /// Whether pixels that an image leaves unpainted (P2 = 1) keep what was there. Known only of some terminals; others
  /// replace every cell under an image.
  public var keepsUnpaintedPixels: Bool

  /// Whether a part of the picture can be drawn by an image of its own; otherwise every image is the whole picture.
  public var placesRectangles: Bool
  /// Whether images can use colours told by earlier ones (CSI ? 1070 l); otherwise each tells all of its own.
  public var sharesRegisters: Bool

  /// By default it is what every terminal with sixel graphics can do.
  public init(
    registers: Int = 256, largestImage: PixelSize? = nil, keepsUnpaintedPixels: Bool = false,
    placesRectangles: Bool = true, sharesRegisters: Bool = false
  ) {
    self.registers = registers
    self.largestImage = largestImage
    self.keepsUnpaintedPixels = keepsUnpaintedPixels
    self.placesRectangles = placesRectangles
    self.sharesRegisters = sharesRegisters
  }
}

/// A program between us and the terminal that draws for itself.
public enum Multiplexer: Sendable, Hashable {
  /// tmux.
  case tmux
  /// GNU Screen.
  case screen
}

/// What a terminal can do, as far as it matters for pictures.
public struct TerminalCapabilities: Sendable, Hashable {
  /// How many colours it has.
  public var colors: ColorDepth
  /// The person's own sixteen colours (OSC 4), or nothing where the terminal did not tell: then they are xterm's.
  public var baseColors: [RGBColor]
  /// The colours of text without colours (OSC 10 and 11), or nil where the terminal did not tell: then letters are light
  /// on black.
  public var defaultPens: DefaultPens?
  /// The font whose letters are nearest to the terminal's; no terminal tells.
  public var letterFont: LetterFont
  /// Whether characters outside ASCII arrive as UTF-8.
  public var isUTF8: Bool
  /// Nil without sixel graphics.
  public var sixel: SixelSupport?
  /// Nil without kitty's graphics protocol.
  public var kitty: KittySupport?
  /// Whether iTerm2's inline images (OSC 1337) are drawn.
  public var hasInlineImages: Bool
  /// Whether frames are wrapped in synchronized updates (CSI ? 2026 h/l). Terminals that do not know them ignore them.
  public var synchronizedUpdates: Bool
  /// Size of a cell, where the terminal told.
  public var cellPixels: PixelSize?
  /// Size of the screen in columns and rows, where the terminal told.
  public var screenCells: CellRectangle?
  /// Name and version as the terminal gives them (XTVERSION), or the empty string.
  public var name: String
  /// What stands between us and the terminal, if anything does.
  public var multiplexer: Multiplexer?

  /// By default it is a terminal of which nothing is known but that it takes UTF-8.
  public init(
    colors: ColorDepth, baseColors: [RGBColor] = [], defaultPens: DefaultPens? = nil,
    letterFont: LetterFont = .dejaVuSansMono, isUTF8: Bool = true,
    sixel: SixelSupport? = nil, kitty: KittySupport? = nil, hasInlineImages: Bool = false,
    synchronizedUpdates: Bool = true, cellPixels: PixelSize? = nil, screenCells: CellRectangle? = nil,
    name: String = "", multiplexer: Multiplexer? = nil
  ) {
    self.colors = colors
    self.baseColors = baseColors
    self.defaultPens = defaultPens
    self.letterFont = letterFont
    self.isUTF8 = isUTF8
    self.sixel = sixel
    self.kitty = kitty
    self.hasInlineImages = hasInlineImages
    self.synchronizedUpdates = synchronizedUpdates
    self.cellPixels = cellPixels
    self.screenCells = screenCells
    self.name = name
    self.multiplexer = multiplexer
  }
}
