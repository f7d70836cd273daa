import ArgumentParser

@main
struct Glyphone: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "glyphone",
    abstract: "Chat and video calls in the terminal, with people in terminals and in browsers.",
    discussion: """
      Without a subcommand it opens the chat. Enter on a name calls, F1 shows the keys.
      """,
    version: "0.1.0",
    subcommands: [ChatCommand.self, BotCommand.self, DevicesCommand.self, DemoCommand.self],
    defaultSubcommand: ChatCommand.self)
}
