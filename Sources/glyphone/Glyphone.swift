import ArgumentParser
import Foundation

@main
struct Glyphone: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "glyphone",
    abstract: "Chat and video calls in the terminal, with people in terminals and in browsers.",
    discussion: """
      Without a subcommand it opens the chat. Enter on a name calls, F1 shows the keys.

      \(optionsOfTheChat)
      """,
    version: "0.1.0",
    subcommands: [ChatCommand.self, BotCommand.self, DevicesCommand.self, DemoCommand.self],
    defaultSubcommand: ChatCommand.self)

  /// The chat's own help but for its first lines: `glyphone --help` shows all there is.
  private static var optionsOfTheChat: String {
    let help = ChatCommand.helpMessage(columns: 78)
    return help.range(of: "CHAT:").map { String(help[$0.lowerBound...]) } ?? help
  }
}
