/// What a piece of the screen means; the theme says how that looks.
enum Style: UInt8, CaseIterable {
  case text, faint, strong, divider, heading, focusedHeading
  case time, ownName, eventText, noticeInformation, noticeWarning, noticeError
  case name0, name1, name2, name3, name4, name5, name6, name7
  case title, titleBrand, titleGood, titleBad
  case callWaiting, callActive, callTrouble, callDetail
  case user, userSelf, userPeer, userSelected, userFocused
  case unread
  case input, inputMark
  case keyName, keyText
  case box, boxStrong, boxFrame, boxFaint, buttonYes, buttonNo, buttonNeutral

  /// The same person has the same colour everywhere.
  static func name(_ name: String) -> Style {
    var hash: UInt32 = 2_166_136_261
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Style(rawValue: Style.name0.rawValue + UInt8(hash >> 8 & 7)) ?? .name0
  }
}

/// How a style looks on a terminal with few colours, with 256, or with none.
struct Appearance: Equatable {
  struct Attributes: OptionSet {
    let rawValue: Int32
    static let bold = Attributes(rawValue: 1)
    static let dim = Attributes(rawValue: 2)
    static let underline = Attributes(rawValue: 4)
    static let reverse = Attributes(rawValue: 8)
  }

  /// Palette indices; -1 is the terminal's own colour.
  var foreground: Int32 = -1
  var background: Int32 = -1
  var attributes: Attributes = []
}

/// The looks of all styles, by the number of colours there are.
enum Theme {
  static func appearance(_ style: Style, colors: Int) -> Appearance {
    if colors >= 256 { return rich(style) }
    return colors >= 8 ? plain(style) : monochrome(style)
  }

  /// Colours between light and dark where the background is the terminal's own: it may be either.
  private static func rich(_ style: Style) -> Appearance {
    switch style {
    case .text, .input, .user: Appearance()
    case .faint, .time, .keyText, .userSelf: Appearance(foreground: 244)
    case .strong: Appearance(attributes: .bold)
    case .divider: Appearance(foreground: 241)
    case .heading: Appearance(foreground: 244, attributes: .bold)
    case .focusedHeading: Appearance(foreground: 37, attributes: .bold)
    case .ownName: Appearance(foreground: 37, attributes: .bold)
    case .eventText: Appearance(foreground: 67)
    case .noticeInformation: Appearance(foreground: 74)
    case .noticeWarning: Appearance(foreground: 172)
    case .noticeError: Appearance(foreground: 203, attributes: .bold)
    case .name0: Appearance(foreground: 71)
    case .name1: Appearance(foreground: 169)
    case .name2: Appearance(foreground: 136)
    case .name3: Appearance(foreground: 68)
    case .name4: Appearance(foreground: 167)
    case .name5: Appearance(foreground: 107)
    case .name6: Appearance(foreground: 98)
    case .name7: Appearance(foreground: 73)
    case .title: Appearance(foreground: 250, background: 236)
    case .titleBrand: Appearance(foreground: 80, background: 236, attributes: .bold)
    case .titleGood: Appearance(foreground: 114, background: 236)
    case .titleBad: Appearance(foreground: 215, background: 236, attributes: .bold)
    case .callWaiting: Appearance(foreground: 231, background: 25, attributes: .bold)
    case .callActive: Appearance(foreground: 231, background: 29, attributes: .bold)
    case .callTrouble: Appearance(foreground: 231, background: 130, attributes: .bold)
    case .callDetail: Appearance(foreground: 252, background: 238)
    case .userPeer: Appearance(foreground: 71, attributes: .bold)
    case .userSelected: Appearance(foreground: 231, background: 240)
    case .userFocused: Appearance(foreground: 231, background: 31, attributes: .bold)
    case .unread: Appearance(foreground: 232, background: 215)
    case .inputMark: Appearance(foreground: 37, attributes: .bold)
    case .keyName: Appearance(foreground: 37)
    case .box: Appearance(foreground: 252, background: 235)
    case .boxStrong: Appearance(foreground: 231, background: 235, attributes: .bold)
    case .boxFrame: Appearance(foreground: 80, background: 235)
    case .boxFaint: Appearance(foreground: 246, background: 235)
    case .buttonYes: Appearance(foreground: 231, background: 29, attributes: .bold)
    case .buttonNo: Appearance(foreground: 231, background: 124, attributes: .bold)
    case .buttonNeutral: Appearance(foreground: 231, background: 240, attributes: .bold)
    }
  }

  private static func plain(_ style: Style) -> Appearance {
    let (black, red, green, yellow, blue, magenta, cyan, white):
      (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32)
    (black, red, green, yellow, blue, magenta, cyan, white) = (0, 1, 2, 3, 4, 5, 6, 7)
    return switch style {
    case .text, .input, .user, .keyText, .userSelf, .time: Appearance()
    case .faint, .divider: Appearance(attributes: .dim)
    case .strong, .heading: Appearance(attributes: .bold)
    case .focusedHeading, .ownName, .inputMark: Appearance(foreground: cyan, attributes: .bold)
    case .keyName, .eventText, .noticeInformation: Appearance(foreground: cyan)
    case .noticeWarning: Appearance(foreground: yellow)
    case .noticeError: Appearance(foreground: red, attributes: .bold)
    case .name0, .name5: Appearance(foreground: green)
    case .name1, .name6: Appearance(foreground: magenta)
    case .name2: Appearance(foreground: yellow)
    case .name3: Appearance(foreground: blue, attributes: .bold)
    case .name4: Appearance(foreground: red)
    case .name7: Appearance(foreground: cyan)
    case .title, .titleGood: Appearance(foreground: white, background: blue)
    case .titleBrand: Appearance(foreground: cyan, background: blue, attributes: .bold)
    case .titleBad: Appearance(foreground: yellow, background: blue, attributes: .bold)
    case .callWaiting: Appearance(foreground: black, background: cyan)
    case .callActive: Appearance(foreground: black, background: green)
    case .callTrouble, .unread: Appearance(foreground: black, background: yellow)
    case .callDetail, .userSelected: Appearance(attributes: .reverse)
    case .userPeer: Appearance(foreground: green, attributes: .bold)
    case .userFocused: Appearance(foreground: black, background: cyan)
    case .box, .boxFaint: Appearance(foreground: white, background: black)
    case .boxStrong: Appearance(foreground: white, background: black, attributes: .bold)
    case .boxFrame: Appearance(foreground: cyan, background: black)
    case .buttonYes: Appearance(foreground: black, background: green)
    case .buttonNo: Appearance(foreground: white, background: red, attributes: .bold)
    case .buttonNeutral: Appearance(foreground: black, background: white)
    }
  }

  private static func monochrome(_ style: Style) -> Appearance {
    switch style {
    case .title, .titleGood, .titleBad, .callActive, .callDetail, .callWaiting, .userFocused, .unread:
      Appearance(attributes: .reverse)
    case .titleBrand, .callTrouble, .buttonYes, .buttonNo, .buttonNeutral: Appearance(attributes: [.reverse, .bold])
    case .strong, .heading, .ownName, .noticeError, .noticeWarning, .inputMark, .boxStrong, .keyName, .userPeer:
      Appearance(attributes: .bold)
    case .focusedHeading, .userSelected: Appearance(attributes: .underline)
    case .faint, .userSelf, .boxFaint: Appearance(attributes: .dim)
    default: Appearance()
    }
  }
}
