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
    subcommands: [
      ChatCommand.self, PlayCommand.self, BotCommand.self, DevicesCommand.self, DemoCommand.self, DoctorCommand.self,
    ],
    defaultSubcommand: ChatCommand.self)

  /// Puts the options of the configuration file before those of the command line, which win.
  static func main() async {
    var arguments = Array(CommandLine.arguments.dropFirst())
    do {
      let file = try ConfigurationFile(path: ConfigurationFile.standardPath())
      if file.showsPasswords { complain("\(file.path) holds passwords and others can read it: chmod 600 it") }
      let (path, command) = command(of: arguments)
      let given = Array(arguments.dropFirst(path))
      arguments.insert(contentsOf: file.arguments(for: command, given: given), at: path)
    } catch {
      complain("\(error)")
      exit(withError: ExitCode(EX_CONFIG))
    }
    await main(arguments)
  }

  /// The command that arguments name, and where its own begin.
  private static func command(of arguments: [String]) -> (Int, any ParsableCommand.Type) {
    var (depth, command): (Int, any ParsableCommand.Type) = (0, Glyphone.self)
    while depth < arguments.count,
      let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == arguments[depth] })
    {
      (depth, command) = (depth + 1, next)
    }
    return (depth, depth == 0 ? ChatCommand.self : command)
  }

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data("glyphone: \(text)\n".utf8))
  }

  /// The chat's own help but for its first lines: `glyphone --help` shows all there is.
  private static var optionsOfTheChat: String {
    let help = ChatCommand.helpMessage(columns: 78)
    return help.range(of: "CHAT:").map { String(help[$0.lowerBound...]) } ?? help
  }
}
