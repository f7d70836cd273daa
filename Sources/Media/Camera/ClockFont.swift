/// The ten digits, colon and point, drawn in cells of 5 by 7.
enum ClockFont {
  static let width = 5
  static let height = 7
  /// Columns from one character to the next.
  static let advance = 6

  /// The seven rows of a digit (0...9), from the top; bit 4 is the leftmost column.
  static func rows(digit: Int) -> [UInt8] { digits[digit] }

  static let colon: [UInt8] = [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000]
  static let point: [UInt8] = [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00110, 0b00110]

  private static let digits: [[UInt8]] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
  ]
}
