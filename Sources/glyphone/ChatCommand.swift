import ArgumentParser

struct ChatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Open the chat (the default).")

  @OptionGroup(title: "Chat") var chat: ChatOptions
  @OptionGroup(title: "Devices") var media: MediaOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Screen") var screen: ScreenOptions
  @OptionGroup(title: "Diagnostics") var diagnostics: DiagnosticOptions

  func run() async throws {
    let configuration = try media.configuration(server: chat.server, name: chat.name, network: network)
    try await Client(configuration: configuration, screen: screen, diagnostics: diagnostics).run()
  }
}
