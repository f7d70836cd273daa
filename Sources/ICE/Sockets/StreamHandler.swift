internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// The end of one connection's pipeline.
final class StreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let sockets: StreamSockets
  private var id: StreamID?
  private let waitsForTLS: Bool
  private var isOpen = false
  /// What went wrong first.
  var problem: StreamProblem?
  /// Ends a handshake that takes too long.
  var deadline: Scheduled<Void>?

  /// - Parameter id: nil for a connection that was accepted.
  init(_ sockets: StreamSockets, id: StreamID?, waitsForTLS: Bool) {
    self.sockets = sockets
    self.id = id
    self.waitsForTLS = waitsForTLS
  }

  func channelActive(context: ChannelHandlerContext) {
    guard let local = context.localAddress.flatMap(TransportAddress.init),
      let remote = context.remoteAddress.flatMap(TransportAddress.init)
    else { return context.close(promise: nil) }
    if id == nil {
      id = sockets.accept(context.channel, local: local, remote: remote)
      isOpen = id != nil
      if !isOpen { context.close(promise: nil) }
    } else if !waitsForTLS {
      open(context, local)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case TLSUserEvent.handshakeCompleted = event, let local = context.localAddress.flatMap(TransportAddress.init)
    else { return }
    deadline?.cancel()
    open(context, local)
  }

  private func open(_ context: ChannelHandlerContext, _ local: TransportAddress) {
    guard let id, sockets.opened(id, context.channel, local: local) else { return context.close(promise: nil) }
    isOpen = true
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if let id { sockets.received(id, unwrapInboundIn(data)) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    sockets.readComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Nobody answers a close_notify; frames show what is whole.
    if case NIOSSLError.uncleanShutdown = error, isOpen { return }
    problem = problem ?? StreamProblem(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    guard let id else { return }
    if !isOpen, waitsForTLS, problem == nil {
      problem = StreamProblem("it closed the connection, or did not answer, during the TLS handshake")
    }
    sockets.end(id, problem)
    sockets.readComplete()
  }
}
