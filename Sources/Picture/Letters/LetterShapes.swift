/// What ASCII characters look like in a terminal font: how much of each sample of a cell their ink covers.
struct LetterShapes {
  /// Coverage of the cell is given on a grid of this size.
  static let columns = 4
  static let rows = 8
  static let samples = columns * rows

  /// One for each character.
  struct Shape {
    var character: UInt8
    /// Ink of each sample, 0...1: column after column, each from the top.
    var ink: [Float]
    /// The mean of all samples.
    var mean: Float
    /// Mean and squared mean of the pixels' ink: what they differ from their mean by, on average, squared. More than the
    /// samples do, where a stroke is thinner than one.
    var variance: Float
  }

  let all: [Shape]

  init(_ font: LetterFont) {
    let table =
      switch font {
      case .spleen: Self.spleen
      case .terminusBold: Self.terminusBold
      case .dejaVuSansMono: Self.dejaVuSansMono
      }
    all = table.enumerated().map { Self.shape(UInt8(0x20 + $0.offset), $0.element.description) }
  }

  /// - Parameter digits: a hexadecimal digit for the ink of each sample, then two for the mean square.
  private static func shape(_ character: UInt8, _ digits: String) -> Shape {
    let values = digits.map { Float($0.hexDigitValue ?? 0) }
    let ink = values.prefix(samples).map { $0 / 15 }
    let mean = ink.reduce(0, +) / Float(samples)
    let square = values.suffix(2).reduce(0) { $0 * 16 + $1 } / 255
    return Shape(character: character, ink: ink, mean: mean, variance: max(square - mean * mean, 0))
  }
}
