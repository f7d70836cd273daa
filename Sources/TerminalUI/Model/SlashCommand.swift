/// What can be typed behind a slash.
enum SlashCommand: Equatable {
  case call(String?), answer, reject, hangUp, mute, video
  case name(String)
  case render(String?)
  /// How the picture is changed before it is drawn: ``PictureLook``.
  case picture(String)
  case statistics, help, quit

  /// One line of the help text for every command.
  struct Description {
    let word: String
    let argument: String
    let text: String
  }

  static let descriptions = [
    Description(word: "call", argument: "NAME", text: "call somebody"),
    Description(word: "answer", argument: "", text: "take the call that rings"),
    Description(word: "reject", argument: "", text: "decline it"),
    Description(word: "hangup", argument: "", text: "end the call"),
    Description(word: "mute", argument: "", text: "microphone on or off"),
    Description(word: "video", argument: "", text: "camera on or off"),
    Description(word: "name", argument: "NAME", text: "take another name"),
    Description(word: "render", argument: "MODE", text: "how pictures are drawn: auto, block, sixel, …"),
    Description(word: "picture", argument: "WHAT", text: "brightness, zoom, fill, grey, freeze, reset, …"),
    Description(word: "stats", argument: "", text: "figures of the call"),
    Description(word: "help", argument: "", text: "keys and commands"),
    Description(word: "quit", argument: "", text: "leave"),
  ]

  /// Why a command line could not be understood, in words for the person who typed it.
  struct Problem: Error, Equatable {
    var text: String
  }

  /// Reads a command.
  /// - Parameter line: what was typed, from the slash on.
  static func parse(_ line: String) throws(Problem) -> SlashCommand {
    let parts = line.dropFirst().split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    let word = parts.first.map { $0.lowercased() } ?? ""
    var argument = ""
    if parts.count > 1 { argument = String(parts[1].trimmingSpaces) }
    switch word {
    case "call", "invite": return .call(argument.isEmpty ? nil : argument)
    case "answer", "accept": return .answer
    case "reject", "decline": return .reject
    case "hangup", "hang-up", "bye": return .hangUp
    case "mute", "unmute": return .mute
    case "video", "camera": return .video
    case "name", "nick":
      guard !argument.isEmpty else { throw Problem(text: "Which name? /name NAME") }
      return .name(argument)
    case "render": return .render(argument.isEmpty ? nil : argument.lowercased())
    case "picture": return .picture(argument)
    case "stats", "statistics": return .statistics
    case "help", "?": return .help
    case "quit", "exit", "q": return .quit
    case "": throw Problem(text: "A command is missing after the slash. /help lists them.")
    default:
      let near = descriptions.first { $0.word.hasPrefix(word) || word.hasPrefix($0.word) }
      let hint = near.map { "Did you mean /\($0.word)?" } ?? "/help lists the commands."
      throw Problem(text: "There is no command /\(word). \(hint) (To say it in the chat, begin with two slashes.)")
    }
  }

  /// What Tab makes of a half typed command line; nil when nothing fits.
  static func completion(of line: String, users: [String]) -> String? {
    let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard let head = parts.first, head.hasPrefix("/") else { return nil }
    if parts.count == 1 {
      let word = head.dropFirst().lowercased()
      guard let match = descriptions.first(where: { $0.word.hasPrefix(word) }) else { return nil }
      return "/\(match.word)" + (match.argument.isEmpty ? "" : " ")
    }
    guard head == "/call" else { return nil }
    let begun = parts[1].lowercased()
    return users.first { $0.lowercased().hasPrefix(begun) }.map { "/call \($0)" }
  }
}

extension StringProtocol {
  var trimmingSpaces: SubSequence {
    guard let first = firstIndex(where: { $0 != " " }), let last = lastIndex(where: { $0 != " " }) else {
      return self[endIndex...]
    }
    return self[first...last]
  }
}
