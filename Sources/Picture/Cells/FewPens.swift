/// The pens of a terminal with few colours or none, and the colours that two of them give when a character covers a part
/// of the cell: many more than there are pens.
final class FewPens {
  /// What a character makes of two pens.
  struct Mixture {
    var look: CellLook
    var color: Color
    /// How much of the cell is ink.
    var coverage: Float
  }

  private let pens: Storage<Pen>
  private let colors: Storage<Color>
  private let index: ColorIndex
  private let mixtures: Storage<Mixture>
  private let mixtureIndex: ColorIndex

  /// - Parameters:
  ///   - depth: ``ColorDepth/ansi16`` or less.
  ///   - glyphs: characters to mix with, and how much of the cell each covers.
  init(palette: TerminalPalette, depth: ColorDepth, glyphs: [(Glyph, Float)]) {
    let (colors, pens) = palette.pens(depth)
    var made: [(mixture: Mixture, contrast: Int)] = []
    for ground in colors.indices {
      made.append((Mixture(look: Self.flat(pens[ground]), color: colors[ground], coverage: 0), 0))
      for ink in colors.indices where ink != ground {
        let contrast = colors[ink].distance(to: colors[ground])
        for (glyph, coverage) in glyphs {
          let look = CellLook(glyph: glyph, foreground: pens[ink], background: pens[ground])
          let color = Self.mix(colors[ink], colors[ground], coverage)
          made.append((Mixture(look: look, color: color, coverage: coverage), contrast))
        }
      }
    }
    // Of pens that are far apart one sees the grain rather than the mixture.
    made.sort { $0.contrast < $1.contrast }
    made.removeLast(max(0, made.count - ColorIndex.mostColors))
    self.pens = Storage(pens, orEmpty: .unknown)
    self.colors = Storage(colors, orEmpty: .black)
    index = ColorIndex(colors, lumaWeight: 2)
    mixtures = Storage(made.map(\.mixture), orEmpty: Mixture(look: .unknown, color: .black, coverage: 0))
    mixtureIndex = ColorIndex(made.map(\.mixture.color), lumaWeight: 2)
  }

  /// The nearest pen, and its colour.
  @inline(__always)
  func nearest(_ color: Color) -> (pen: Pen, color: Color) {
    let found = Int(index.nearest(color))
    return (pens.pointer[found], colors.pointer[found])
  }

  /// The nearest mixture, which may be of one pen only.
  @inline(__always)
  func mixture(_ color: Color) -> Mixture { mixtures.pointer[Int(mixtureIndex.nearest(color))] }

  /// The colour of one of the pens.
  @inline(__always)
  func color(of pen: Pen) -> Color {
    if pen.isColor { return colors.pointer[min(Int(pen.value), colors.count - 1)] }
    return colors.pointer[pen == .standardForeground ? 1 : 0]
  }

  /// A cell of one pen only. The default pens can only be exchanged.
  static func flat(_ pen: Pen) -> CellLook {
    switch pen {
    case .standardBackground: .standard(.space, isReversed: false)
    case .standardForeground: .standard(.space, isReversed: true)
    default: CellLook(glyph: .space, foreground: pen, background: pen)
    }
  }

  /// The colour of a cell of which ink covers a part.
  @inline(__always)
  static func mix(_ ink: Color, _ ground: Color, _ coverage: Float) -> Color {
    @inline(__always) func mixed(_ a: UInt8, _ b: UInt8) -> UInt8 {
      UInt8(truncatingIfNeeded: Int32(Float(b) + (Float(a) - Float(b)) * coverage + 0.5))
    }
    return Color(y: mixed(ink.y, ground.y), u: mixed(ink.u, ground.u), v: mixed(ink.v, ground.v))
  }

  /// Shades (U+2591...2593) cover a quarter, a half, three quarters.
  static let shades: [(Glyph, Float)] = [
    (Glyph(block: 0x11), 0.25), (Glyph(block: 0x12), 0.5), (Glyph(block: 0x13), 0.75),
  ]
}

extension Storage {
  /// The elements of an array; one of `filler` where there are none.
  convenience init(_ elements: [Element], orEmpty filler: Element) {
    self.init(repeating: elements.first ?? filler, count: max(elements.count, 1))
    for (place, element) in elements.enumerated() { pointer[place] = element }
  }
}
