public import NIOCore

/// A JSON object as it came over the wire: checked, with its members found but not decoded.
///
/// A server can read what it needs, replace some members and pass all others on byte for byte, whatever is in them.
public struct JSONObject: Sendable {
  /// How deep values may be nested. JSON of the signaling protocol needs 3.
  public static let maximumDepth = 63
  /// How many members the outermost object may have.
  public static let maximumMembers = 256

  private struct Member: Sendable {
    var key: String
    /// Place of the value, from the first readable byte of `bytes`.
    var value: Range<Int>
  }

  private let bytes: ByteBuffer
  private var members: [Member] = []
  /// The place of the closing brace.
  private var end = 0

  /// - Parameter bytes: the object, perhaps with white space around it, and nothing else.
  /// - Throws: ``JSONError`` if it is anything else, or past the bounds above.
  public init(parsing bytes: ByteBuffer) throws(JSONError) {
    self.bytes = bytes
    let scanned = bytes.withUnsafeReadableBytes { bytes in
      Result { () throws(JSONError) in try Self.scan(bytes) }
    }
    (members, end) = try scanned.get()
  }

  /// The value of a member; of the last one if several have this key, as JavaScript does it.
  public subscript(key: String) -> JSONValue? {
    members.last { $0.key == key }.flatMap { member in
      bytes.getSlice(at: bytes.readerIndex + member.value.lowerBound, length: member.value.count)
        .map(JSONValue.init)
    }
  }

  /// The object with other values for some members: in every place where the key stands, or at the end if it stands nowhere.
  /// All other bytes stay as they are.
  /// - Parameter replacements: keys that need no escaping, and values as JSON text.
  public func replacing(_ replacements: [(key: String, value: String)]) -> ByteBuffer {
    var result = ByteBuffer()
    result.reserveCapacity(end + 1 + replacements.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 4 })
    var copied = 0
    func copy(to place: Int) {
      if let slice = bytes.getSlice(at: bytes.readerIndex + copied, length: place - copied) {
        result.writeImmutableBuffer(slice)
      }
      copied = place
    }
    for member in members {
      guard let replacement = replacements.first(where: { $0.key == member.key }) else { continue }
      copy(to: member.value.lowerBound)
      result.writeString(replacement.value)
      copied = member.value.upperBound
    }
    copy(to: end)
    var needsComma = !members.isEmpty
    for (key, value) in replacements where !members.contains(where: { $0.key == key }) {
      result.writeString(needsComma ? ",\"" : "\"")
      result.writeString(key)
      result.writeString("\":")
      result.writeString(value)
      needsComma = true
    }
    result.writeString("}")
    return result
  }

  private static func scan(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> ([Member], end: Int) {
    var scanner = JSONScanner(bytes)
    guard try scanner.skip(UInt8(ascii: "{")) else {
      _ = try scanner.value()
      throw .notAnObject
    }
    var members: [Member] = []
    if try !scanner.skip(UInt8(ascii: "}")) {
      repeat {
        guard members.count < maximumMembers else { throw .tooManyMembers }
        let key = try scanner.string()
        try scanner.expect(UInt8(ascii: ":"))
        members.append(Member(key: decodeJSONString(bytes[key]), value: try scanner.value()))
      } while try scanner.skip(UInt8(ascii: ","))
      try scanner.expect(UInt8(ascii: "}"))
    }
    let end = scanner.position - 1
    scanner.skipWhitespace()
    guard scanner.isAtEnd else { throw .unexpected(offset: scanner.position) }
    return (members, end)
  }
}
