public import Logging
public import NIOCore
public import ServiceLifecycle

/// A ``ChatServer`` as a service: runs until it is told to stop, then closes all connections and ends.
public struct ChatService: Service {
  private let configuration: ChatServer.Configuration
  private let eventLoopGroup: any EventLoopGroup
  private let logger: Logger

  public init(_ configuration: ChatServer.Configuration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
    self.configuration = configuration
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
  }

  /// - Throws: ``ChatServerError`` if the server cannot start.
  public func run() async throws {
    let server = try await ChatServer.start(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    let scheme = configuration.tls == nil ? "ws" : "wss"
    logger.notice("listening on \(scheme)://\(configuration.host):\(server.port)")
    try? await gracefulShutdown()
    logger.notice("stopping")
    await server.shutDown()
  }
}
