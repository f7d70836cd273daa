import Foundation
public import Logging
public import NIOCore
import NIOPosix

/// The connection to a chat server: logs in, keeps the connection alive, and makes a new one under the same name
/// whenever it is lost, until ``close()``.
///
/// It works with MDN's own server, too: extensions are taken out of messages for servers that did not announce them.
/// All methods may be called from any thread; everything happens on the event loop.
public final class SignalingClient: Sendable {
  /// Everything that happens, in order; ends after ``close()``. One consumer. At most
  /// ``SignalingClientConfiguration/maximumQueuedEvents`` wait to be read.
  public let events: AsyncStream<SignalingEvent>
  public let eventLoop: any EventLoop

  private let configuration: SignalingClientConfiguration
  private let logger: Logger
  private let continuation: AsyncStream<SignalingEvent>.Continuation
  private let state: NIOLoopBoundBox<State>

  /// Places in the event queue that only the end of a connection may use.
  private static let reservedEvents = 64

  private struct State {
    enum Phase {
      case idle
      case connecting
      /// The WebSocket is open. The timer waits for the server's `id`.
      case open(any Channel, login: Scheduled<Void>)
      case waiting(Scheduled<Void>)
      case closed
    }

    var phase = Phase.idle
    var login: LoginState
    var backoff: Backoff
    /// Why the open connection ends, as far as it is known before the channel is closed.
    var reason: SignalingError?
  }

  /// - Parameters:
  ///   - eventLoop: where the socket lives.
  ///   - logger: gets each message sent and received at debug level.
  public init(configuration: SignalingClientConfiguration, eventLoop: any EventLoop, logger: Logger) {
    self.configuration = configuration
    self.eventLoop = eventLoop
    self.logger = logger
    (events, continuation) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingOldest(configuration.maximumQueuedEvents + Self.reservedEvents))
    state = .makeBoxSendingValue(
      State(
        login: LoginState(
          name: configuration.name, announcement: configuration.announcement, session: Self.newSession()),
        backoff: Backoff(minimum: configuration.minimumRetryDelay, maximum: configuration.maximumRetryDelay)),
      eventLoop: eventLoop)
  }

  // MARK: - Commands

  /// Begins to connect. Events follow.
  public func start() {
    onLoop {
      guard case .idle = self.state.value.phase else { return }
      self.connect()
    }
  }

  /// Sends a message, or drops it if there is no connection.
  public func send(_ message: SignalingMessage) {
    onLoop { self.sendOnLoop(message) }
  }

  /// Sends a line of chat, to everybody unless there is a target.
  public func sendChat(_ text: String, target: String? = nil) {
    onLoop {
      let login = self.state.value.login
      guard let id = login.id else { return }
      self.sendOnLoop(
        .message(ChatMessage(text: text, id: id, date: Self.date, name: login.name, target: target)))
    }
  }

  /// Asks for another name; ``SignalingEvent/named(_:)`` tells which one it becomes. Without a connection it is asked for
  /// with the next login.
  public func rename(to name: String) {
    onLoop {
      if let request = self.state.value.login.rename(to: name, date: Self.date) { self.sendOnLoop(request) }
    }
  }

  /// Finds out now whether the connection still works, because the network has changed: a server that does not answer
  /// within `patience` is connected to anew, and an attempt that waits for its time is made at once.
  public func checkConnection(patience: TimeAmount = .milliseconds(1500)) {
    onLoop {
      switch self.state.value.phase {
      case .open(let channel, _):
        channel.triggerUserOutboundEvent(WebSocketCheck(patience: patience), promise: nil)
      case .waiting(let retry):
        retry.cancel()
        self.connect()
      case .idle, .connecting, .closed: break
      }
    }
  }

  /// Closes the connection for good and returns when it is gone, within ``WebSocketLimits/closeTimeout``.
  public func close() async {
    let closed = eventLoop.flatSubmit { self.closeOnLoop() }
    _ = try? await closed.get()
  }

  // MARK: - Life of a connection

  private func connect() {
    state.value.phase = .connecting
    report(.connecting)
    logger.debug("connecting", metadata: ["server": "\(configuration.url)"])
    var limits = WebSocketLimits()
    limits.maximumFrame = limits.maximumMessage
    limits.pingInterval = configuration.pingInterval
    limits.pongTimeout = configuration.pongTimeout
    let connector = WebSocketConnector(
      url: configuration.url, subprotocol: "json", tls: configuration.tls, limits: limits,
      timeout: configuration.connectTimeout)
    let opened: @Sendable (any Channel) throws -> Void = { channel in
      try channel.pipeline.syncOperations.addHandler(SignalingChannelHandler(client: self))
    }
    connector.connect(on: eventLoop, opened: opened).whenFailure { error in
      self.ended(error as? SignalingError ?? .lost(detail: "\(error)"))
    }
  }

  fileprivate func opened(_ channel: any Channel) {
    guard case .connecting = state.value.phase else { return channel.close(promise: nil) }
    state.value.reason = nil
    let timer = eventLoop.scheduleTask(in: configuration.connectTimeout) {
      let server = self.configuration.url.description
      self.disconnect(.notASignalingServer(server: server, detail: "it does not greet us"))
    }
    state.value.phase = .open(channel, login: timer)
  }

  fileprivate func received(_ text: ByteBuffer) {
    guard case .open(_, let timer) = state.value.phase else { return }
    logger.debug("received", metadata: ["message": "\(TextSafety.singleLine(String(buffer: text)))"])
    let message: SignalingMessage
    do {
      message = try SignalingMessage(parsing: text)
    } catch {
      logger.warning("malformed message", metadata: ["error": "\(error)"])
      return report(.malformed(error))
    }
    let (reply, events) = state.value.login.receive(message, date: Self.date)
    if let reply {
      timer.cancel()
      state.value.backoff.succeeded()
      sendOnLoop(reply)
    }
    events.forEach(report)
  }

  fileprivate func ending(_ end: WebSocketEnd) {
    state.value.reason = state.value.reason ?? SignalingError(end)
  }

  /// Why the channel will close by itself in a moment.
  fileprivate func failing(_ error: any Error) {
    state.value.reason = state.value.reason ?? .lost(detail: "\(error)")
  }

  fileprivate func channelClosed() {
    guard case .open(_, let timer) = state.value.phase else { return }
    timer.cancel()
    ended(state.value.reason ?? .lost(detail: "it was closed without a word"))
  }

  /// An attempt failed or a connection is gone: the next attempt follows.
  private func ended(_ error: SignalingError) {
    if case .closed = state.value.phase { return }
    state.value.login.disconnected()
    var random = SystemRandomNumberGenerator()
    let delay = state.value.backoff.failed(using: &random)
    logger.info("disconnected", metadata: ["error": "\(error)", "retry": "\(delay)"])
    state.value.phase = .waiting(eventLoop.scheduleTask(in: delay) { self.connect() })
    report(.disconnected(error, retryIn: delay))
  }

  /// Ends the present connection because of something on our side.
  private func disconnect(_ reason: SignalingError) {
    guard case .open(let channel, _) = state.value.phase else { return }
    state.value.reason = state.value.reason ?? reason
    channel.write(WebSocketOutput.close(WebSocketClose(code: WebSocketClose.normal)), promise: nil)
  }

  private func closeOnLoop() -> EventLoopFuture<Void> {
    let phase = state.value.phase
    if case .closed = phase { return eventLoop.makeSucceededVoidFuture() }
    state.value.phase = .closed
    report(.disconnected(.closed, retryIn: nil))
    continuation.finish()
    switch phase {
    case .open(let channel, let timer):
      timer.cancel()
      channel.write(WebSocketOutput.close(WebSocketClose(code: WebSocketClose.goingAway)), promise: nil)
      return channel.closeFuture
    case .waiting(let retry):
      retry.cancel()
      return eventLoop.makeSucceededVoidFuture()
    case .idle, .connecting, .closed:
      return eventLoop.makeSucceededVoidFuture()
    }
  }

  // MARK: - Parts

  private func sendOnLoop(_ message: SignalingMessage) {
    guard case .open(let channel, _) = state.value.phase, let message = state.value.login.permitted(message) else {
      return logger.debug("not sent", metadata: ["type": "\(message.type)"])
    }
    let text = message.encoded()
    logger.debug("sent", metadata: ["message": "\(String(buffer: text))"])
    channel.writeAndFlush(WebSocketOutput.message(.text(text)), promise: nil)
  }

  private func report(_ event: SignalingEvent) {
    switch continuation.yield(event) {
    case .enqueued(let remaining) where remaining < Self.reservedEvents: disconnect(.overloaded)
    case .dropped: disconnect(.overloaded)
    default: break
    }
  }

  private func onLoop(_ task: @escaping @Sendable () -> Void) {
    if eventLoop.inEventLoop { task() } else { eventLoop.execute(task) }
  }

  /// 128 bits from the system's generator.
  private static func newSession() -> String {
    (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "-")
  }

  private static var date: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension SignalingError {
  fileprivate init(_ end: WebSocketEnd) {
    self =
      switch end {
      case .closedByPeer(let close): .closedByServer(code: close.code, reason: TextSafety.singleLine(close.reason))
      case .violation(let close): .lost(detail: "the server broke the WebSocket protocol: \(close.reason)")
      case .silent: .silent
      case .slowReader: .overloaded
      }
  }
}

/// Hands what happens on the channel to its client.
private final class SignalingChannelHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketMessage

  private let client: SignalingClient

  init(client: SignalingClient) { self.client = client }

  func handlerAdded(context: ChannelHandlerContext) { client.opened(context.channel) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Binary frames mean nothing in this protocol.
    if case .text(let text) = Self.unwrapInboundIn(data) { client.received(text) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let end = event as? WebSocketEnd { client.ending(end) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { client.failing(error) }

  func channelInactive(context: ChannelHandlerContext) { client.channelClosed() }
}
