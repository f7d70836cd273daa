import NIOCore

/// Bytes written as hexadecimal digits; anything else between them is ignored.
func bytes(_ hexadecimal: String) -> ByteBuffer {
  var buffer = ByteBuffer()
  var high: UInt8?
  for character in hexadecimal {
    guard let digit = character.hexDigitValue.map(UInt8.init) else { continue }
    if let first = high {
      buffer.writeInteger(first << 4 | digit)
      high = nil
    } else {
      high = digit
    }
  }
  return buffer
}

extension ByteBuffer {
  /// A copy with a few bytes changed, cut off or added: what a hostile or broken peer might send.
  func mutated(using generator: inout some RandomNumberGenerator) -> ByteBuffer {
    var copy = Array(readableBytesView)
    for _ in 0..<Int.random(in: 1...6, using: &generator) where !copy.isEmpty {
      let index = Int.random(in: 0..<copy.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: copy[index] = .random(in: 0...255, using: &generator)
      case 1: copy[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2: copy.removeSubrange(index...)
      default: copy.insert([0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0, at: index)
      }
    }
    return ByteBuffer(bytes: copy)
  }
}

extension NIODeadline {
  /// Virtual time.
  static func at(milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000) }
}
