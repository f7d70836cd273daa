/// Walks over JSON text (RFC 8259) without building values: it checks the grammar and says where things begin and end.
///
/// Total: any bytes, however nested or cut short, end in a result or a ``JSONError``, in one pass and constant space.
struct JSONScanner {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next byte will be read.
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  var isAtEnd: Bool { position >= bytes.count }

  /// The next byte that is not white space, which stays unread.
  mutating func peek() throws(JSONError) -> UInt8 {
    skipWhitespace()
    guard position < bytes.count else { throw .endsEarly }
    return bytes[position]
  }

  mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  /// Reads `byte`, perhaps after white space.
  mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard try peek() == byte else { throw .unexpected(offset: position) }
    position += 1
  }

  /// Reads `byte` if it comes next, perhaps after white space.
  mutating func skip(_ byte: UInt8) throws(JSONError) -> Bool {
    guard try peek() == byte else { return false }
    position += 1
    return true
  }

  /// Reads any value and gives its place, without the white space around it.
  mutating func value() throws(JSONError) -> Range<Int> {
    _ = try peek()
    let start = position
    var nesting = Nesting()
    repeat {
      if try opens(&nesting) { continue }
      try closes(&nesting)
    } while nesting.depth > 0
    return start..<position
  }

  /// Reads a string with its quotes and gives its place.
  mutating func string() throws(JSONError) -> Range<Int> {
    try expect(UInt8(ascii: "\""))
    let start = position - 1
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return start..<position
      case UInt8(ascii: "\\"):
        position += 1
        try escape()
      case 0..<0x20:
        throw .unexpected(offset: position)
      default:
        position += 1
      }
    }
    throw .endsEarly
  }

  // MARK: - Parts

  /// Reads a value, or of an array or object that is not empty only the beginning up to its first value.
  /// - Returns: true in the latter case.
  private mutating func opens(_ nesting: inout Nesting) throws(JSONError) -> Bool {
    switch try peek() {
    case UInt8(ascii: "{"):
      position += 1
      if try skip(UInt8(ascii: "}")) { return false }
      try nesting.push(isObject: true)
      try key()
      return true
    case UInt8(ascii: "["):
      position += 1
      if try skip(UInt8(ascii: "]")) { return false }
      try nesting.push(isObject: false)
      return true
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    default: try number()
    }
    return false
  }

  /// Reads what follows a value inside arrays and objects: closing brackets, then a comma (and key) if there is more.
  private mutating func closes(_ nesting: inout Nesting) throws(JSONError) {
    while nesting.depth > 0 {
      if try skip(UInt8(ascii: ",")) {
        if nesting.isObject { try key() }
        return
      }
      try expect(nesting.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
      nesting.pop()
    }
  }

  private mutating func key() throws(JSONError) {
    _ = try string()
    try expect(UInt8(ascii: ":"))
  }

  private mutating func escape() throws(JSONError) {
    guard position < bytes.count else { throw .endsEarly }
    switch bytes[position] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "u"):
      position += 1
      for _ in 0..<4 {
        guard position < bytes.count else { throw .endsEarly }
        guard hexDigit(bytes[position]) != nil else { throw .unexpected(offset: position) }
        position += 1
      }
    default:
      throw .unexpected(offset: position)
    }
  }

  private mutating func literal(_ word: StaticString) throws(JSONError) {
    for index in 0..<word.utf8CodeUnitCount {
      guard position < bytes.count else { throw .endsEarly }
      guard bytes[position] == word.utf8Start[index] else { throw .unexpected(offset: position) }
      position += 1
    }
  }

  private mutating func number() throws(JSONError) {
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
    let first = position
    try digits()
    if position - first > 1, bytes[first] == UInt8(ascii: "0") { throw .unexpected(offset: first) }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
        position += 1
      }
      try digits()
    }
  }

  /// One digit or more.
  private mutating func digits() throws(JSONError) {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
    guard position > start else { throw position < bytes.count ? .unexpected(offset: position) : .endsEarly }
  }
}

/// Which brackets are open: one bit each, set for an object.
private struct Nesting {
  private(set) var depth = 0
  private var bits: UInt64 = 0

  var isObject: Bool { bits & 1 == 1 }

  mutating func push(isObject: Bool) throws(JSONError) {
    guard depth < JSONObject.maximumDepth else { throw .tooDeep }
    depth += 1
    bits = bits << 1 | (isObject ? 1 : 0)
  }

  mutating func pop() {
    depth -= 1
    bits >>= 1
  }
}

/// The value of a hexadecimal digit; nil if it is none.
func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
