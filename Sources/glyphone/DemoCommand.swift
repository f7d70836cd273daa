import ArgumentParser
import Calling
import ChatServer
import Media
import NIOPosix
import PeerConnection
import Signaling

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Open the chat on a server of its own, with somebody to call.",
    discussion: "The peer \"echo\" answers what is said and takes calls. A missing camera or microphone is replaced.")

  @Option(help: "The name to be known by.")
  var name = "you"

  @OptionGroup(title: "Devices") var media: MediaOptions
  @OptionGroup(title: "Screen") var screen: ScreenOptions
  @OptionGroup(title: "Diagnostics") var diagnostics: DiagnosticOptions

  func run() async throws {
    let logger = try diagnostics.logger()
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await ChatServer.start(.init(port: 0), eventLoopGroup: group, logger: logger)
    let url = "ws://127.0.0.1:\(server.port)"
    let echo = CallController(
      configuration: try echoConfiguration(url), pictures: NoPictures(), eventLoop: group.next(), logger: logger)
    let behaviour = echoBehaviour
    async let running: Void = echo.run()
    async let answering = Bot.run(behaviour, controller: echo)
    var configuration = try media.configuration(server: url, name: name)
    configuration.standsIn = true
    configuration.connection.includesLoopback = true
    try await Client(configuration: configuration, screen: screen, diagnostics: diagnostics).run()
    echo.perform(.quit)
    _ = await (running, answering)
    await server.shutDown()
  }

  private var echoBehaviour: Bot.Behaviour {
    var behaviour = Bot.Behaviour()
    behaviour.answers = true
    behaviour.chatter = .everything
    return behaviour
  }

  private func echoConfiguration(_ url: String) throws -> CallController.Configuration {
    var configuration = CallController.Configuration(
      server: try SignalingURL(url), name: "echo",
      media: MediaChoices(camera: .testPattern, microphone: .tone, speaker: .off))
    configuration.connection.includesLoopback = true
    return configuration
  }
}
