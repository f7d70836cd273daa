import Frames

/// The first line of a Y4M file: `YUV4MPEG2` and parameters, each a letter and a value, separated by spaces.
struct Y4MHeader: Equatable {
  var size: VideoSize
  /// Frames a second as a fraction.
  var rate: (numerator: Int, denominator: Int)
  /// Whether samples use 0...255 rather than the limited range.
  var isFullRange: Bool

  static let magic = "YUV4MPEG2"
  /// No header or frame line is longer, in bytes.
  static let longestLine = 1024
  /// Frames a second that are believed.
  static let rates = 0.1...240.0

  static func == (one: Y4MHeader, other: Y4MHeader) -> Bool {
    one.size == other.size && one.rate == other.rate && one.isFullRange == other.isFullRange
  }

  /// What is wrong with a header, in words.
  struct Problem: Error, Equatable {
    var words: String
    init(_ words: String) { self.words = words }
  }

  /// - Parameter line: without its line feed.
  init(line: some Sequence<UInt8>) throws(Problem) {
    let fields = String(decoding: Array(line), as: UTF8.self).split(separator: " ", omittingEmptySubsequences: true)
    guard fields.first.map(String.init) == Self.magic else {
      throw Problem("not a Y4M file: no \(Self.magic) at its begin")
    }
    var width: Int?
    var height: Int?
    rate = (30, 1)
    isFullRange = false
    for field in fields.dropFirst() {
      let value = field.dropFirst()
      switch field.first {
      case "W": width = Int(value)
      case "H": height = Int(value)
      case "F": rate = try Self.rate(value)
      case "C": try Self.checkColourSpace(value)
      case "X" where value == "COLORRANGE=FULL": isFullRange = true
      default: break  // interlacing, pixel aspect and comments change nothing here
      }
    }
    guard let width, let height else { throw Problem("the header gives no width and height") }
    size = VideoSize(width: width, height: height)
    guard size.isValid else { throw Problem("the header gives an impossible size, \(width)x\(height)") }
  }

  private static func rate(_ text: Substring) throws(Problem) -> (Int, Int) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let numerator = Int32(parts[0]), let denominator = Int32(parts[1]), numerator >= 0,
      denominator >= 0
    else { throw Problem("the header gives no frame rate in F\(text)") }
    // 0:0 stands for unknown.
    if numerator == 0, denominator == 0 { return (30, 1) }
    guard numerator < 1_000_000, denominator > 0, denominator < 1_000_000,
      rates.contains(Double(numerator) / Double(denominator))
    else { throw Problem("the header gives an impossible frame rate, \(text)") }
    return (Int(numerator), Int(denominator))
  }

  private static func checkColourSpace(_ name: Substring) throws(Problem) {
    guard ["420", "420jpeg", "420mpeg2", "420paldv"].contains(name) else {
      throw Problem("its colour space is \(name), and only 4:2:0 with 8 bits is understood")
    }
  }
}
