/// A complete control sequence (ECMA-48 §5.4) from the terminal: CSI, parameter bytes, final byte.
struct ControlSequence {
  private let isPrivate: Bool
  private let mark: UInt8
  private let numbers: [Int]
  private let final: UInt8

  /// - Parameters:
  ///   - parameters: the bytes between CSI and the final byte.
  ///   - final: 0x40...0x7E.
  init(parameters: [UInt8], final: UInt8) {
    mark = parameters.first ?? 0
    isPrivate = (0x3C...0x3F).contains(mark)
    self.final = final
    numbers = (isPrivate ? parameters.dropFirst() : parameters[...])
      .split(separator: 0x3B, omittingEmptySubsequences: false)
      .map { field in field.prefix { (0x30...0x39).contains($0) }.prefix(6).reduce(0) { $0 * 10 + Int($1 - 0x30) } }
  }

  var isPasteStart: Bool { final == 0x7E && !isPrivate && numbers.first == 200 }

  /// The key it stands for; nil for what is no key, such as the answer to a query.
  var key: KeyInput? {
    if isPrivate { return mark == 0x3C && (final == 0x4D || final == 0x6D) ? mouse : nil }
    switch final {
    case 0x41: return .up
    case 0x42: return .down
    case 0x43: return hasModifier ? .wordRight : .right
    case 0x44: return hasModifier ? .wordLeft : .left
    case 0x46: return .end
    case 0x48: return .home
    case 0x5A: return .backTab
    case 0x50, 0x51, 0x53: return .function(Int(final) - 0x4F)
    case 0x6E: return numbers.first == 0 ? .statusReport : nil
    case 0x75: return extended(numbers.first ?? 0)
    case 0x7E: return tilde
    default: return nil
    }
  }

  /// Control or Alt, as the terminal adds it behind the key.
  private var hasModifier: Bool { modifiers & 0b110 != 0 }
  private var modifiers: Int { numbers.count > 1 ? max(numbers[1] - 1, 0) : 0 }

  private var tilde: KeyInput? {
    switch numbers.first ?? 0 {
    case 1, 7: .home
    case 3: .delete
    case 4, 8: .end
    case 5: .pageUp
    case 6: .pageDown
    case let code where (11...15).contains(code): .function(code - 10)
    case let code where (17...21).contains(code): .function(code - 11)
    case let code where (23...24).contains(code): .function(code - 12)
    case 27: numbers.count > 2 ? extended(numbers[2]) : nil
    default: nil
    }
  }

  /// A key by its character code, as xterm's modifyOtherKeys and the kitty protocol send it.
  private func extended(_ code: Int) -> KeyInput? {
    switch code {
    case 9: return modifiers & 1 != 0 ? .backTab : .tab
    case 13: return .enter
    case 27: return .escape
    case 127: return .backspace
    default: break
    }
    guard code >= 0x20, code < 0xE000, let scalar = Unicode.Scalar(UInt32(code)) else { return nil }
    let character = Character(scalar)
    if modifiers & 0b100 != 0 { return .control(Character(character.lowercased())) }
    return modifiers & 0b010 != 0 ? .alt(character) : .character(character)
  }

  private var mouse: KeyInput? {
    guard numbers.count == 3, numbers[1] > 0, numbers[2] > 0, final == 0x4D else { return nil }
    let action: MouseInput.Action
    switch numbers[0] & ~0b11100 {
    case 0: action = .press
    case 64: action = .wheelUp
    case 65: action = .wheelDown
    default: return nil
    }
    return .mouse(MouseInput(action: action, row: numbers[2] - 1, column: numbers[1] - 1))
  }
}
