import Foundation
public import Logging
public import NIOCore
import NIOPosix
public import NIOSSL
public import Signaling

/// A chat server that speaks MDN's signaling protocol on one port.
///
/// All connections live on one event loop of the group, which serves some hundred thousand deliveries a second.
public final class ChatServer: Sendable {
  /// Where to listen, and what to allow.
  public struct Configuration: Sendable {
    /// A name or an address; "0.0.0.0" or "::" for all of them.
    public var host: String
    /// 0 takes a free one.
    public var port: Int
    /// For `wss`; see ``ChatServer/tls(certificateFile:keyFile:)``.
    public var tls: TLSConfiguration?
    /// STUN and TURN servers for clients that ask; nil leaves them to their own.
    public var iceServers: ICEServerOffer?
    public var limits = ChatLimits()
    public var webSocketLimits = WebSocketLimits()

    public init(host: String = "127.0.0.1", port: Int = SignalingURL.defaultPort, tls: TLSConfiguration? = nil) {
      self.host = host
      self.port = port
      self.tls = tls
    }
  }

  /// What the server says about itself in `id`.
  static func announcement(_ configuration: Configuration) -> Announcement {
    Announcement(
      name: "glyphone-server", version: version,
      features: Feature.allCases.filter { $0 != .iceServers || configuration.iceServers != nil })
  }
  public static let version = "0.1.0"

  /// The port that it listens on.
  public let port: Int

  private let listener: any Channel
  private let clients: NIOLoopBound<ClientChannels>

  private init(listener: any Channel, clients: NIOLoopBound<ClientChannels>) {
    self.listener = listener
    self.clients = clients
    port = listener.localAddress?.port ?? 0
  }

  /// Starts a server.
  /// - Parameter logger: gets connections at debug level, and what is unusual above it.
  /// - Throws: ``ChatServerError`` if it cannot listen.
  public static func start(
    _ configuration: Configuration, eventLoopGroup: any EventLoopGroup, logger: Logger
  ) async throws(ChatServerError) -> ChatServer {
    let eventLoop = eventLoopGroup.next()
    do {
      let tls = try configuration.tls.map { try NIOSSLContext(configuration: $0) }
      return try await eventLoop.flatSubmit {
        let hub = ChatHub(
          chat: Chat(
            limits: configuration.limits, announcement: announcement(configuration),
            iceServers: configuration.iceServers, firstNumber: Int64(Date().timeIntervalSince1970 * 1000),
            date: { Int64(Date().timeIntervalSince1970) }),
          eventLoop: eventLoop, logger: logger)
        let clients = ClientChannels(hub: hub)
        let bound = NIOLoopBound(clients, eventLoop: eventLoop)
        return ServerBootstrap(group: eventLoop)
          .serverChannelOption(.backlog, value: 1024)
          .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
          .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
          .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              try bound.value.add(channel, tls: tls, limits: configuration.webSocketLimits)
            }
          }
          .bind(host: configuration.host, port: configuration.port)
          .map { ChatServer(listener: $0, clients: bound) }
      }.get()
    } catch {
      throw ChatServerError(error, host: configuration.host, port: configuration.port)
    }
  }

  /// Stops listening, closes all connections with 1001, and returns when the last one is gone, within
  /// ``WebSocketLimits/closeTimeout``.
  public func shutDown() async {
    try? await listener.close().get()
    let drained = listener.eventLoop.flatSubmit { self.clients.value.shutDown(on: self.listener.eventLoop) }
    try? await drained.get()
  }
}
