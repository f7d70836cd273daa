/// A sixel image, decoded the slow and obvious way.
struct SixelImage {
  /// Colours as 0xRRGGBB, nil where nothing was painted.
  private(set) var lines: [[Int?]] = []
  private(set) var registers: [Int: Int] = [:]
  /// Width and height of the raster attributes.
  private(set) var declared = (width: 0, height: 0)
  private(set) var parameters: [Int] = []
  var height: Int { lines.count }

  /// Bytes between DCS and ST. Nil when there is no sixel data.
  /// - Parameter registers: colours told by earlier images, where they are shared.
  init?(_ bytes: [UInt8], registers: [Int: Int] = [:]) {
    self.registers = registers
    guard let start = bytes.firstIndex(of: 0x71) else { return nil }
    parameters = String(decoding: bytes[..<start], as: UTF8.self).split(
      separator: ";", omittingEmptySubsequences: false
    )
    .map { Int($0) ?? 0 }
    var at = start + 1
    var x = 0
    var band = 0
    var color = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      switch byte {
      case 0x22:
        let values = Self.numbers(bytes, &at)
        if values.count == 4 { declared = (values[2], values[3]) }
      case 0x23:
        let values = Self.numbers(bytes, &at)
        color = values[0]
        if values.count == 5 {
          let rgb = values[2...].map { ($0 * 255 + 50) / 100 }
          self.registers[color] = rgb[0] << 16 | rgb[1] << 8 | rgb[2]
        }
      case 0x21:
        let count = Self.numbers(bytes, &at)[0]
        paint(bytes[at] - 0x3F, x, count, band, self.registers[color])
        at += 1
        x += count
      case 0x24: x = 0
      case 0x2D:
        x = 0
        band += 1
      case 0x3F...0x7E:
        paint(byte - 0x3F, x, 1, band, self.registers[color])
        x += 1
      default: return nil
      }
    }
  }

  private static func numbers(_ bytes: [UInt8], _ at: inout Int) -> [Int] {
    var values = [0]
    while at < bytes.count, (0x30...0x39).contains(bytes[at]) || bytes[at] == 0x3B {
      if bytes[at] == 0x3B {
        values.append(0)
      } else {
        values[values.count - 1] = values[values.count - 1] * 10 + Int(bytes[at] - 0x30)
      }
      at += 1
    }
    return values
  }

  private mutating func paint(_ bits: UInt8, _ x: Int, _ count: Int, _ band: Int, _ color: Int?) {
    // A band counts whole, as terminals that scroll count it.
    while lines.count < band * 6 + 6 { lines.append([]) }
    for line in 0..<6 where bits >> UInt8(line) & 1 == 1 {
      let row = band * 6 + line
      while lines[row].count < x + count { lines[row].append(nil) }
      for column in x..<x + count { lines[row][column] = color }
    }
  }
}
