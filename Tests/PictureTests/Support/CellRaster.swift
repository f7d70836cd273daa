/// What block elements look like, for comparing screens that say the same with other characters.
enum CellRaster {
  /// Whether the ink of a character covers a point of an 8x8 grid; nil for a character that is no block element.
  static func covers(_ character: Unicode.Scalar, x: Int, y: Int) -> Bool? {
    let upper = y < 4
    let left = x < 4
    switch character.value {
    case 0x20: return false
    case 0x2580: return upper
    case 0x2581...0x2588: return y >= 8 - Int(character.value - 0x2580)
    case 0x2589...0x258F: return x < Int(0x2590 - character.value)
    case 0x2590: return !left
    case 0x2594: return y < 1
    case 0x2595: return x >= 7
    case 0x2596: return !upper && left
    case 0x2597: return !upper && !left
    case 0x2598: return upper && left
    case 0x2599: return left || !upper
    case 0x259A: return left == upper
    case 0x259B: return left || upper
    case 0x259C: return upper || !left
    case 0x259D: return upper && !left
    case 0x259E: return left != upper
    case 0x259F: return !left || !upper
    default: return nil
    }
  }

  /// Red, green and blue of an ink; the standard pens are light grey on black.
  static func color(_ ink: ScreenModel.Ink, standard: Int) -> [Int] {
    switch ink {
    case .standard: [standard, standard, standard]
    case .rgb(let red, let green, let blue): [red, green, blue]
    case .indexed(let index): palette[index]
    }
  }

  /// Red, green and blue of the ink or the ground of a cell.
  static func color(_ cell: ScreenModel.Cell, isInk: Bool) -> [Int] {
    isInk != cell.isReversed ? color(cell.foreground, standard: 204) : color(cell.background, standard: 0)
  }

  private static let palette: [[Int]] = {
    let base = [
      0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5, 0x7F7F7F, 0xFF0000, 0x00FF00,
      0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
    ].map { [$0 >> 16, $0 >> 8 & 255, $0 & 255] }
    let levels = [0, 95, 135, 175, 215, 255]
    let cube = levels.flatMap { r in levels.flatMap { g in levels.map { [r, g, $0] } } }
    return base + cube + (0..<24).map { [8 + 10 * $0, 8 + 10 * $0, 8 + 10 * $0] }
  }()

  /// The largest difference of red, green or blue between two cells anywhere inside of them.
  static func difference(_ a: ScreenModel.Cell, _ b: ScreenModel.Cell) -> Int {
    var largest = 0
    for y in 0..<8 {
      for x in 0..<8 {
        guard let inkA = covers(a.character, x: x, y: y), let inkB = covers(b.character, x: x, y: y) else {
          return a == b ? 0 : letterDifference(a, b)
        }
        let (colorA, colorB) = (color(a, isInk: inkA), color(b, isInk: inkB))
        for channel in 0..<3 { largest = max(largest, abs(colorA[channel] - colorB[channel])) }
      }
    }
    return largest
  }

  private static func letterDifference(_ a: ScreenModel.Cell, _ b: ScreenModel.Cell) -> Int {
    guard a.character == b.character else { return 255 }
    let inks = zip(color(a, isInk: true), color(b, isInk: true)).map { abs($0 - $1) }
    let grounds = zip(color(a, isInk: false), color(b, isInk: false)).map { abs($0 - $1) }
    return (inks + grounds).max() ?? 0
  }
}
