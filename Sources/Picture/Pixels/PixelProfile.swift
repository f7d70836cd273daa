/// What terminals really do with pixels, by the name they give themselves (XTVERSION). What is not known of a terminal is
/// assumed to be the least.
///
/// | terminal | sixel parts of a frame | unpainted pixels (P2 = 1) | colours of earlier images | kitty: parts of an image |
/// |---|---|---|---|---|
/// | xterm | rectangles | stay | not relied on | - |
/// | foot | rectangles | stay | yes (?1070) | - |
/// | mlterm 3.9.0 | rectangles | wipe the cells under the image | no, each image tells its own | - |
/// | kitty | - | - | - | yes |
/// | WezTerm | rectangles | not relied on | no | yes |
/// | Konsole, contour, Windows Terminal, mintty | rectangles | not relied on | no | not relied on |
/// | tmux 3.4 and later | rectangles | are drawn as background | no | - |
/// | any other | rectangles | not relied on | no | not relied on |
public struct PixelProfile: Sendable, Hashable {
  /// See ``SixelSupport/keepsUnpaintedPixels``.
  public var keepsUnpaintedPixels = false
  /// See ``SixelSupport/sharesRegisters``.
  public var sharesRegisters = false
  /// See ``KittySupport/editsImages``.
  public var editsKittyImages = false
  /// Whether iTerm2's inline images are drawn.
  public var hasInlineImages = false

  /// - Parameters:
  ///   - name: name and version, as XTVERSION gives them; empty when the terminal does not say.
  ///   - multiplexer: what stands between us and the terminal: then it is the one that draws.
  public init(name: String, multiplexer: Multiplexer?) {
    guard multiplexer == nil else { return }
    let lowered = name.lowercased()
    guard let known = Self.table.first(where: { lowered.hasPrefix($0.name) }) else { return }
    keepsUnpaintedPixels = known.keepsUnpainted
    sharesRegisters = known.sharesRegisters
    editsKittyImages = known.editsKittyImages
    hasInlineImages = known.hasInlineImages
  }

  private struct Row {
    var name: String
    var keepsUnpainted = false
    var sharesRegisters = false
    var editsKittyImages = false
    var hasInlineImages = false
  }

  private static let table = [
    Row(name: "xterm(", keepsUnpainted: true),
    Row(name: "foot", keepsUnpainted: true, sharesRegisters: true),
    Row(name: "kitty", editsKittyImages: true),
    Row(name: "wezterm", editsKittyImages: true, hasInlineImages: true),
    Row(name: "iterm2", hasInlineImages: true),
    Row(name: "mintty", hasInlineImages: true),
    Row(name: "konsole", hasInlineImages: true),
  ]

  /// Tells what is known.
  func apply(to sixel: inout SixelSupport) {
    sixel.keepsUnpaintedPixels = keepsUnpaintedPixels
    sixel.sharesRegisters = sharesRegisters
  }
}
