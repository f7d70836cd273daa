import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Opens the client's end of a WebSocket connection.
struct WebSocketConnector {
  var url: SignalingURL
  var subprotocol: String
  var tls: TLSConfiguration
  var limits: WebSocketLimits
  var timeout: TimeAmount

  /// - Parameter opened: adds handlers that take ``WebSocketMessage`` and write ``WebSocketOutput``.
  /// - Returns: the channel after the handshake; or fails with a ``SignalingError``.
  func connect(
    on eventLoop: any EventLoop, opened: @escaping @Sendable (any Channel) throws -> Void
  ) -> EventLoopFuture<any Channel> {
    let highWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
      low: limits.maximumQueued / 2, high: limits.maximumQueued)
    return ClientBootstrap(group: eventLoop)
      .connectTimeout(timeout)
      .channelOption(.writeBufferWaterMark, value: highWaterMark)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connect(host: url.host, port: url.port)
      .flatMap { channel in handshake(on: channel, opened: opened).map { channel } }
      .flatMapErrorThrowing { error in throw SignalingError(error, url: url) }
  }

  /// TLS if wanted, and the HTTP upgrade, on a channel that is connected. If it fails the channel is closed.
  private func handshake(
    on channel: any Channel, opened: @escaping @Sendable (any Channel) throws -> Void
  ) -> EventLoopFuture<Void> {
    let done = channel.eventLoop.makePromise(of: Void.self)
    do {
      if url.isSecure { try channel.pipeline.syncOperations.addHandler(tlsHandler()) }
      try startUpgrade(channel, done, opened: opened)
    } catch {
      done.fail(error)
    }
    let timer = channel.eventLoop.scheduleTask(in: timeout) { done.fail(ChannelError.connectTimeout(timeout)) }
    channel.closeFuture.whenComplete { _ in done.fail(ChannelError.eof) }
    done.futureResult.whenComplete { _ in timer.cancel() }
    done.futureResult.whenFailure { _ in channel.close(promise: nil) }
    return done.futureResult
  }

  private func tlsHandler() throws -> NIOSSLClientHandler {
    let isAddress = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
    return try NIOSSLClientHandler(
      context: NIOSSLContext(configuration: tls), serverHostname: isAddress ? nil : url.host)
  }

  private func startUpgrade(
    _ channel: any Channel, _ done: EventLoopPromise<Void>, opened: @escaping @Sendable (any Channel) throws -> Void
  ) throws {
    let limits = limits
    let upgrader = WebSocketClientUpgrader(subprotocol: subprotocol) { channel in
      try channel.pipeline.syncOperations.addHandler(WebSocketHandler(role: .client, limits: limits))
      try opened(channel)
      done.succeed()
    }
    let headers: HTTPHeaders = ["Host": url.authority, "Sec-WebSocket-Protocol": subprotocol]
    let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: url.path, headers: headers)
    var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
      upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
        upgradeRequestHead: request, upgraders: [upgrader],
        notUpgradingCompletionHandler: { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(HTTPStatusHandler(done: done))
          }
        }))
    // The server's first frames may come in one segment with its HTTP response.
    configuration.leftOverBytesStrategy = .forwardBytes
    try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: configuration)
      .whenFailure { error in done.fail(error) }
  }
}

/// Takes the answer of a server that did not open a WebSocket.
private final class HTTPStatusHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private let done: EventLoopPromise<Void>

  init(done: EventLoopPromise<Void>) { self.done = done }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let head) = Self.unwrapInboundIn(data) else { return }
    done.fail(WebSocketHandshakeError(problem: "it answers \(head.status.code) \(head.status.reasonPhrase)"))
  }
}

/// The server answered, but not as wanted.
struct WebSocketHandshakeError: Error {
  var problem: String
}

/// NIO's WebSocket handshake with the subprotocol checked and a pipeline of our own behind it.
private final class WebSocketClientUpgrader: NIOTypedHTTPClientProtocolUpgrader {
  private let handshake = NIOTypedWebSocketClientUpgrader<Void>(
    upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
  private let subprotocol: String
  private let opened: @Sendable (any Channel) throws -> Void

  init(subprotocol: String, opened: @escaping @Sendable (any Channel) throws -> Void) {
    self.subprotocol = subprotocol
    self.opened = opened
  }

  var supportedProtocol: String { handshake.supportedProtocol }
  var requiredUpgradeHeaders: [String] { handshake.requiredUpgradeHeaders }

  func addCustom(upgradeRequestHeaders: inout HTTPHeaders) {
    handshake.addCustom(upgradeRequestHeaders: &upgradeRequestHeaders)
  }

  func shouldAllowUpgrade(upgradeResponse: HTTPResponseHead) -> Bool {
    handshake.shouldAllowUpgrade(upgradeResponse: upgradeResponse)
  }

  func upgrade(channel: any Channel, upgradeResponse: HTTPResponseHead) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      guard upgradeResponse.headers["Sec-WebSocket-Protocol"].map({ $0.lowercased() }) == [subprotocol] else {
        throw WebSocketHandshakeError(problem: "it does not speak the subprotocol \"\(subprotocol)\"")
      }
      guard upgradeResponse.headers["Sec-WebSocket-Extensions"].isEmpty else {
        throw WebSocketHandshakeError(problem: "it uses WebSocket extensions that were not asked for")
      }
      try opened(channel)
    }
  }
}
