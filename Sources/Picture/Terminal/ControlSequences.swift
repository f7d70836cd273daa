/// Sequences written around and between pictures.
enum ControlSequence {
  /// Begin a synchronized update.
  static let beginUpdate: StaticString = "\u{1B}[?2026h"
  static let endUpdate: StaticString = "\u{1B}[?2026l"
  /// DECSC: cursor and pens.
  static let saveCursor: StaticString = "\u{1B}7"
  static let restoreCursor: StaticString = "\u{1B}8"
  static let resetPens: StaticString = "\u{1B}[0m"
  /// ST, which ends an image.
  static let stringTerminator: StaticString = "\u{1B}\\"
  /// Sixel images use the colours of earlier ones, or only their own.
  static let sharedRegisters: StaticString = "\u{1B}[?1070l"
  static let privateRegisters: StaticString = "\u{1B}[?1070h"
}
