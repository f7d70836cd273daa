import ArgumentParser
import Calling
import Logging
import NIOPosix
import PeerConnection

struct NetworkDoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Find out whether calls get through, and how.",
    discussion: """
      Looks at the interfaces, the NAT, every STUN and TURN server (those given and those the chat server hands out), the \
      chat server and multicast DNS. Ends with status 1 if calls will not work.
      """)

  @OptionGroup(title: "Chat") var chat: ChatOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Diagnostics") var diagnostics: DiagnosticOptions

  func run() async throws {
    var configuration = PeerConnectionConfiguration()
    network.apply(to: &configuration)
    let doctor = NetworkDoctor(
      configuration: configuration, server: chat.server, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
      logger: try diagnostics.logger())
    if await !doctor.examine() { throw ExitCode.failure }
  }
}
