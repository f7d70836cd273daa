import NIOCore

/// Turns the terminal's bytes into keys: UTF-8, control keys, the escape sequences of xterm, VT, rxvt, Linux console
/// and their like, SGR mouse reports and bracketed paste. Answers to our own queries that come late, and any other
/// sequence it does not know, are swallowed whole: they never end up as typed text.
///
/// Total over all bytes. What it collects is bounded; a sequence that never ends is given up after ``patience``.
struct InputDecoder {
  /// Bytes of a paste that are kept; the rest of it is dropped.
  static let maximumPaste = 1 << 16
  /// Bytes of a control sequence that are looked at; a longer one is swallowed unread.
  static let maximumSequence = 64

  private enum State: Equatable {
    case ground
    case utf8(needed: Int)
    case escape
    /// ESC [ and what followed; `collected` holds the bytes behind it.
    case controlSequence
    /// ESC O.
    case singleShift
    /// ESC P, ESC ], ESC _, ESC ^ or ESC X: text up to ST (or BEL) that is not for us.
    case string(escaped: Bool)
    case paste
  }

  private var state = State.ground
  private var collected: [UInt8] = []
  private var keys: [KeyInput] = []
  /// Whether an Alt (ESC) stands before what is being collected.
  private var isAlt = false

  private static let pasteEnd = Array("\u{1B}[201~".utf8)

  /// How long to wait for more bytes before ``giveUp()`` is called; nil when nothing is half read.
  var patience: TimeAmount? {
    switch state {
    case .ground: nil
    case .escape: .milliseconds(40)
    case .utf8, .controlSequence, .singleShift: .milliseconds(150)
    case .string, .paste: .milliseconds(800)
    }
  }

  /// Takes bytes as they were read.
  /// - Returns: the keys that they complete.
  mutating func decode(_ bytes: some Sequence<UInt8>) -> [KeyInput] {
    for byte in bytes { take(byte) }
    defer { keys = [] }
    return keys
  }

  /// No more bytes came in time: an Escape is the key itself, a paste ends, anything else is dropped.
  mutating func giveUp() -> [KeyInput] {
    switch state {
    case .escape: keys.append(.escape)
    case .paste: finishPaste()
    case .controlSequence where collected.isEmpty: keys.append(.alt("["))
    case .singleShift: keys.append(.alt("O"))
    default: break
    }
    reset()
    defer { keys = [] }
    return keys
  }

  private mutating func reset() {
    state = .ground
    collected.removeAll(keepingCapacity: true)
    isAlt = false
  }

  private mutating func take(_ byte: UInt8) {
    switch state {
    case .ground: takeGround(byte)
    case .utf8(let needed): takeUTF8(byte, needed: needed)
    case .escape: takeEscape(byte)
    case .controlSequence: takeControlSequence(byte)
    case .singleShift: takeSingleShift(byte)
    case .string(let escaped): takeString(byte, escaped: escaped)
    case .paste: takePaste(byte)
    }
  }

  private mutating func takeGround(_ byte: UInt8) {
    switch byte {
    case 0x1B: state = .escape
    case 0x09: emit(.tab)
    case 0x0A, 0x0D: emit(.enter)
    case 0x08, 0x7F: isAlt ? emit(.control("w")) : emit(.backspace)
    case 0x00: emit(.control(" "))
    case 0x01...0x1A: emit(.control(Character(Unicode.Scalar(byte + 0x60))))
    case 0x1C...0x1F: emit(.control(Character(Unicode.Scalar(byte + 0x40))))
    case 0x20...0x7E: emit(character: Character(Unicode.Scalar(byte)))
    case 0xC2...0xDF: startUTF8(byte, needed: 1)
    case 0xE0...0xEF: startUTF8(byte, needed: 2)
    case 0xF0...0xF4: startUTF8(byte, needed: 3)
    default: reset()  // No UTF-8.
    }
  }

  private mutating func startUTF8(_ byte: UInt8, needed: Int) {
    collected = [byte]
    state = .utf8(needed: needed)
  }

  private mutating func takeUTF8(_ byte: UInt8, needed: Int) {
    guard byte & 0xC0 == 0x80 else {
      reset()
      return take(byte)
    }
    collected.append(byte)
    guard needed == 1 else { return state = .utf8(needed: needed - 1) }
    let text = String(validating: collected, as: UTF8.self)
    if let character = text?.first { emit(character: character) } else { reset() }
  }

  private mutating func emit(_ key: KeyInput) {
    keys.append(key)
    reset()
  }

  private mutating func emit(character: Character) {
    emit(isAlt ? .alt(character) : .character(character))
  }

  private mutating func takeEscape(_ byte: UInt8) {
    switch byte {
    case 0x5B: state = .controlSequence
    case 0x4F: state = .singleShift
    case 0x50, 0x58, 0x5D, 0x5E, 0x5F: state = .string(escaped: false)
    case 0x1B: keys.append(.escape)  // The second one may still begin a sequence.
    default:
      state = .ground
      isAlt = true
      takeGround(byte)
    }
  }

  private mutating func takeSingleShift(_ byte: UInt8) {
    switch byte {
    case 0x41: emit(.up)
    case 0x42: emit(.down)
    case 0x43: emit(.right)
    case 0x44: emit(.left)
    case 0x46: emit(.end)
    case 0x48: emit(.home)
    case 0x4D: emit(.enter)
    case 0x50...0x53: emit(.function(Int(byte) - 0x4F))
    case 0x61: emit(.up)
    case 0x62: emit(.down)
    case 0x63: emit(.wordRight)
    case 0x64: emit(.wordLeft)
    case 0x6A...0x79: emit(.character(Character(Unicode.Scalar(byte - 0x40))))  // The numeric pad's * to 9.
    case 0x1B:
      reset()
      state = .escape
    default: reset()
    }
  }

  private mutating func takeString(_ byte: UInt8, escaped: Bool) {
    switch byte {
    case 0x07, 0x18, 0x1A: reset()
    case 0x5C where escaped: reset()
    default: state = .string(escaped: byte == 0x1B)
    }
  }

  private mutating func takeControlSequence(_ byte: UInt8) {
    switch byte {
    case 0x1B:
      reset()
      state = .escape
    case 0x5B where collected.isEmpty: collected.append(byte)  // The Linux console's F1: ESC [ [ A.
    case 0x41...0x45 where collected == [0x5B]: emit(.function(Int(byte) - 0x40))
    case 0x20...0x3F: if collected.count < Self.maximumSequence { collected.append(byte) }
    case 0x24 where !collected.isEmpty: collected.append(byte)
    case 0x40...0x7E: finishControlSequence(byte)
    default: reset()
    }
  }

  private mutating func finishControlSequence(_ final: UInt8) {
    let sequence = ControlSequence(parameters: collected, final: final)
    let key = sequence.key
    reset()
    if sequence.isPasteStart {
      state = .paste
    } else if let key {
      keys.append(key)
    }
  }

  private mutating func takePaste(_ byte: UInt8) {
    collected.append(byte)
    if byte == 0x7E, collected.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) {
      collected.removeLast(Self.pasteEnd.count)
      finishPaste()
      reset()
    } else if collected.count > Self.maximumPaste + 16 {
      // Only the tail is of interest any more: it may be the end mark.
      collected.removeSubrange(Self.maximumPaste..<(collected.count - 8))
    }
  }

  private mutating func finishPaste() {
    keys.append(.paste(String(decoding: collected.prefix(Self.maximumPaste), as: UTF8.self)))
  }
}
