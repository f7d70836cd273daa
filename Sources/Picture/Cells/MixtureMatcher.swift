/// For terminals with few colours or none: mixes two pens with a character that covers part of the cell, which gives many
/// more colours than there are pens; where the halves of the cell differ more than that helps, shows each in its nearest
/// pen.
struct MixtureMatcher: CellMatcher {
  let repertoire: CellWriter.Repertoire
  let detail = CellSignature.Detail.halves
  private let looks: [CellLook]
  private let mixtures: [Color]
  private let mixtureIndex: ColorIndex
  private let pens: [Pen]
  private let colors: [Color]
  private let colorIndex: ColorIndex

  /// - Parameters:
  ///   - palette: the terminal's colours.
  ///   - depth: ``ColorDepth/ansi16`` or less.
  ///   - letters: mix with ASCII characters only, of this font; nil to mix with shades and show halves.
  init(palette: TerminalPalette, depth: ColorDepth, letters: LetterFont?) {
    repertoire = letters == nil ? .blocks : .ascii
    (colors, pens) = palette.pens(depth)
    colorIndex = ColorIndex(colors, lumaWeight: 2)
    let glyphs = letters.map(Self.characters) ?? Self.shades
    var made: [(look: CellLook, color: Color, contrast: Int)] = []
    for ground in colors.indices {
      made.append((Self.flat(pens[ground]), colors[ground], 0))
      for ink in colors.indices where ink != ground {
        for (glyph, coverage) in glyphs {
          made.append(
            (
              CellLook(glyph: glyph, foreground: pens[ink], background: pens[ground]),
              Self.mix(colors[ink], colors[ground], coverage), colors[ink].distance(to: colors[ground])
            ))
        }
      }
    }
    // Of pens that are far apart one sees the grain rather than the mixture.
    made.sort { $0.contrast < $1.contrast }
    made.removeLast(max(0, made.count - ColorIndex.mostColors))
    looks = made.map(\.look)
    mixtures = made.map(\.color)
    mixtureIndex = ColorIndex(mixtures, lumaWeight: 2)
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(luma: job.luma(column), chroma: job.chroma(column))
    }
  }

  private func look(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook {
    let halves = TileHalves(luma: luma, chroma: chroma)
    let mixture = Int(mixtureIndex.nearest(halves.mean))
    guard repertoire == .blocks else { return looks[mixture] }
    let upper = Int(colorIndex.nearest(halves.upper))
    let lower = Int(colorIndex.nearest(halves.lower))
    let mixed = halves.upper.distance(to: mixtures[mixture]) + halves.lower.distance(to: mixtures[mixture])
    let split = halves.upper.distance(to: colors[upper]) + halves.lower.distance(to: colors[lower])
    guard split < mixed, upper != lower else { return looks[mixture] }
    return CellLook(glyph: .lowerHalf, foreground: pens[lower], background: pens[upper])
  }

  /// A cell of one pen only. The default pens can only be exchanged.
  private static func flat(_ pen: Pen) -> CellLook {
    switch pen {
    case .standardBackground: .standard(.space, isReversed: false)
    case .standardForeground: .standard(.space, isReversed: true)
    default: CellLook(glyph: .space, foreground: pen, background: pen)
    }
  }

  /// Shades cover a quarter, a half, three quarters.
  private static let shades: [(Glyph, Float)] = [
    (Glyph(block: 0x11), 0.25), (Glyph(block: 0x12), 0.5), (Glyph(block: 0x13), 0.75),
  ]

  /// Some characters that cover the cell evenly, with how much of it.
  private static func characters(_ font: LetterFont) -> [(Glyph, Float)] {
    LetterShapes(font).all.filter { ":+xo#".utf8.contains($0.character) }.map { (Glyph(ascii: $0.character), $0.mean) }
  }

  private static func mix(_ ink: Color, _ ground: Color, _ coverage: Float) -> Color {
    func mixed(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Float(b) + (Float(a) - Float(b)) * coverage).rounded()) }
    return Color(y: mixed(ink.y, ground.y), u: mixed(ink.u, ground.u), v: mixed(ink.v, ground.v))
  }
}
