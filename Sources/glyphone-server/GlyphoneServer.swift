public import ArgumentParser
import ChatServer
import Foundation
public import Logging
import NIOPosix
import ServiceLifecycle
import UnixSignals

@main
struct GlyphoneServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "glyphone-server",
    abstract: "The chat server for glyphone and for pages that speak MDN's signaling protocol.",
    discussion: """
      Clients connect by WebSocket with the subprotocol "json". SIGTERM and Ctrl-C close all connections and stop it.
      """,
    version: ChatServer.version)

  @Option(help: "The address to listen on; 0.0.0.0 or :: for all.")
  var host = "0.0.0.0"

  @Option(help: "The port to listen on; 0 takes a free one.")
  var port = 6503

  @Option(help: ArgumentHelp("For wss: the certificate chain, PEM.", valueName: "file"))
  var certificate: String?

  @Option(help: ArgumentHelp("For wss: the private key, PEM.", valueName: "file"))
  var key: String?

  @Option(
    name: .customLong("ice-server"),
    help: ArgumentHelp(
      "A STUN or TURN server that clients are told of; may be given several times.",
      valueName: "stun:|turn:|turns:HOST[:PORT]"))
  var iceServers: [String] = []

  @Option(
    help: ArgumentHelp(
      "The secret shared with the TURN servers (coturn's static-auth-secret): clients get credentials that expire.",
      valueName: "file"))
  var turnSecretFile: String?

  @Option(help: ArgumentHelp("How long such credentials are good for.", valueName: "seconds"))
  var turnLifetime = 86_400

  @Option(
    help: ArgumentHelp(
      "USERNAME:PASSWORD for TURN servers that know no shared secret; every client gets the same.", valueName: "file"))
  var turnLoginFile: String?

  @Option(help: ArgumentHelp("One of trace, debug, info, notice, warning, error, critical.", valueName: "level"))
  var logLevel = Logger.Level.notice

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("the port must be from 0 to 65535") }
    guard (certificate == nil) == (key == nil) else {
      throw ValidationError("--certificate and --key are needed together")
    }
    guard turnSecretFile == nil || turnLoginFile == nil else {
      throw ValidationError("clients log in to TURN with --turn-secret-file or --turn-login-file, not with both")
    }
    guard (60...31_536_000).contains(turnLifetime) else {
      throw ValidationError("--turn-lifetime takes 60 to 31536000 seconds")
    }
  }

  func run() async throws {
    var logger = Logger(label: "glyphone-server", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logLevel
    raiseFileLimit()
    do {
      var configuration = ChatServer.Configuration(host: host, port: port)
      if let certificate, let key {
        configuration.tls = try ChatServer.tls(certificateFile: certificate, keyFile: key)
      }
      configuration.iceServers = try iceServerOffer()
      let service = ChatService(configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
      var quiet = logger
      quiet.logLevel = max(.warning, logLevel)
      let services = ServiceGroup(
        configuration: .init(services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
      try await services.run()
    } catch let error as ChatServerError {
      FileHandle.standardError.write(Data("glyphone-server: \(error)\n".utf8))
      throw ExitCode.failure
    }
  }

  private func iceServerOffer() throws(ChatServerError) -> ICEServerOffer? {
    let login: ICEServerOffer.Login
    if let turnSecretFile {
      login = try .timeLimited(secretFile: turnSecretFile, lifetime: Int64(turnLifetime))
    } else if let turnLoginFile {
      login = try .fixed(loginFile: turnLoginFile)
    } else if iceServers.isEmpty {
      return nil
    } else {
      login = .none
    }
    return try ICEServerOffer(uris: iceServers, login: login)
  }

  /// Each connection is an open file, and the limit that programs start with is often 1024.
  private func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
