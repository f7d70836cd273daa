import NIOCore
import NIOPosix
import NIOSSL

/// Opens the client's end of a WebSocket connection.
struct WebSocketConnector {
  var url: SignalingURL
  var subprotocol: String
  var tls: TLSConfiguration
  var limits: WebSocketLimits
  /// For the connection, and for the handshake.
  var timeout: TimeAmount

  /// - Parameter opened: adds handlers that take ``WebSocketMessage`` and write ``WebSocketOutput``.
  /// - Returns: the channel after the handshake; or fails with a ``SignalingError``.
  func connect(
    on eventLoop: any EventLoop, opened: @escaping @Sendable (any Channel) throws -> Void
  ) -> EventLoopFuture<any Channel> {
    ClientBootstrap(group: eventLoop)
      .connectTimeout(timeout)
      .channelOption(.writeBufferWaterMark, value: limits.waterMark)
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
    let timer = channel.eventLoop.scheduleTask(in: timeout) { done.fail(ChannelError.connectTimeout(timeout)) }
    channel.closeFuture.whenComplete { _ in done.fail(ChannelError.eof) }
    done.futureResult.whenComplete { _ in timer.cancel() }
    done.futureResult.whenFailure { _ in channel.close(promise: nil) }
    do {
      if url.isSecure { try channel.pipeline.syncOperations.addHandler(tlsHandler()) }
      try channel.pipeline.syncOperations.addHandler(
        WebSocketClientHandshake(url: url, subprotocol: subprotocol, limits: limits, done: done, opened: opened))
    } catch {
      done.fail(error)
    }
    return done.futureResult
  }

  private func tlsHandler() throws -> NIOSSLClientHandler {
    let isAddress = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
    return try NIOSSLClientHandler(
      context: NIOSSLContext(configuration: tls), serverHostname: isAddress ? nil : url.host)
  }
}
