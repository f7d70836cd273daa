import ChatServer
import Logging
import Media
import NIOConcurrencyHelpers
import NIOPosix
import PeerConnection
import Signaling
import Testing

@testable import Calling

/// Two controllers with real codecs, sockets and a chat server of their own; test pattern, tone, and nobody to listen.
@Suite("Two controllers", .timeLimit(.minutes(1)))
struct CallControllerTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func controller(
    _ name: String, port: Int, logger: Logger? = nil, report: (@Sendable (String, CallController) -> Void)? = nil
  ) throws -> CallController {
    let late = LateController()
    var configuration = CallController.Configuration(
      server: try SignalingURL("ws://127.0.0.1:\(port)"), name: name,
      media: MediaChoices(camera: .testPattern, microphone: .tone, speaker: .off))
    configuration.connection.includesLoopback = true
    if let report {
      configuration.report = { line in
        if let controller = late.controller { report(line, controller) }
      }
    }
    let controller = CallController(
      configuration: configuration, pictures: NoPictures(),
      eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: logger ?? self.logger)
    late.set(controller)
    return controller
  }

  /// Lets alice call bob until she has had enough.
  private func calls(bobAnswers: Bool) async throws -> Bot.Outcome {
    let server = try await ChatServer.start(
      .init(port: 0), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    let (alice, bob) = (try controller("alice", port: server.port), try controller("bob", port: server.port))
    let outcome = await call(from: alice, to: bob, seconds: 2, times: 2, bobAnswers: bobAnswers)
    await server.shutDown()
    return outcome
  }

  /// Runs both until alice has called bob so many times, or given up.
  private func call(
    from alice: CallController, to bob: CallController, seconds: Int, times: Int, bobAnswers: Bool
  ) async -> Bot.Outcome {
    var (calling, answering) = (Bot.Behaviour(), Bot.Behaviour())
    calling.calls = "bob"
    calling.seconds = seconds
    calling.numberOfCalls = times
    answering.answers = bobAnswers
    let (caller, callee) = (calling, answering)
    async let running: Void = bob.run()
    async let taken = Bot.run(callee, controller: bob)
    async let dialing: Void = alice.run()
    let outcome = await Bot.run(caller, controller: alice)
    bob.perform(.quit)
    _ = await (running, taken, dialing)
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

  @Test("both restart ICE in mid-call at once: one offer gives way, and the call goes on")
  func restartOnBothSides() async throws {
    let (sent, answered) = (Recorder.logger(), Recorder.logger())
    let server = try await ChatServer.start(
      .init(port: 0), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: self.logger)
    let bob = try controller("bob", port: server.port, logger: answered.1)
    let hasRestarted = NIOLockedValueBox(false)
    let alice = try controller("alice", port: server.port, logger: sent.1) { line, alice in
      guard line.contains("\"active\""), !hasRestarted.withLockedValue({ done in (done, done = true).0 }) else {
        return
      }
      Task {
        await alice.transportChanged(1, .networkChanged)
        await bob.transportChanged(1, .networkChanged)
      }
    }
    let outcome = await call(from: alice, to: bob, seconds: 3, times: 1, bobAnswers: true)
    await server.shutDown()
    #expect(outcome.succeeded)
    // The first descriptions and those of the restart, each with credentials of its own.
    for (side, descriptions) in [("alice", sent.0.descriptions), ("bob", answered.0.descriptions)] {
      #expect(Set(descriptions.compactMap(Self.usernameFragment)).count >= 2, "\(side)")
    }
    #expect(answered.0.descriptions.contains { $0.contains("\"video-offer\"") }, "bob's own offer met alice's")
  }

  private static func usernameFragment(of message: String) -> Substring? {
    message.firstRange(of: "a=ice-ufrag:").map { message[$0.upperBound...].prefix { $0 != "\\" } }
  }
}

/// Keeps the messages that a controller sent.
private struct Recorder: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.debug
  private let messages = NIOLockedValueBox<[String]>([])

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  static func logger() -> (Recorder, Logger) {
    let recorder = Recorder()
    return (recorder, Logger(label: "test") { _ in recorder })
  }

  func log(event: LogEvent) {
    guard event.message == "sent", let message = event.metadata?["message"] else { return }
    messages.withLockedValue { $0.append("\(message)") }
  }

  /// Offers and answers.
  var descriptions: [String] {
    messages.withLockedValue { $0.filter { $0.contains("\"video-offer\"") || $0.contains("\"video-answer\"") } }
  }
}

/// Hands a controller to a closure that was made before it.
private final class LateController: Sendable {
  private let box = NIOLockedValueBox<CallController?>(nil)
  func set(_ controller: CallController) { box.withLockedValue { $0 = controller } }
  var controller: CallController? { box.withLockedValue { $0 } }
}
