import ChatServer
import Logging
import Media
import NIOPosix
import PeerConnection
import Signaling
import Testing

@testable import Calling

/// Two controllers with real codecs, sockets and a chat server of their own; test pattern, tone, and nobody to listen.
@Suite("Two controllers", .timeLimit(.minutes(1)))
struct CallControllerTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func controller(_ name: String, port: Int) throws -> CallController {
    var configuration = CallController.Configuration(
      server: try SignalingURL("ws://127.0.0.1:\(port)"), name: name,
      media: MediaChoices(camera: .testPattern, microphone: .tone, speaker: .off))
    configuration.connection.includesLoopback = true
    return CallController(
      configuration: configuration, pictures: NoPictures(),
      eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
  }

  /// Lets alice call bob until she has had enough.
  private func calls(bobAnswers: Bool) async throws -> Bot.Outcome {
    let server = try await ChatServer.start(
      .init(port: 0), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    let (alice, bob) = (try controller("alice", port: server.port), try controller("bob", port: server.port))
    var (calling, answering) = (Bot.Behaviour(), Bot.Behaviour())
    calling.calls = "bob"
    calling.seconds = 2
    calling.numberOfCalls = 2
    answering.answers = bobAnswers
    let (caller, callee) = (calling, answering)
    async let running: Void = bob.run()
    async let taken = Bot.run(callee, controller: bob)
    async let dialing: Void = alice.run()
    let outcome = await Bot.run(caller, controller: alice)
    bob.perform(.quit)
    _ = await (running, taken, dialing)
    await server.shutDown()
    return outcome
  }

  @Test("call, see and hear each other, hang up, and call again")
  func callTwice() async throws {
    #expect(try await calls(bobAnswers: true).succeeded)
  }

  @Test("a call that is declined carries nothing, and nothing is left behind")
  func declined() async throws {
    let outcome = try await calls(bobAnswers: false)
    #expect(!outcome.succeeded && outcome.complaint == nil)
  }
}
