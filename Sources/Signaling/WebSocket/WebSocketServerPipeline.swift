public import NIOCore
import NIOHTTP1
import NIOWebSocket

extension Channel {
  /// Makes a freshly accepted channel the server's end of a WebSocket connection: HTTP handshake, then a ``WebSocketHandler``.
  /// Whoever asks for anything else gets a short answer in plain text that says what is wanted.
  ///
  /// Call it on the channel's event loop, in the child channel initializer.
  /// - Parameters:
  ///   - subprotocol: one that the client must offer, compared without case; nil if none is needed.
  ///   - opened: adds handlers that take ``WebSocketMessage`` and write ``WebSocketOutput``.
  public func configureWebSocketServer(
    subprotocol: String?, limits: WebSocketLimits, opened: @escaping @Sendable (any Channel) throws -> Void
  ) throws {
    let highWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
      low: limits.maximumQueued / 2, high: limits.maximumQueued)
    try syncOptions?.setOption(.writeBufferWaterMark, value: highWaterMark)
    let timer = eventLoop.scheduleTask(in: limits.handshakeTimeout) { self.close(promise: nil) }
    let asked = NIOLoopBoundBox<HTTPRequestHead?>(nil, eventLoop: eventLoop)
    let upgrader = WebSocketServerUpgrader(subprotocol: subprotocol, asked: asked) { channel in
      timer.cancel()
      try channel.pipeline.syncOperations.addHandler(WebSocketHandler(role: .server, limits: limits))
      try opened(channel)
    }
    var configuration = NIOUpgradableHTTPServerPipelineConfiguration(
      upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
        upgraders: [upgrader],
        notUpgradingCompletionHandler: { channel in
          channel.eventLoop.makeCompletedFuture {
            let refusal = HTTPRefusalHandler(subprotocol: subprotocol, request: asked.value)
            try channel.pipeline.syncOperations.addHandler(refusal)
          }
        }))
    configuration.enablePipelining = false
    let result = try pipeline.syncOperations.configureUpgradableHTTPServerPipeline(configuration: configuration)
    result.whenFailure { _ in self.close(promise: nil) }
    closeFuture.whenComplete { _ in timer.cancel() }
  }
}

/// NIO's WebSocket handshake with a pipeline of our own behind it.
private final class WebSocketServerUpgrader: NIOTypedHTTPServerProtocolUpgrader {
  private let handshake: NIOTypedWebSocketServerUpgrader<Void>
  /// The request, for whoever answers it if it is refused: NIO's upgrade handler keeps it to itself.
  private let asked: NIOLoopBoundBox<HTTPRequestHead?>
  private let opened: @Sendable (any Channel) throws -> Void

  init(
    subprotocol: String?, asked: NIOLoopBoundBox<HTTPRequestHead?>,
    opened: @escaping @Sendable (any Channel) throws -> Void
  ) {
    self.asked = asked
    self.opened = opened
    handshake = NIOTypedWebSocketServerUpgrader(
      shouldUpgrade: { channel, request in
        channel.eventLoop.makeSucceededFuture(responseHeaders(to: request.headers, subprotocol: subprotocol))
      },
      upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
  }

  var supportedProtocol: String { handshake.supportedProtocol }
  var requiredUpgradeHeaders: [String] { handshake.requiredUpgradeHeaders }

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    asked.value = upgradeRequest
    return handshake.buildUpgradeResponse(
      channel: channel, upgradeRequest: upgradeRequest, initialResponseHeaders: initialResponseHeaders)
  }

  func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture { try opened(channel) }
  }
}

/// The headers that accept a request, or nil if the client does not offer the subprotocol. It is given back as it was
/// written, because the client compares it (RFC 6455, 4.1).
private func responseHeaders(to request: HTTPHeaders, subprotocol: String?) -> HTTPHeaders? {
  guard let subprotocol else { return HTTPHeaders() }
  let offered = request[canonicalForm: "Sec-WebSocket-Protocol"]
  guard let match = offered.first(where: { $0.lowercased() == subprotocol }) else { return nil }
  return ["Sec-WebSocket-Protocol": String(match)]
}

/// Answers a request that is no acceptable WebSocket handshake, and closes.
private final class HTTPRefusalHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let subprotocol: String?
  private let refused: HTTPRequestHead?
  private var isAnswered = false

  /// - Parameter request: the handshake that was refused; nil if the request, still to come, is none.
  init(subprotocol: String?, request: HTTPRequestHead?) {
    self.subprotocol = subprotocol
    refused = request
  }

  func handlerAdded(context: ChannelHandlerContext) {
    if let refused { answer(refused, context) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let request) = Self.unwrapInboundIn(data) { answer(request, context) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard !isAnswered else { return }
    isAnswered = true
    let (status, text) = verdict(on: request)
    var headers: HTTPHeaders = [
      "Content-Type": "text/plain; charset=utf-8", "Content-Length": String(text.utf8.count), "Connection": "close",
    ]
    if status == .upgradeRequired {
      headers.replaceOrAdd(name: "Connection", value: "close, Upgrade")
      headers.add(name: "Upgrade", value: "websocket")
      headers.add(name: "Sec-WebSocket-Version", value: "13")
    }
    let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD {
      context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }
    context.writeAndFlush(Self.wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }

  private func verdict(on request: HTTPRequestHead) -> (HTTPResponseStatus, String) {
    let wanted = subprotocol.map { " with subprotocol \"\($0)\"" } ?? ""
    let upgrades = request.headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
    guard upgrades else {
      return (.upgradeRequired, "This is a WebSocket server. Connect to it by ws:// or wss://\(wanted).\n")
    }
    guard request.headers["Sec-WebSocket-Version"] == ["13"] else {
      return (.upgradeRequired, "WebSocket version 13 is needed.\n")
    }
    guard responseHeaders(to: request.headers, subprotocol: subprotocol) != nil else {
      return (.badRequest, "The WebSocket must be opened\(wanted).\n")
    }
    return (.badRequest, "Not a valid WebSocket handshake (RFC 6455, 4.2.1).\n")
  }
}
