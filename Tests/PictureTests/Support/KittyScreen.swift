import CZlib

/// A terminal as far as kitty graphics go: takes the commands of a stream and keeps the image's pixels. Everything else is
/// passed over.
struct KittyScreen {
  private(set) var width = 0
  private(set) var height = 0
  /// Red, green and blue, a byte each.
  private(set) var pixels: [UInt8] = []
  private(set) var commands: [[String: String]] = []
  private(set) var problems: [String] = []
  /// What a terminal on the same machine would read.
  var memory: (String) -> [UInt8]? = { _ in nil }
  private var keys: [String: String] = [:]
  private var data: [UInt8] = []
  /// Whether more pieces of the command are to come.
  private var isOpen = false
  /// Pieces after the first of their commands.
  private(set) var pieces = 0

  /// - Parameter isInsideTmux: whether the commands are wrapped for tmux.
  mutating func feed(_ bytes: [UInt8], isInsideTmux: Bool = false) {
    var stream = bytes
    if isInsideTmux { stream = Self.unwrapped(bytes) }
    var at = 0
    while at + 2 < stream.count {
      guard stream[at] == 0x1B, stream[at + 1] == 0x5F, stream[at + 2] == 0x47 else {
        at += 1
        continue
      }
      var end = at
      while end + 1 < stream.count, !(stream[end] == 0x1B && stream[end + 1] == 0x5C) { end += 1 }
      take(Array(stream[at + 3..<end]))
      at = end
    }
  }

  /// Forgets what was wrong so far: bytes were lost on their way.
  mutating func forgive() {
    problems = []
  }

  /// What tmux passes on.
  private static func unwrapped(_ bytes: [UInt8]) -> [UInt8] {
    let prefix = Array("\u{1B}Ptmux;".utf8)
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      guard bytes[at...].starts(with: prefix) else {
        at += 1
        continue
      }
      at += prefix.count
      while at + 1 < bytes.count, !(bytes[at] == 0x1B && bytes[at + 1] == 0x5C) {
        if bytes[at] == 0x1B, bytes[at + 1] == 0x1B { at += 1 }
        result.append(bytes[at])
        at += 1
      }
      at += 2
    }
    return result
  }

  private mutating func take(_ command: [UInt8]) {
    let parts = command.split(separator: 0x3B, maxSplits: 1, omittingEmptySubsequences: false)
    var found: [String: String] = [:]
    for pair in String(decoding: parts[0], as: UTF8.self).split(separator: ",") {
      let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
      found[sides[0]] = sides.count > 1 ? sides[1] : ""
    }
    if parts.count > 1, parts[1].count > 4096 { problems.append("a piece of \(parts[1].count) bytes") }
    if found["q"] != "2" { problems.append("an answer is asked for") }
    if found == ["q": "2", "m": "0"], parts.count == 1 {
      // Too little for whatever was begun.
      isOpen = false
      return
    }
    if isOpen {
      // Pieces of a frame have to name the action again, those of an image must not; no piece has other keys.
      guard found["a"] == (keys["a"] == "f" ? "f" : nil), Set(found.keys).isSubset(of: ["a", "q", "m"]) else {
        return problems.append("a piece with \(found) of \(keys)")
      }
      pieces += 1
    } else {
      keys = found
      data = []
      commands.append(found)
    }
    if parts.count > 1 { data += parts[1] }
    isOpen = found["m"] == "1"
    if !isOpen { perform() }
  }

  private mutating func perform() {
    if keys["a"] == "d" { return pixels = [] }
    guard let width = Int(keys["s"] ?? ""), let height = Int(keys["v"] ?? "") else { return }
    guard let rgb = payload(width * height * 3), rgb.count == width * height * 3 else {
      return problems.append("no pixels in \(keys)")
    }
    if keys["a"] == "T" { (self.width, self.height, pixels) = (width, height, rgb) }
    guard keys["a"] == "f" else { return }
    let (x, y) = (Int(keys["x"] ?? "") ?? 0, Int(keys["y"] ?? "") ?? 0)
    guard x + width <= self.width, y + height <= self.height else { return problems.append("outside of the image") }
    for row in 0..<height {
      let target = ((y + row) * self.width + x) * 3
      pixels.replaceSubrange(target..<target + width * 3, with: rgb[row * width * 3..<(row + 1) * width * 3])
    }
  }

  private func payload(_ count: Int) -> [UInt8]? {
    let raw = Base64Decoder.decode(data)
    if keys["t"] == "s" { return memory(String(decoding: raw, as: UTF8.self)) }
    return keys["o"] == "z" ? Inflate.inflate(raw, count: count) : raw
  }

  /// Red, green and blue of a pixel.
  func color(_ x: Int, _ y: Int) -> [Double] { (0..<3).map { Double(pixels[(y * width + x) * 3 + $0]) } }
}

/// What zlib packed.
enum Inflate {
  /// Nil when it is damaged or not of this length.
  static func inflate(_ bytes: [UInt8], count: Int) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: count + 1)
    var length = UInt(output.count)
    guard uncompress(&output, &length, bytes, UInt(bytes.count)) == Z_OK, length == UInt(count) else { return nil }
    return Array(output.dropLast())
  }
}

/// Base64, decoded the slow and obvious way.
enum Base64Decoder {
  static func decode(_ text: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bits = 0
    var count = 0
    var result: [UInt8] = []
    for byte in text {
      guard let value = alphabet.firstIndex(of: byte) else { continue }
      bits = bits << 6 | value
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      result.append(UInt8(bits >> count & 255))
    }
    return result
  }
}
