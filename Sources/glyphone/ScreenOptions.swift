import ArgumentParser
import Picture
import TerminalUI

/// How the picture is drawn, and what is said of the terminal by hand.
struct ScreenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How to draw the picture; auto asks the terminal what it can show.",
      valueName: RenderChoice.allCases.map(\.rawValue).joined(separator: "|")))
  var render = RenderChoice.auto

  @Option(
    help: ArgumentHelp(
      "How many colours the terminal has, if it is not to be asked.", valueName: "truecolor|256|16|8|mono"))
  var colors: ColorChoice?

  @Option(
    help: ArgumentHelp(
      "The font whose letters are most like the terminal's, for pictures made of letters.",
      valueName: LetterFont.allCases.map(\.rawValue).joined(separator: "|")), transform: letterFont)
  var font: LetterFont?

  @Option(help: ArgumentHelp("Height of a cell in its widths, if circles are not round.", valueName: "NUMBER"))
  var cellAspect: Double?

  @Option(
    help: ArgumentHelp(
      "What the terminal can do, where it does not say so itself: \(TerminalFeature.usage). May be given several times.",
      valueName: "NAME=VALUE"), transform: feature)
  var terminalFeature: [TerminalFeature] = []

  @Option(help: ArgumentHelp("Bytes a second that the picture may take.", valueName: "BYTES[k|M]"), transform: byteRate)
  var maxBandwidth: Int?

  var overrides: TerminalOverrides {
    TerminalOverrides(
      colors: colors?.depth, letterFont: font, cellAspect: cellAspect, features: terminalFeature)
  }

  func validate() throws {
    if let cellAspect, !TerminalOverrides.aspects.contains(cellAspect) {
      throw ValidationError(
        "--cell-aspect takes \(TerminalOverrides.aspects.lowerBound) to \(TerminalOverrides.aspects.upperBound).")
    }
  }

  private static func letterFont(_ text: String) throws -> LetterFont {
    guard let font = LetterFont(rawValue: text) else {
      throw ValidationError("--font takes \(LetterFont.allCases.map(\.rawValue).joined(separator: " or ")).")
    }
    return font
  }

  private static func feature(_ text: String) throws -> TerminalFeature {
    guard let feature = TerminalFeature(text) else {
      throw ValidationError("--terminal-feature takes \(TerminalFeature.usage).")
    }
    return feature
  }

  private static func byteRate(_ text: String) throws -> Int {
    let factor = text.hasSuffix("M") ? 1_000_000 : text.hasSuffix("k") ? 1000 : 1
    guard let number = Int(factor == 1 ? text[...] : text.dropLast()), (1...1_000_000_000 / factor).contains(number)
    else { throw ValidationError("--max-bandwidth takes bytes a second, as in 20000, 20k or 2M.") }
    return number * factor
  }
}

/// What `--render` takes.
enum RenderChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, ascii, half, quadrant, block, sextant, octant, braille, sixel, kitty, iterm2

  /// Nil: as the terminal can best.
  var mode: RenderMode? { RenderMode(rawValue: rawValue) }
}

/// What `--colors` takes.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case truecolor, mono
  case colors256 = "256"
  case colors16 = "16"
  case colors8 = "8"

  var depth: ColorDepth {
    switch self {
    case .truecolor: .trueColor
    case .colors256: .ansi256
    case .colors16: .ansi16
    case .colors8: .ansi8
    case .mono: .mono
    }
  }
}
