internal import ICE
internal import NIOCore

/// The fuzzer's bytes as choices: numbers, picks, pieces. When they run out, everything is 0 or empty.
struct Script {
  private var bytes: ByteBuffer

  init(_ data: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = ByteBuffer(bytes: UnsafeBufferPointer(start: data, count: count))
  }

  var isAtEnd: Bool { bytes.readableBytes == 0 }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type) -> Number {
    if let number = bytes.readInteger(as: Number.self) { return number }
    let short = bytes.readInteger(as: UInt8.self) ?? 0
    return Number(short)
  }

  mutating func number(below bound: Int) -> Int { Int(number(UInt8.self)) % bound }

  mutating func flag() -> Bool { number(UInt8.self) & 1 == 1 }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[number(below: choices.count)] }

  /// A length in one byte and so many bytes, or as many as there are.
  mutating func piece() -> ByteBuffer {
    let length = min(Int(number(UInt8.self)), bytes.readableBytes)
    return bytes.readSlice(length: length) ?? ByteBuffer()
  }
}

/// Always the same numbers: a finding has to be found again.
struct FixedGenerator: RandomNumberGenerator {
  private var state: UInt64 = 1

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
