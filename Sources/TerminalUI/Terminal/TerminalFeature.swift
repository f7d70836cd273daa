public import Picture

/// Something that a person says of the terminal, as `NAME=VALUE`.
public enum TerminalFeature: Sendable, Hashable {
  /// `cell=9x18`: the size of a cell in pixels.
  case cell(PixelSize)
  /// `sync=on|off`: whether each picture is a synchronized update.
  case synchronizedUpdates(Bool)
  /// `utf8=on|off`: whether pictures may have other characters than ASCII.
  case utf8(Bool)
  /// `sixel-colors=256`: the colour registers of sixel graphics.
  case sixelRegisters(Int)
  /// `sixel-keeps=on|off`: whether pixels that a sixel image leaves unpainted keep what was there.
  case keepsUnpaintedPixels(Bool)
  /// `kitty=local|remote`: whether a terminal with kitty graphics reads pixels from this machine's memory.
  case kittyIsLocal(Bool)

  /// What can be said, for a person who has to type it.
  public static let usage = "cell=WxH, sync=on|off, utf8=on|off, sixel-colors=N, sixel-keeps=on|off, kitty=local|remote"

  private static let registers = 2...65536

  /// Nil for what means nothing.
  public init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    let value = parts[1]
    let isOn: Bool? = value == "on" ? true : value == "off" ? false : nil
    let feature: TerminalFeature? =
      switch parts[0] {
      case "cell": Self.size(value).map { .cell($0) }
      case "sync": isOn.map { .synchronizedUpdates($0) }
      case "utf8": isOn.map { .utf8($0) }
      case "sixel-colors": Int(value).flatMap { Self.registers.contains($0) ? .sixelRegisters($0) : nil }
      case "sixel-keeps": isOn.map { .keepsUnpaintedPixels($0) }
      case "kitty": value == "local" ? .kittyIsLocal(true) : value == "remote" ? .kittyIsLocal(false) : nil
      default: nil
      }
    guard let feature else { return nil }
    self = feature
  }

  private static func size(_ text: String) -> PixelSize? {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    let largest = Viewport.largestCell
    guard sides.count == 2, let width = sides[0], let height = sides[1], (1...largest.width).contains(width),
      (1...largest.height).contains(height)
    else { return nil }
    return PixelSize(width: width, height: height)
  }

  /// As a person types it.
  var words: String {
    func word(_ isOn: Bool) -> String { isOn ? "on" : "off" }
    return switch self {
    case .cell(let size): "cell=\(size.width)x\(size.height)"
    case .synchronizedUpdates(let isOn): "sync=\(word(isOn))"
    case .utf8(let isOn): "utf8=\(word(isOn))"
    case .sixelRegisters(let count): "sixel-colors=\(count)"
    case .keepsUnpaintedPixels(let isOn): "sixel-keeps=\(word(isOn))"
    case .kittyIsLocal(let isLocal): "kitty=\(isLocal ? "local" : "remote")"
    }
  }

  /// What is said of graphics that the terminal does not have changes nothing.
  func apply(to capabilities: inout TerminalCapabilities) {
    switch self {
    case .cell(let size): capabilities.cellPixels = size
    case .synchronizedUpdates(let isOn): capabilities.synchronizedUpdates = isOn
    case .utf8(let isOn): capabilities.isUTF8 = isOn
    case .sixelRegisters(let count): capabilities.sixel?.registers = count
    case .keepsUnpaintedPixels(let isOn): capabilities.sixel?.keepsUnpaintedPixels = isOn
    case .kittyIsLocal(let isOn): capabilities.kitty?.isLocal = isOn
    }
  }
}
