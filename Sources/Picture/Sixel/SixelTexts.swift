import CSamples

/// What bands of sixels are written with, as `glyphone_run` tells.
final class SixelTexts {
  private let runStorage: Storage<glyphone_run>
  private let nameStorage = Storage<UInt64>(repeating: 0, count: 256)
  /// So many times the same sixel.
  var runs: UnsafePointer<glyphone_run> { UnsafePointer(runStorage.pointer) }
  /// The choice of each colour.
  var names: UnsafePointer<UInt64> { UnsafePointer(nameStorage.pointer) }

  /// - Parameter width: of the longest run, up to 65,535.
  init(width: Int) {
    runStorage = Storage(repeating: glyphone_run(), count: width + 1)
    for count in stride(from: 1, through: width, by: 1) {
      // Few are shorter without a number.
      let number = count <= 3 ? [] : Array("!\(count)".utf8)
      let sixels = count <= 3 ? count : 1
      let step = (0..<sixels).reduce(UInt64(0)) { $0 | 1 << UInt64(8 * (number.count + $1)) }
      let blank = Self.text(number + [UInt8](repeating: 0x3F, count: sixels))
      runStorage.pointer[count] = glyphone_run(blank: blank, step: step)
    }
    for number in 0..<256 { nameStorage.pointer[number] = Self.text(Array("#\(number)".utf8)) }
  }

  private static func text(_ bytes: [UInt8]) -> UInt64 {
    bytes.enumerated().reduce(UInt64(bytes.count) << 56) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
  }
}
