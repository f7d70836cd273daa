/// An answer of the terminal to one of our questions.
enum TerminalReply: Equatable {
  /// DA1: the attributes after the class.
  case primaryAttributes([Int])
  /// DA2: the kind of terminal.
  case secondaryAttributes(Int)
  /// XTVERSION.
  case name(String)
  case cellPixels(PixelSize)
  case textPixels(PixelSize)
  case screenCells(columns: Int, rows: Int)
  /// DECRPM: a private mode and its state, 0 when the terminal does not know the mode.
  case mode(Int, state: Int)
  case sixelRegisters(Int)
  case sixelGeometry(PixelSize)
  /// Kitty's answer to a graphics query: the query's number, and "OK" or what is wrong.
  case kittyGraphics(id: Int, String)
  /// OSC 4: one of the sixteen colours.
  case baseColor(Int, RGBColor)
  /// OSC 10 and 11: the default pens.
  case foreground(RGBColor)
  case background(RGBColor)
}

/// Picks the terminal's answers out of what a person types. Takes any bytes; holds back no more than ``longestControl`` of
/// them, or ``longestText`` of an answer in words. No byte that was typed is lost but where an answer in words is cut off
/// and a key follows it at once.
struct TerminalReplyParser: Sendable {
  /// The longest control sequence that can be an answer. Longer ones were not asked for.
  static let longestControl = 128
  /// The longest answer in words. What goes on for longer was cut off, and was typed for the most part.
  static let longestText = 128

  private enum State {
    case ground
    case escape
    /// After ESC [ : parameters and intermediates.
    case control
    /// After ESC P, where XTVERSION goes on with > and |.
    case device
    /// After ESC _ , where kitty's answer goes on with G.
    case application
    /// After ESC ] , where a colour goes on with 4, 10 or 11 and a semicolon.
    case system
    /// Inside of such a string.
    case text(TextKind)
    case textEscape(TextKind)
  }

  /// The answers that are strings.
  private enum TextKind {
    case name, kitty, baseColor, foreground, background

    /// By the digits after ESC ] .
    init?(system digits: ArraySlice<UInt8>) {
      switch String(decoding: digits, as: UTF8.self) {
      case "4": self = .baseColor
      case "10": self = .foreground
      case "11": self = .background
      default: return nil
      }
    }

    /// Whether BEL ends it, too.
    var isSystem: Bool { self != .name && self != .kitty }
  }

  private var state = State.ground
  /// What is neither an answer nor typed so far; inside of a string only its text.
  private var held: [UInt8] = []
  /// How many of the held bytes of a string came in one go, and so from the terminal; nil until a moment without any.
  private var certain: Int?

  private static let escape: UInt8 = 0x1B

  /// Takes a byte; appends what turns out to be typed, and returns an answer that is complete.
  mutating func take(_ byte: UInt8, typed: inout [UInt8]) -> TerminalReply? {
    switch state {
    case .ground:
      if byte == Self.escape {
        held.append(byte)
        state = .escape
      } else {
        typed.append(byte)
      }
    case .escape:
      takeAfterEscape(byte, typed: &typed)
    case .control:
      return takeControl(byte, typed: &typed)
    case .device:
      takeDevice(byte, typed: &typed)
    case .application:
      begin(.kitty, with: [0x5F, 0x47], byte, typed: &typed)
    case .system:
      takeSystem(byte, typed: &typed)
    case .text(let kind):
      return takeText(byte, of: kind, typed: &typed)
    case .textEscape(let kind):
      if byte == 0x5C { return finishText(kind) }
      return takeAfterCut(byte, typed: &typed)
    }
    return nil
  }

  /// Gives back what was held, as typed, for a moment went by without any more. An answer in words that has begun for
  /// certain may go on after one such moment; what came since then is typed if that does not end it before the next.
  mutating func release() -> [UInt8] {
    if isInText, held.count == certain ?? held.count {
      certain = held.count
      return []
    }
    defer { drop() }
    return Array(held[(certain ?? 0)...])
  }

  private var isInText: Bool {
    switch state {
    case .text, .textEscape: true
    case .ground, .escape, .control, .device, .application, .system: false
    }
  }

  private mutating func drop() {
    held.removeAll(keepingCapacity: true)
    certain = nil
    state = .ground
  }

  /// What was held is not an answer.
  private mutating func giveBack(_ byte: UInt8, typed: inout [UInt8]) {
    typed += held
    drop()
    if byte == Self.escape {
      held.append(byte)
      state = .escape
    } else {
      typed.append(byte)
    }
  }

  private mutating func takeAfterEscape(_ byte: UInt8, typed: inout [UInt8]) {
    switch byte {
    case 0x5B: state = .control
    case 0x50: state = .device
    case 0x5D: state = .system
    case 0x5F: state = .application
    default: return giveBack(byte, typed: &typed)
    }
    held.append(byte)
  }

  private mutating func takeControl(_ byte: UInt8, typed: inout [UInt8]) -> TerminalReply? {
    guard (0x20...0x7E).contains(byte), held.count < Self.longestControl else {
      giveBack(byte, typed: &typed)
      return nil
    }
    guard byte >= 0x40 else {
      held.append(byte)
      return nil
    }
    if let answer = TerminalControl(held.dropFirst(2), final: byte), answer.isAnswer {
      drop()
      return answer.reply
    }
    giveBack(byte, typed: &typed)
    return nil
  }

  private mutating func takeDevice(_ byte: UInt8, typed: inout [UInt8]) {
    begin(.name, with: [0x50, 0x3E, 0x7C], byte, typed: &typed)
  }

  private mutating func takeSystem(_ byte: UInt8, typed: inout [UInt8]) {
    if (0x30...0x39).contains(byte), held.count < 4 {
      held.append(byte)
    } else if byte == 0x3B, let kind = TextKind(system: held.dropFirst(2)) {
      held.removeAll(keepingCapacity: true)
      state = .text(kind)
    } else {
      giveBack(byte, typed: &typed)
    }
  }

  /// Alt with a capital P, with _ or with ] begins in the same way as an answer, so what follows decides.
  private mutating func begin(_ kind: TextKind, with opening: [UInt8], _ byte: UInt8, typed: inout [UInt8]) {
    guard held.count - 1 < opening.count, byte == opening[held.count - 1] else { return giveBack(byte, typed: &typed) }
    held.append(byte)
    guard held.count == opening.count + 1 else { return }
    held.removeAll(keepingCapacity: true)
    state = .text(kind)
  }

  private mutating func takeText(_ byte: UInt8, of kind: TextKind, typed: inout [UInt8]) -> TerminalReply? {
    switch byte {
    case Self.escape:
      held.append(byte)
      state = .textEscape(kind)
    case 0x07 where kind.isSystem:
      return finishText(kind)
    case 0x20...0x7E where held.count < Self.longestText:
      held.append(byte)
    case 0x20...0x7E:
      held.removeFirst(certain ?? 0)
      giveBack(byte, typed: &typed)
    default:
      // No answer has control characters: the string was cut short.
      held.removeFirst(certain ?? held.count)
      giveBack(byte, typed: &typed)
    }
    return nil
  }

  /// A string was cut short by another sequence, whose Escape is the last of the held bytes.
  private mutating func takeAfterCut(_ byte: UInt8, typed: inout [UInt8]) -> TerminalReply? {
    let isOfString = certain == held.count
    held.removeLast()
    held.removeFirst(min(certain ?? held.count, held.count))
    giveBack(isOfString ? byte : Self.escape, typed: &typed)
    return isOfString ? nil : take(byte, typed: &typed)
  }

  private mutating func finishText(_ kind: TextKind) -> TerminalReply? {
    defer { drop() }
    if case .textEscape = state { held.removeLast() }
    let words = String(decoding: held, as: UTF8.self)
    switch kind {
    case .name: return .name(words)
    case .kitty: return Self.kittyGraphics(words)
    case .baseColor: return Self.baseColor(words)
    case .foreground: return Self.color(words[...]).map { .foreground($0) }
    case .background: return Self.color(words[...]).map { .background($0) }
    }
  }

  /// Reads `i=n,...;OK`.
  private static func kittyGraphics(_ words: String) -> TerminalReply? {
    let parts = words.split(separator: ";", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let id = parts[0].split(separator: ",").lazy.compactMap { $0.hasPrefix("i=") ? Int($0.dropFirst(2)) : nil }.first
    return id.map { .kittyGraphics(id: $0, String(parts[1])) }
  }

  /// Reads `n;` and a colour.
  private static func baseColor(_ words: String) -> TerminalReply? {
    let parts = words.split(separator: ";")
    guard parts.count == 2, let index = Int(parts[0]), (0..<16).contains(index) else { return nil }
    return color(parts[1]).map { .baseColor(index, $0) }
  }

  /// Reads `rgb:RR/GG/BB`, each with one to four hexadecimal digits.
  private static func color(_ words: Substring) -> RGBColor? {
    let channels = words.dropFirst(words.hasPrefix("rgba:") ? 5 : 4).split(separator: "/")
    guard words.hasPrefix("rgb"), channels.count >= 3 else { return nil }
    let values = channels.prefix(3).compactMap { digits -> UInt8? in
      guard (1...4).contains(digits.count), let value = UInt32(digits, radix: 16) else { return nil }
      let full = UInt32(1) << (4 * UInt32(digits.count)) - 1
      return UInt8((value * 255 + full / 2) / full)
    }
    guard values.count == 3 else { return nil }
    return RGBColor(red: values[0], green: values[1], blue: values[2])
  }
}

/// A control sequence: private marker, parameters, intermediate, final byte.
private struct TerminalControl {
  private let marker: UInt8?
  private let parameters: [Int]
  private let intermediate: UInt8?
  private let final: UInt8

  /// Nil for what no terminal answers.
  init?(_ bytes: ArraySlice<UInt8>, final: UInt8) {
    var rest = bytes
    marker = rest.first.flatMap { (0x3C...0x3F).contains($0) ? $0 : nil }
    if marker != nil { rest = rest.dropFirst() }
    intermediate = rest.last.flatMap { (0x20...0x2F).contains($0) ? $0 : nil }
    if intermediate != nil { rest = rest.dropLast() }
    guard rest.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x3B }) else { return nil }
    // Numbers too large to believe become 0, which no answer uses.
    parameters = rest.split(separator: 0x3B, omittingEmptySubsequences: false).map {
      $0.count > 6 ? 0 : $0.reduce(0) { $0 * 10 + Int($1) - 48 }
    }
    self.final = final
  }

  private func parameter(_ index: Int) -> Int { index < parameters.count ? parameters[index] : 0 }

  /// Whether the sequence has the form of an answer; no key sends one of these.
  var isAnswer: Bool {
    switch (marker, intermediate, final) {
    case (0x3F, nil, 0x63), (0x3E, nil, 0x63): true  // ? c, > c
    case (nil, nil, 0x74): true  // t
    case (0x3F, 0x24, 0x79): true  // ? $ y
    case (0x3F, nil, 0x53): true  // ? S
    default: false
    }
  }

  /// What it says; nil when it is of no use to us.
  var reply: TerminalReply? {
    let size = PixelSize(width: parameter(2), height: parameter(1))
    let isSize = size.width > 0 && size.height > 0
    switch (marker, final) {
    case (0x3F, 0x63): return .primaryAttributes(Array(parameters.dropFirst()))
    case (0x3E, 0x63): return .secondaryAttributes(parameter(0))
    case (nil, 0x74):
      guard isSize else { return nil }
      switch parameter(0) {
      case 4: return .textPixels(size)
      case 6: return .cellPixels(size)
      case 8: return .screenCells(columns: size.width, rows: size.height)
      default: return nil
      }
    case (0x3F, 0x79): return .mode(parameter(0), state: parameter(1))
    case (0x3F, 0x53):
      guard parameter(1) == 0 else { return nil }
      if parameter(0) == 1 { return parameter(2) > 0 ? .sixelRegisters(parameter(2)) : nil }
      guard parameter(0) == 2, parameter(2) > 0, parameter(3) > 0 else { return nil }
      return .sixelGeometry(PixelSize(width: parameter(2), height: parameter(3)))
    default: return nil
    }
  }
}
