/// Bytes for the terminal, collected in memory that is kept from frame to frame.
final class TerminalWriter {
  private(set) var count = 0
  private var capacity = 0
  private var base: UnsafeMutablePointer<UInt8>
  private let decimals = DecimalTable()

  init() {
    capacity = 4096
    base = .allocate(capacity: capacity)
  }

  deinit {
    base.deallocate()
  }

  /// Makes room for `bytes` more and gives a pen to write them with; ``finish(_:)`` takes it back.
  func begin(atMost bytes: Int) -> BytePen {
    // Up to eight bytes are written at a time.
    let needed = count + bytes + 8
    if needed > capacity {
      capacity = max(needed, 2 * capacity)
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      larger.update(from: base, count: count)
      base.deallocate()
      base = larger
    }
    return BytePen(position: base + count, decimals: decimals.entries)
  }

  func finish(_ pen: BytePen) {
    count = pen.position - base
  }

  func removeAll() {
    count = 0
  }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
}

/// Decimal digits of 0...255 ready to be stored: the digits in the low four bytes (the first lowest), their number above.
private final class DecimalTable {
  private let storage = Storage<UInt64>(repeating: 0, count: 256)
  var entries: UnsafePointer<UInt64> { UnsafePointer(storage.pointer) }

  init() {
    for value in 0..<256 {
      let digits = Array(String(value).utf8)
      var entry = UInt64(digits.count) << 32
      for (place, digit) in digits.enumerated() { entry |= UInt64(digit) << (8 * UInt64(place)) }
      storage.pointer[value] = entry
    }
  }
}

/// Writes bytes without checking: whoever took it from ``TerminalWriter/begin(atMost:)`` said how many there will be.
struct BytePen {
  var position: UnsafeMutablePointer<UInt8>
  let decimals: UnsafePointer<UInt64>

  @inline(__always)
  mutating func byte(_ byte: UInt8) {
    position.pointee = byte
    position += 1
  }

  @inline(__always)
  mutating func literal(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    UnsafeMutableRawPointer(position).copyMemory(from: text.utf8Start, byteCount: length)
    position += length
  }

  /// Up to four bytes, the first in the lowest byte.
  @inline(__always)
  mutating func packed(_ bytes: UInt32, count: Int) {
    UnsafeMutableRawPointer(position).storeBytes(of: bytes, as: UInt32.self)
    position += count
  }

  /// Up to eight bytes, the first in the lowest byte.
  @inline(__always)
  mutating func packed(_ bytes: UInt64, count: Int) {
    UnsafeMutableRawPointer(position).storeBytes(of: bytes, as: UInt64.self)
    position += count
  }

  /// 0...255.
  @inline(__always)
  mutating func small(_ value: Int) {
    let entry = decimals[value & 255]
    packed(UInt32(truncatingIfNeeded: entry), count: Int(entry >> 32))
  }

  /// A byte and a number of 0...255 after it.
  @inline(__always)
  mutating func byte(_ byte: UInt8, small value: Int) {
    let entry = decimals[value & 255]
    packed(UInt32(truncatingIfNeeded: entry) &<< 8 | UInt32(byte), count: Int(entry &>> 32) &+ 1)
  }

  /// 0...99999.
  mutating func number(_ value: Int) {
    if value < 256 { return small(value) }
    let leading = value / 100
    number(leading)
    let rest = value - leading * 100
    byte(48 + UInt8(truncatingIfNeeded: rest / 10))
    byte(48 + UInt8(truncatingIfNeeded: rest % 10))
  }

  /// Moves the cursor (CUP); column and row count from 0.
  mutating func moveTo(column: Int, row: Int) {
    literal("\u{1B}[")
    number(row + 1)
    byte(0x3B)
    number(column + 1)
    byte(0x48)
  }

  /// Moves the cursor right within its row (CUF), 1 column or more.
  mutating func moveRight(_ columns: Int) {
    literal("\u{1B}[")
    if columns > 1 { number(columns) }
    byte(0x43)
  }

  /// Blanks cells from the cursor on (ECH).
  mutating func erase(_ columns: Int) {
    literal("\u{1B}[")
    number(columns)
    byte(0x58)
  }
}
