/// Writes one JSON object, member by member.
public struct JSONWriter: Sendable {
  private var text = "{"

  public init() {}

  /// The object so far, closed.
  public var object: String { text + "}" }

  public mutating func member(_ key: String, _ string: String) { member(key, raw: quoteJSON(string)) }

  public mutating func member(_ key: String, _ integer: Int64) { member(key, raw: String(integer)) }

  public mutating func member(_ key: String, _ strings: [String]) {
    member(key, raw: "[" + strings.lazy.map(quoteJSON).joined(separator: ",") + "]")
  }

  /// - Parameter raw: a value that is JSON text already.
  public mutating func member(_ key: String, raw: String) {
    if text.utf8.count > 1 { text += "," }
    text += quoteJSON(key)
    text += ":"
    text += raw
  }
}

/// The string as JSON text, with its quotes.
public func quoteJSON(_ string: String) -> String {
  var quoted: [UInt8] = [UInt8(ascii: "\"")]
  quoted.reserveCapacity(string.utf8.count + 2)
  for byte in string.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      quoted.append(UInt8(ascii: "\\"))
      quoted.append(byte)
    case 0x0a: quoted.append(contentsOf: "\\n".utf8)
    case 0x0d: quoted.append(contentsOf: "\\r".utf8)
    case 0..<0x20:
      quoted.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
      quoted.append(contentsOf: String(byte, radix: 16).utf8)
    default: quoted.append(byte)
    }
  }
  quoted.append(UInt8(ascii: "\""))
  return String(decoding: quoted, as: UTF8.self)
}
