import NIOCore
import NIOHTTP1

/// The head of an HTTP/1.1 message (RFC 9112), as far as a WebSocket handshake needs it.
///
/// It is read here and not by an HTTP decoder, because what follows it is no HTTP: a decoder and an upgrade that do not agree
/// about where HTTP ends would hand one the bytes of the other.
struct HTTPHead: Equatable {
  static let maximumBytes = 16 << 10
  static let maximumFields = 100

  /// `GET / HTTP/1.1`, or `HTTP/1.1 101 Switching Protocols`.
  var startLine: String
  var headers: HTTPHeaders

  /// The parts of the start line; the third may contain spaces, or be missing.
  var startParts: [Substring] { startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false) }

  /// Whether a field that is a list has this element, without case.
  func lists(_ element: String, in field: String) -> Bool {
    headers[canonicalForm: field].contains { $0.lowercased() == element }
  }

  var encoded: ByteBuffer {
    var buffer = ByteBuffer(string: startLine + "\r\n")
    for (name, value) in headers { buffer.writeString("\(name): \(value)\r\n") }
    buffer.writeString("\r\n")
    return buffer
  }
}

/// What came is no HTTP message head.
struct HTTPHeadError: Error, Equatable {}

/// Collects bytes until there is a whole ``HTTPHead``.
struct HTTPHeadReader {
  private var bytes = ByteBuffer()
  /// Bytes known not to begin the end of the head.
  private var searched = 0

  /// What followed the head, after ``receive(_:)`` gave one.
  var rest: ByteBuffer { bytes }

  /// - Returns: the head, once; nil if more bytes are needed.
  mutating func receive(_ more: ByteBuffer) throws(HTTPHeadError) -> HTTPHead? {
    bytes.writeImmutableBuffer(more)
    guard let length = endOfHead() else {
      guard bytes.readableBytes <= HTTPHead.maximumBytes else { throw HTTPHeadError() }
      return nil
    }
    guard length <= HTTPHead.maximumBytes, let text = bytes.readString(length: length) else { throw HTTPHeadError() }
    return try Self.parse(text)
  }

  /// The number of bytes up to the empty line and with it.
  private mutating func endOfHead() -> Int? {
    let view = bytes.readableBytesView
    let end = Array("\r\n\r\n".utf8)
    var index = view.startIndex + searched
    while index + end.count <= view.endIndex {
      if view[index..<(index + end.count)].elementsEqual(end) { return index + end.count - view.startIndex }
      index += 1
    }
    searched = max(0, view.count - end.count + 1)
    return nil
  }

  private static func parse(_ text: String) throws(HTTPHeadError) -> HTTPHead {
    // Compared as bytes: to Swift, a carriage return and a line feed are one character.
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).dropLast(2)
    guard lines.count <= 1 + HTTPHead.maximumFields, lines.allSatisfy({ $0.last == "\r" }) else {
      throw HTTPHeadError()
    }
    var fields = lines.map { String($0.dropLast()) }
    guard !fields.isEmpty else { throw HTTPHeadError() }
    let startLine = fields.removeFirst()
    var headers = HTTPHeaders()
    for field in fields {
      guard let colon = field.firstIndex(of: ":") else { throw HTTPHeadError() }
      let name = field[..<colon]
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw HTTPHeadError() }
      let value = field[field.index(after: colon)...]
      headers.add(name: String(name), value: value.trimmed)
    }
    return HTTPHead(startLine: startLine, headers: headers)
  }
}

extension Substring {
  /// Without the white space around it.
  fileprivate var trimmed: String {
    let text = drop { $0 == " " || $0 == "\t" }
    let end = text.lastIndex { $0 != " " && $0 != "\t" }
    return end.map { String(text[...$0]) } ?? ""
  }
}
