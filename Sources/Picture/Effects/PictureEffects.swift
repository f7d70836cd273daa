/// How the peer's picture is changed before it is drawn, and how our own is shown.
public struct PictureEffects: Sendable, Hashable {
  /// The bounds that ``brightness`` is held in.
  public static let brightnesses = -1.0...1.0
  /// The bounds that ``contrast`` is held in.
  public static let contrasts = 0.0...3.0
  /// The bounds that ``saturation`` is held in.
  public static let saturations = 0.0...3.0
  /// The bounds that ``zoom`` is held in.
  public static let zooms = 1.0...16.0
  /// The bounds that ``panX`` and ``panY`` are held in.
  public static let pans = -1.0...1.0

  /// What is added to the luma: 1 is all of its range.
  public var brightness = 0.0 { didSet { brightness = brightness.held(in: Self.brightnesses) } }
  /// What the distance of the luma from the middle is multiplied with.
  public var contrast = 1.0 { didSet { contrast = contrast.held(in: Self.contrasts) } }
  /// What the chroma is multiplied with.
  public var saturation = 1.0 { didSet { saturation = saturation.held(in: Self.saturations) } }
  /// Whether there is no colour at all.
  public var isGray = false
  /// How many times larger a part of the picture is shown.
  public var zoom = 1.0 { didSet { zoom = zoom.held(in: Self.zooms) } }
  /// Which part that is: -1 is the left edge, 1 the right one.
  public var panX = 0.0 { didSet { panX = panX.held(in: Self.pans) } }
  /// -1 is the top, 1 the bottom.
  public var panY = 0.0 { didSet { panY = panY.held(in: Self.pans) } }
  /// Whether the self view is shown as in a mirror.
  public var mirrorsSelfView = true

  /// No effects but the mirror.
  public init() {}

  /// Whether samples stay as they are.
  var keepsTones: Bool { brightness == 0 && contrast == 1 && saturation == 1 && !isGray }
}

extension Double {
  fileprivate func held(in range: ClosedRange<Double>) -> Double {
    isNaN ? range.lowerBound : Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
