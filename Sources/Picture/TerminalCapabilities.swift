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
  public var red: UInt8
  public var green: UInt8
  public var blue: UInt8

  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }
}

/// What a terminal says about its sixel graphics.
public struct SixelSupport: Sendable, Hashable {
  /// With fewer colour registers than this block elements look better than sixels.
  static let fewestForVideo = 64
  /// No image is made larger than this on either side, whatever the terminal says.
  static let longestSide = 4096

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

  /// The largest image to make.
  var boundedImage: PixelSize {
    PixelSize(
      width: min(largestImage?.width ?? Self.longestSide, Self.longestSide),
      height: min(largestImage?.height ?? Self.longestSide, Self.longestSide))
  }
}

/// A program between us and the terminal that draws for itself.
public enum Multiplexer: Sendable, Hashable {
  case tmux, screen
}

/// What a terminal can do, as far as it matters for pictures.
public struct TerminalCapabilities: Sendable, Hashable {
  public var colors: ColorDepth
  /// The person's own sixteen colours (OSC 4), or nothing where the terminal did not tell: then they are xterm's.
  public var baseColors: [RGBColor]
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
  public var multiplexer: Multiplexer?

  public init(
    colors: ColorDepth, baseColors: [RGBColor] = [], letterFont: LetterFont = .dejaVuSansMono, isUTF8: Bool = true,
    sixel: SixelSupport? = nil, kitty: KittySupport? = nil, hasInlineImages: Bool = false,
    synchronizedUpdates: Bool = true, cellPixels: PixelSize? = nil, screenCells: CellRectangle? = nil,
    name: String = "", multiplexer: Multiplexer? = nil
  ) {
    self.colors = colors
    self.baseColors = baseColors
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
