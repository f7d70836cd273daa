public import NIOCore

/// One value inside a ``JSONObject``: well-formed text, decoded when asked.
public struct JSONValue: Sendable {
  /// The text of the value, without white space around it.
  public let bytes: ByteBuffer

  private var first: UInt8? { bytes.getInteger(at: bytes.readerIndex) }

  public var isNull: Bool { first == UInt8(ascii: "n") }

  /// Nil if it is not a string. Escaped halves of surrogate pairs that stand alone become U+FFFD.
  public var string: String? {
    guard first == UInt8(ascii: "\"") else { return nil }
    return bytes.withUnsafeReadableBytes { decodeJSONString($0[...]) }
  }

  /// Nil if it is not a number, or none that fits exactly. 1e3 and 7.0 count as integers, as in JavaScript.
  public var integer: Int64? {
    guard let first, first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
      bytes.readableBytes <= 32
    else { return nil }
    let text = String(buffer: bytes)
    return Int64(text) ?? Double(text).flatMap(Int64.init(exactly:))
  }

  /// Nil if it is not an object, or has too many members.
  public var object: JSONObject? { try? JSONObject(parsing: bytes) }

  /// The elements of an array; nil if it is something else.
  public var elements: [JSONValue]? {
    guard first == UInt8(ascii: "[") else { return nil }
    let places = bytes.withUnsafeReadableBytes { bytes in
      Result { () throws(JSONError) in
        var scanner = JSONScanner(bytes, at: 1)
        var places: [Range<Int>] = []
        if try scanner.skip(UInt8(ascii: "]")) { return places }
        repeat { places.append(try scanner.value()) } while try scanner.skip(UInt8(ascii: ","))
        return places
      }
    }
    return try? places.get().compactMap { place in
      bytes.getSlice(at: bytes.readerIndex + place.lowerBound, length: place.count).map(JSONValue.init)
    }
  }
}

/// What a well-formed JSON string, given with its quotes, stands for.
func decodeJSONString(_ quoted: Slice<UnsafeRawBufferPointer>) -> String {
  let text = quoted.dropFirst().dropLast()
  guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
  var utf8: [UInt8] = []
  utf8.reserveCapacity(text.count)
  var rest = text
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
      utf8.append(byte)
      continue
    }
    switch escape {
    case UInt8(ascii: "b"): utf8.append(0x08)
    case UInt8(ascii: "f"): utf8.append(0x0c)
    case UInt8(ascii: "n"): utf8.append(0x0a)
    case UInt8(ascii: "r"): utf8.append(0x0d)
    case UInt8(ascii: "t"): utf8.append(0x09)
    case UInt8(ascii: "u"): utf8.append(contentsOf: Array(String(popEscapedScalar(&rest)).utf8))
    default: utf8.append(escape)
    }
  }
  return String(decoding: utf8, as: UTF8.self)
}

/// Reads what follows `\u`: four digits, and a second escape if the first is the upper half of a surrogate pair.
private func popEscapedScalar(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Unicode.Scalar {
  let high = popHexDigits(&rest)
  if let scalar = Unicode.Scalar(high) { return scalar }
  let afterHigh = rest
  if high < 0xdc00, rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u") {
    let low = popHexDigits(&rest)
    if (0xdc00...0xdfff).contains(low), let scalar = Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00)) {
      return scalar
    }
  }
  rest = afterHigh
  return "\u{fffd}"
}

private func popHexDigits(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt32 {
  var value: UInt32 = 0
  for _ in 0..<4 { value = value << 4 | UInt32(rest.popFirst().flatMap(hexDigit) ?? 0) }
  return value
}
