import Foundation
public import NIOCore
import NIOWebSocket

/// One end of a WebSocket connection after the handshake: turns bytes into whole messages and back, answers pings, keeps the
/// connection alive, and closes it as RFC 6455 wants it.
///
/// Writes are sent with the next flush, or when 128 KiB wait for one.
public final class WebSocketHandler: ChannelDuplexHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = WebSocketMessage
  public typealias OutboundIn = WebSocketOutput
  public typealias OutboundOut = ByteBuffer

  private enum State {
    case open
    /// We sent a close and wait for the peer's.
    case closing
    /// Both sent one, or we gave up: the socket will be closed.
    case ended
  }

  private let limits: WebSocketLimits
  private let maskingKey: (() -> UInt32)?
  private var session: WebSocketSession
  private var state = State.open
  private var unflushed = 0
  private var needsFlush = false
  private var lastHeard = NIODeadline.distantPast
  private var keepAlive: Scheduled<Void>?
  private var closeTimer: Scheduled<Void>?

  private static let flushThreshold = 128 << 10

  /// - Parameter role: which end we are.
  public init(role: WebSocketRole, limits: WebSocketLimits) {
    self.limits = limits
    // Unpredictable keys keep clients from writing chosen bytes onto the wire (RFC 6455, 10.3).
    maskingKey = role == .client ? { UInt32.random(in: .min ... .max) } : nil
    session = WebSocketSession(role: role, limits: limits)
  }

  // MARK: - Life

  public func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { start(context) }
  }

  public func channelActive(context: ChannelHandlerContext) {
    start(context)
    context.fireChannelActive()
  }

  public func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  public func handlerRemoved(context: ChannelHandlerContext) { stop() }

  private func start(_ context: ChannelHandlerContext) {
    guard keepAlive == nil else { return }
    lastHeard = context.eventLoop.now
    scheduleKeepAlive(context, after: limits.pingInterval) { handler, context in handler.ping(context) }
  }

  private func stop() {
    state = .ended
    keepAlive?.cancel()
    closeTimer?.cancel()
  }

  // MARK: - Reading

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastHeard = context.eventLoop.now
    session.receive(Self.unwrapInboundIn(data))
    while let event = session.next() {
      switch event {
      case .message(let message):
        if state == .open { context.fireChannelRead(Self.wrapInboundOut(message)) }
      case .ping(let payload):
        if state == .open { send(WebSocketFrames.control(.pong, payload, maskedWith: maskingKey), context) }
      case .pong:
        break
      case .close(let close):
        peerClosed(close, context)
      case .violation(let close):
        fail(close, context)
      }
    }
  }

  public func channelReadComplete(context: ChannelHandlerContext) {
    if needsFlush { flush(context: context) }
    context.fireChannelReadComplete()
  }

  public func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A transport error; what the socket will do next is close.
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  // MARK: - Writing

  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard state == .open else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch Self.unwrapOutboundIn(data) {
    case .message(let message):
      send(WebSocketFrames.encode(message, maskedWith: maskingKey), context, promise)
    case .encoded(let frames):
      send(frames, context, promise)
    case .close(let close):
      state = .closing
      startCloseTimer(context)
      context.writeAndFlush(
        Self.wrapOutboundOut(WebSocketFrames.close(close, maskedWith: maskingKey)), promise: promise)
    }
  }

  public func flush(context: ChannelHandlerContext) {
    unflushed = 0
    needsFlush = false
    context.flush()
  }

  /// Every frame of an open connection leaves through here, so that a peer that does not read costs at most
  /// ``WebSocketLimits/maximumQueued``, which is the channel's high-water mark, and one message.
  private func send(_ frames: ByteBuffer, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>? = nil) {
    guard context.channel.isWritable else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      end(.slowReader, context)
      abort(context)
      return
    }
    needsFlush = true
    unflushed += frames.readableBytes
    context.write(Self.wrapOutboundOut(frames), promise: promise)
    if unflushed >= Self.flushThreshold { flush(context: context) }
  }

  // MARK: - Closing

  private func peerClosed(_ close: WebSocketClose, _ context: ChannelHandlerContext) {
    let answers = state == .open
    end(.closedByPeer(close), context)
    guard answers else {
      context.close(promise: nil)
      return
    }
    startCloseTimer(context)
    let frame = WebSocketFrames.close(WebSocketClose(code: close.code), maskedWith: maskingKey)
    context.writeAndFlush(Self.wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }

  /// Tells the peer what it did wrong and ends the sending half only: closing a socket with unread bytes would reset the
  /// connection, and the peer might never see why.
  private func fail(_ close: WebSocketClose, _ context: ChannelHandlerContext) {
    let tells = state == .open
    end(.violation(close), context)
    startCloseTimer(context)
    if tells {
      let frame = WebSocketFrames.close(close, maskedWith: maskingKey)
      context.write(Self.wrapOutboundOut(frame), promise: nil)
    }
    context.flush()
    context.close(mode: .output).assumeIsolated().whenFailure { _ in context.close(promise: nil) }
  }

  /// Resets the connection instead of closing it: behind what the peer does not read, it would not see a close either, and the
  /// system would keep all of that for it.
  private func abort(_ context: ChannelHandlerContext) {
    let options = context.channel as? any SocketOptionProvider
    _ = options?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    context.close(promise: nil)
  }

  private func end(_ how: WebSocketEnd, _ context: ChannelHandlerContext) {
    guard state != .ended else { return }
    state = .ended
    keepAlive?.cancel()
    context.fireUserInboundEventTriggered(how)
  }

  private func startCloseTimer(_ context: ChannelHandlerContext) {
    guard closeTimer == nil else { return }
    closeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.closeTimeout) {
      context.close(promise: nil)
    }
  }

  // MARK: - Keep-alive

  public func triggerUserOutboundEvent(
    context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
  ) {
    guard let check = event as? WebSocketCheck else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    if state == .open {
      keepAlive?.cancel()
      ping(context, patience: check.patience)
    }
    promise?.succeed(())
  }

  private func ping(_ context: ChannelHandlerContext) {
    let silence = context.eventLoop.now - lastHeard
    guard silence >= limits.pingInterval else {
      scheduleKeepAlive(context, after: limits.pingInterval - silence) { handler, context in handler.ping(context) }
      return
    }
    ping(context, patience: limits.pongTimeout)
  }

  private func ping(_ context: ChannelHandlerContext, patience: TimeAmount) {
    let pinged = context.eventLoop.now
    send(WebSocketFrames.control(.ping, ByteBuffer(), maskedWith: maskingKey), context)
    flush(context: context)
    guard state == .open else { return }
    scheduleKeepAlive(context, after: patience) { handler, context in
      guard handler.lastHeard < pinged else { return handler.ping(context) }
      handler.end(.silent, context)
      handler.abort(context)
    }
  }

  private func scheduleKeepAlive(
    _ context: ChannelHandlerContext, after delay: TimeAmount,
    _ task: @escaping (WebSocketHandler, ChannelHandlerContext) -> Void
  ) {
    keepAlive = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
      if self.state == .open { task(self, context) }
    }
  }
}
