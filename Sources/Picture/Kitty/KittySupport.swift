/// What is known of a terminal's kitty graphics.
public struct KittySupport: Sendable, Hashable {
  /// Whether the terminal has read memory that we share with it, as one on this machine can.
  public var isLocal: Bool
  /// Whether a part of an image can be replaced (a=f on the first frame); otherwise every change is a whole picture.
  public var editsImages: Bool
  /// Whether tmux stands between, which passes the commands through when it is asked to (`allow-passthrough on`). The
  /// picture's place is then told by characters (U+10EEEE), which tmux can move and cover.
  public var isInsideTmux: Bool
  /// The image's number, 1...0xFFFFFF. Programs that share a terminal should not use the same.
  public var imageID: UInt32

  /// By default it is a terminal of which nothing but the protocol is known.
  public init(
    isLocal: Bool = false, editsImages: Bool = false, isInsideTmux: Bool = false,
    imageID: UInt32 = KittySupport.standardImageID
  ) {
    self.isLocal = isLocal
    self.editsImages = editsImages
    self.isInsideTmux = isInsideTmux
    self.imageID = imageID
  }

  /// The letters "gly".
  public static let standardImageID: UInt32 = 0x67_6C_79
}
