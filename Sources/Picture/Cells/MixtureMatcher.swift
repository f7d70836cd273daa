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

  /// Luma of the default foreground, light on dark.
  private static let lightGray = Color(y: 200, u: 128, v: 128)

  /// - Parameters:
  ///   - depth: ``ColorDepth/ansi16`` or less.
  ///   - usesBlocks: whether to mix with shades and show halves, or to mix with ASCII characters.
  init(depth: ColorDepth, usesBlocks: Bool) {
    repertoire = usesBlocks ? .blocks : .ascii
    colors =
      switch depth {
      case .mono: [.black, Self.lightGray]
      case .ansi8: Array(TerminalPalette.ansi16.prefix(8))
      default: TerminalPalette.ansi16
      }
    pens = depth == .mono ? [] : colors.indices.map { Pen(index: UInt8($0)) }
    colorIndex = ColorIndex(colors, lumaWeight: 2)
    var made: [(look: CellLook, color: Color, contrast: Int)] = []
    for (ground, groundColor) in colors.enumerated() {
      made.append((Self.look(.space, ground, ground, pens), groundColor, 0))
      for (ink, inkColor) in colors.enumerated() where ink != ground && (!pens.isEmpty || ink > ground) {
        for (glyph, coverage) in usesBlocks ? Self.shades : Self.characters {
          made.append(
            (
              Self.look(glyph, ink, ground, pens), Self.mix(inkColor, groundColor, coverage),
              inkColor.distance(to: groundColor)
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
    return pens.isEmpty && lower == 0
      ? Self.look(Glyph(block: 0), upper, lower, pens) : Self.look(.lowerHalf, lower, upper, pens)
  }

  /// Shades cover a quarter, a half, three quarters.
  private static let shades: [(Glyph, Float)] = [
    (Glyph(block: 0x11), 0.25), (Glyph(block: 0x12), 0.5), (Glyph(block: 0x13), 0.75),
  ]

  /// Some characters that cover the cell evenly, with how much of it.
  private static let characters: [(Glyph, Float)] = [":", "+", "x", "o", "#"].compactMap { character in
    guard let ascii = Character(character).asciiValue, let index = LetterShapes.characters.firstIndex(of: ascii) else {
      return nil
    }
    return (Glyph(ascii: ascii), LetterShapes.coverage[index].reduce(0, +) / Float(LetterShapes.samples))
  }

  private static func look(_ glyph: Glyph, _ ink: Int, _ ground: Int, _ pens: [Pen]) -> CellLook {
    if pens.isEmpty {
      // The default pens can not be exchanged: a cell of ink only is a full block.
      return CellLook(
        glyph: glyph == .space && ground > 0 ? .fullBlock : glyph, foreground: .standardForeground,
        background: .standardBackground)
    }
    return CellLook(glyph: glyph, foreground: pens[ink], background: pens[ground])
  }

  private static func mix(_ ink: Color, _ ground: Color, _ coverage: Float) -> Color {
    func mixed(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Float(b) + (Float(a) - Float(b)) * coverage).rounded()) }
    return Color(y: mixed(ink.y, ground.y), u: mixed(ink.u, ground.u), v: mixed(ink.v, ground.v))
  }
}
