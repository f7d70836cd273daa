/// What is known of a terminal's kitty graphics.
public struct KittySupport: Sendable, Hashable {
  /// Whether the terminal runs on this machine, so that it can read memory we share with it.
  public var isLocal: Bool

  public init(isLocal: Bool = false) {
    self.isLocal = isLocal
  }
}
