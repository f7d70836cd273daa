import ArgumentParser
import Calling
import NIOPosix

struct BotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bot", abstract: "Answer or make calls without a screen.",
    discussion: """
      Prints a line of JSON at each change of a call and once a second in it. Ends with status 0 when every call carried \
      picture and sound both ways.
      """)

  @OptionGroup(title: "Chat") var chat: ChatOptions
  @OptionGroup(title: "Devices") var media: MediaOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Diagnostics") var diagnostics: DiagnosticOptions

  @Flag(help: "Take incoming calls; they are declined otherwise.")
  var answer = false

  @Option(help: ArgumentHelp("Call this user as soon as it is in the chat.", valueName: "NAME"))
  var call: String?

  @Option(help: "Hang up after this many seconds of a call.")
  var seconds: Int?

  @Option(help: "Leave after this many calls (1 with --call).")
  var calls: Int?

  func validate() throws {
    if let seconds, !(1...86_400).contains(seconds) { throw ValidationError("--seconds takes 1 to 86400.") }
    if let calls, calls < 1 { throw ValidationError("--calls takes 1 or more.") }
  }

  func run() async throws {
    var behaviour = Bot.Behaviour()
    behaviour.answers = answer
    behaviour.calls = call
    behaviour.seconds = seconds
    behaviour.numberOfCalls = calls ?? (call == nil ? nil : 1)
    let statistics = try diagnostics.statisticsFile()
    var configuration = try media.configuration(server: chat.server, name: chat.name, network: network)
    configuration.report = { line in
      LineFile.standardOutput.write(line)
      statistics?.write(line)
    }
    let controller = CallController(
      configuration: configuration, pictures: NoPictures(), eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
      logger: try diagnostics.logger())
    let signals = LeaveSignals { controller.perform(.quit) }
    defer { signals.cancel() }
    async let running: Void = controller.run()
    let outcome = await Bot.run(behaviour, controller: controller)
    await running
    if let text = outcome.complaint { throw CleanExit.message(text) }
    if !outcome.succeeded { throw ExitCode.failure }
  }
}
