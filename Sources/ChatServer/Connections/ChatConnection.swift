import NIOCore
import Signaling

/// One client's connection: hands its messages to the hub, not faster than it may send them, and writes what the hub gives.
final class ChatConnection: ChannelDuplexHandler {
  typealias InboundIn = WebSocketMessage
  typealias OutboundIn = WebSocketOutput
  typealias OutboundOut = WebSocketOutput

  private let hub: ChatHub
  private var context: ChannelHandlerContext?
  private var id: ConnectionID?
  private var allowance: TokenBucket
  private var endReason = "lost"
  private var isUnflushed = false
  private var resumption: Scheduled<Void>?
  /// A read was asked for while the client has to wait.
  private var owesRead = false

  init(hub: ChatHub, now: NIODeadline) {
    self.hub = hub
    allowance = TokenBucket(rate: hub.limits.messageRate, burst: hub.limits.messageBurst, now: now)
  }

  // MARK: - From the hub

  /// - Returns: whether a ``flush()`` is needed that was not before.
  func write(_ frames: ByteBuffer) -> Bool {
    guard let context else { return false }
    context.write(Self.wrapOutboundOut(.encoded(frames)), promise: nil)
    defer { isUnflushed = true }
    return !isUnflushed
  }

  func flush() {
    isUnflushed = false
    context?.flush()
  }

  func close(_ close: WebSocketClose) {
    context?.write(Self.wrapOutboundOut(.close(close)), promise: nil)
  }

  // MARK: - From the channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    id = hub.opened(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    resumption?.cancel()
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Binary frames mean nothing in this protocol; MDN's server ignores them, too.
    guard let id, case .text(let text) = Self.unwrapInboundIn(data) else { return }
    let wait = allowance.take(Double(1 + text.readableBytes / 4096), now: context.eventLoop.now)
    if wait > .zero { pause(context, for: wait) }
    hub.received(text, from: id)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let end = event as? WebSocketEnd else { return context.fireUserInboundEventTriggered(event) }
    endReason = "\(end)"
    leave()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { endReason = "\(error)" }

  func channelInactive(context: ChannelHandlerContext) { leave() }

  /// Somebody whose connection ends is no longer in the chat, even while the socket still closes.
  private func leave() {
    guard let id else { return }
    self.id = nil
    hub.closed(id, reason: endReason)
  }

  // MARK: - Reading slowly

  func read(context: ChannelHandlerContext) {
    if resumption == nil { context.read() } else { owesRead = true }
  }

  private func pause(_ context: ChannelHandlerContext, for wait: TimeAmount) {
    resumption?.cancel()
    resumption = context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
      self.resumption = nil
      if self.owesRead {
        self.owesRead = false
        context.read()
      }
    }
  }
}
