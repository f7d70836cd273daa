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
    try syncOptions?.setOption(.writeBufferWaterMark, value: limits.waterMark)
    try pipeline.syncOperations.addHandler(
      WebSocketServerHandshake(subprotocol: subprotocol, limits: limits, opened: opened))
  }
}

extension WebSocketLimits {
  /// A channel is writable until ``maximumQueued`` bytes wait.
  var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
    ChannelOptions.Types.WriteBufferWaterMark(low: maximumQueued / 2, high: maximumQueued)
  }
}

/// The server's side of the opening handshake (RFC 6455, 4.2).
private final class WebSocketServerHandshake: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let subprotocol: String?
  private let limits: WebSocketLimits
  private let opened: @Sendable (any Channel) throws -> Void
  private var reader = HTTPHeadReader()
  private var isAnswered = false
  private var timer: Scheduled<Void>?

  init(subprotocol: String?, limits: WebSocketLimits, opened: @escaping @Sendable (any Channel) throws -> Void) {
    self.subprotocol = subprotocol
    self.limits = limits
    self.opened = opened
  }

  func handlerAdded(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.handshakeTimeout) {
      context.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isAnswered else { return }
    do {
      guard let request = try reader.receive(Self.unwrapInboundIn(data)) else { return }
      isAnswered = true
      if let refusal = refusal(of: request) { refuse(refusal, context) } else { accept(request, context) }
    } catch {
      isAnswered = true
      refuse(Refusal(status: .badRequest, text: "This is no HTTP request.\n"), context)
    }
  }

  // MARK: - Accepting

  private func accept(_ request: HTTPHead, _ context: ChannelHandlerContext) {
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: request.headers)
    let more = subprotocolHeaders(request)
    let handshake = NIOTypedWebSocketServerUpgrader<Void>(
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(more) },
      upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
    handshake.buildUpgradeResponse(channel: context.channel, upgradeRequest: head, initialResponseHeaders: [:])
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let headers): self.open(headers, context)
        case .failure: self.refuse(Refusal(status: .badRequest, text: "Not a valid WebSocket handshake.\n"), context)
        }
      }
  }

  private func open(_ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
    let response = HTTPHead(startLine: "HTTP/1.1 101 Switching Protocols", headers: headers)
    context.write(Self.wrapOutboundOut(response.encoded), promise: nil)
    do {
      try context.pipeline.syncOperations.addHandler(WebSocketHandler(role: .server, limits: limits))
      try opened(context.channel)
    } catch {
      return context.close(promise: nil)
    }
    // Not before the handlers are there: if the client is gone already this closes the channel, and they must hear of it.
    context.flush()
    if reader.rest.readableBytes > 0 {
      context.fireChannelRead(Self.wrapInboundOut(reader.rest))
      context.fireChannelReadComplete()
    }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  /// The subprotocol as the client wrote it, because it compares (RFC 6455, 4.1).
  private func subprotocolHeaders(_ request: HTTPHead) -> HTTPHeaders? {
    guard let subprotocol else { return HTTPHeaders() }
    let offered = request.headers[canonicalForm: "Sec-WebSocket-Protocol"]
    guard let match = offered.first(where: { $0.lowercased() == subprotocol }) else { return nil }
    return ["Sec-WebSocket-Protocol": String(match)]
  }

  // MARK: - Refusing

  private struct Refusal {
    var status: HTTPResponseStatus
    var text: String
  }

  private func refusal(of request: HTTPHead) -> Refusal? {
    let wanted = subprotocol.map { " with subprotocol \"\($0)\"" } ?? ""
    let parts = request.startParts
    guard parts.count == 3, parts[2].hasPrefix("HTTP/1.") else {
      return Refusal(status: .badRequest, text: "This is no HTTP/1.1 request.\n")
    }
    guard parts[0] == "GET", request.lists("websocket", in: "Upgrade"), request.lists("upgrade", in: "Connection")
    else {
      let text = "This is a WebSocket server. Connect to it by ws:// or wss://\(wanted).\n"
      return Refusal(status: .upgradeRequired, text: text)
    }
    guard request.headers["Sec-WebSocket-Version"] == ["13"] else {
      return Refusal(status: .upgradeRequired, text: "WebSocket version 13 is needed.\n")
    }
    guard subprotocolHeaders(request) != nil else {
      return Refusal(status: .badRequest, text: "The WebSocket must be opened\(wanted).\n")
    }
    return nil
  }

  /// Answers and ends the sending half: what the client still sends is dropped, and it can read the answer.
  private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    var headers: HTTPHeaders = [
      "Content-Type": "text/plain; charset=utf-8", "Content-Length": String(refusal.text.utf8.count),
      "Connection": "close",
    ]
    if refusal.status == .upgradeRequired {
      headers.replaceOrAdd(name: "Connection", value: "close, Upgrade")
      headers.add(name: "Upgrade", value: "websocket")
      headers.add(name: "Sec-WebSocket-Version", value: "13")
    }
    let startLine = "HTTP/1.1 \(refusal.status.code) \(refusal.status.reasonPhrase)"
    var answer = HTTPHead(startLine: startLine, headers: headers).encoded
    answer.writeString(refusal.text)
    context.writeAndFlush(Self.wrapOutboundOut(answer), promise: nil)
    context.close(mode: .output).assumeIsolated().whenFailure { _ in context.close(promise: nil) }
  }
}
