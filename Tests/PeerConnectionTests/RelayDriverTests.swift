import Foundation
import ICE
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import PeerConnection

/// Calls through a real coturn over each transport. On a machine without one they are skipped.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Coturn.isInstalled, "turnserver (Debian: coturn) is not installed"))
struct RelayDriverTests {
  @Test(arguments: ["turn:127.0.0.1:%d", "turn:127.0.0.1:%d?transport=tcp", "turns:127.0.0.1:%d?transport=tcp"])
  func aCallThroughARelay(uri: String) async throws {
    let coturn = try await Coturn()
    let call = try await LoopbackCall { configuration in
      configuration.iceTransportPolicy = .relay
      configuration.iceServers = coturn.servers(uri)
      configuration.tlsRoots = coturn.roots
    }
    try await call.negotiate()
    await call.caller.waitUntilConnected()
    await call.callee.waitUntilConnected()
    let media = call.sendMedia()
    await call.caller.receiver.waitForMedia(video: 20, audio: 20)
    await call.callee.receiver.waitForMedia(video: 20, audio: 20)
    media.cancel()
    for side in [call.caller, call.callee] {
      let statistics = await side.connection.statistics()
      #expect(statistics.selectedPair.contains("relay "))
      #expect(statistics.authenticationFailures == 0)
    }
    await call.close()
    try await coturn.stop()
  }

  /// A server that shows a certificate of nobody we trust is not used, and the log says why.
  @Test func aWrongCertificateIsRefusedAndNamed() async throws {
    let coturn = try await Coturn()
    let log = CapturedLog()
    let call = try await LoopbackCall(logger: log.logger) { configuration in
      configuration.iceTransportPolicy = .relay
      configuration.iceServers = coturn.servers("turns:127.0.0.1:%d?transport=tcp")
    }
    try await call.negotiate()
    await call.caller.waitFor { $0 == .iceGatheringStateChange(.complete) }
    let said = log.text
    #expect(said.contains("turns:127.0.0.1:"))
    #expect(said.contains("its certificate comes from an authority that is not trusted here"))
    await call.close()
    try await coturn.stop()
  }

  @Test func aWrongPasswordIsNamed() async throws {
    let coturn = try await Coturn()
    let log = CapturedLog()
    let call = try await LoopbackCall(logger: log.logger) { configuration in
      configuration.iceTransportPolicy = .relay
      configuration.iceServers = coturn.servers("turn:127.0.0.1:%d", password: "guess")
    }
    try await call.negotiate()
    await call.caller.waitFor { $0 == .iceGatheringStateChange(.complete) }
    #expect(log.text.contains("turn:127.0.0.1:"))
    // The right one comes later.
    for side in [call.caller, call.callee] {
      await side.connection.setICEServers(coturn.servers("turn:127.0.0.1:%d"))
    }
    await call.caller.waitUntilConnected()
    await call.callee.waitUntilConnected()
    await call.close()
    try await coturn.stop()
  }
}

/// Remembers what was logged.
private struct CapturedLog {
  private final class Lines: Sendable {
    let lines = Mutex<[String]>([])
  }

  private struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message)") } }
  }

  private let lines = Lines()

  var logger: Logger {
    let lines = lines
    return Logger(label: "test", factory: { _ in Handler(lines: lines) })
  }

  var text: String { lines.lines.withLock { $0.joined(separator: "\n") } }
}

/// A coturn of the test's own on the loopback interface, with a certificate of an authority of the test's own.
private final class Coturn: Sendable {
  private static let program = "/usr/bin/turnserver"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

  private let process: Process
  private let folder: URL
  private let port: UInt16
  private let securePort: UInt16
  /// Ends with the process.
  private let life: AsyncStream<Never>
  /// The file of the authority.
  let roots: String

  init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "glyphone-coturn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let authority = try TestAuthority()
    let identity = try authority.issue(for: ["IP:127.0.0.1"])
    roots = folder.appending(path: "roots.pem").path
    for (name, text) in [
      ("roots.pem", try authority.certificate), ("cert.pem", identity.certificate), ("key.pem", identity.key),
    ] {
      try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }
    (port, securePort) = (try await Self.freePort(), try await Self.freePort())
    process = Process()
    process.executableURL = URL(filePath: Self.program)
    process.currentDirectoryURL = folder
    process.arguments = [
      "-n", "--no-cli", "--fingerprint", "--lt-cred-mech", "--realm=test", "--user=alice:secret",
      "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers", "--listening-port=\(port)",
      "--tls-listening-port=\(securePort)", "--cert=cert.pem", "--pkey=key.pem", "--log-file=stdout",
      "--pidfile=turn.pid", "--userdb=turn.db", "--min-port=\(Int.random(in: 300...500) * 100)", "--max-port=59999",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let (life, end) = AsyncStream<Never>.makeStream()
    self.life = life
    process.terminationHandler = { _ in end.finish() }
    try process.run()
    try await waitUntilItListens()
  }

  /// A port nobody listens at now.
  private static func freePort() async throws -> UInt16 {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return UInt16(port)
  }

  private func waitUntilItListens() async throws {
    for port in [port, securePort] {
      var isOpen = false
      while !isOpen {
        let attempt = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
          .connect(host: "127.0.0.1", port: Int(port))
        do {
          try await attempt.get().close()
          isOpen = true
        } catch {
          guard process.isRunning else { throw error }
          try await Task.sleep(for: .milliseconds(20))
        }
      }
    }
  }

  /// - Parameter uri: with `%d` where the port belongs.
  func servers(_ uri: String, password: String = "secret") -> [ICEServer] {
    let text = uri.replacing("%d", with: "\(uri.hasPrefix("turns") ? securePort : port)")
    return (try? ICEServer(uri: text, username: "alice", credential: password)).map { [$0] } ?? []
  }

  func stop() async throws {
    // It has inherited the signal mask of a thread that lets no other signal through.
    kill(process.processIdentifier, SIGKILL)
    for await _ in life {}
    try FileManager.default.removeItem(at: folder)
  }
}
