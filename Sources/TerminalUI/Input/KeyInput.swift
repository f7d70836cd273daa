/// One thing a person did at the keyboard or with the mouse, as the terminal reported it.
enum KeyInput: Equatable {
  case character(Character)
  /// A letter or sign with Alt held, or typed right behind Escape.
  case alt(Character)
  /// A letter with Control held, in lower case.
  case control(Character)
  case enter, tab, backTab, escape
  case backspace, delete
  case up, down, left, right, wordLeft, wordRight
  case home, end, pageUp, pageDown
  /// F1 is 1.
  case function(Int)
  case mouse(MouseInput)
  /// Text pasted in one piece (bracketed paste), as it came.
  case paste(String)
  /// The terminal's answer to a status request (DSR 5): it has worked off all that was sent before.
  case statusReport
}

/// A mouse button or wheel at a cell; row and column count from 0.
struct MouseInput: Equatable {
  enum Action: Equatable { case press, wheelUp, wheelDown }
  var action: Action
  var row: Int
  var column: Int
}
