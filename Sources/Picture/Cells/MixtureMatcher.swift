/// For terminals with few colours or none: mixes two pens with a character that covers part of the cell; where the halves
/// of the cell differ more than that helps, shows each in its nearest pen.
struct MixtureMatcher: CellMatcher {
  let repertoire: CellWriter.Repertoire
  let detail = CellDetail.halves
  private let pens: FewPens

  /// - Parameters:
  ///   - palette: the terminal's colours.
  ///   - depth: ``ColorDepth/ansi16`` or less.
  ///   - letters: mix with ASCII characters only, of this font; nil to mix with shades and show halves.
  init(palette: TerminalPalette, depth: ColorDepth, letters: LetterFont?) {
    repertoire = letters == nil ? .blocks : .ascii
    pens = FewPens(palette: palette, depth: depth, glyphs: letters.map(Self.characters) ?? FewPens.shades)
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(luma: job.luma(column), chroma: job.chroma(column))
    }
  }

  private func look(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook {
    let halves = CellHalves(luma: luma, chroma: chroma)
    let mixture = pens.mixture(halves.mean)
    guard repertoire == .blocks else { return mixture.look }
    let upper = pens.nearest(halves.upper)
    let lower = pens.nearest(halves.lower)
    let mixed = halves.upper.distance(to: mixture.color) + halves.lower.distance(to: mixture.color)
    let split = halves.upper.distance(to: upper.color) + halves.lower.distance(to: lower.color)
    guard split < mixed, upper.pen != lower.pen else { return mixture.look }
    return CellLook(glyph: .lowerHalf, foreground: lower.pen, background: upper.pen)
  }

  /// Some characters that cover the cell evenly, with how much of it.
  private static func characters(_ font: LetterFont) -> [(Glyph, Float)] {
    LetterShapes(font).all.filter { ":+xo#".utf8.contains($0.character) }.map { (Glyph(ascii: $0.character), $0.mean) }
  }
}
