import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The server answered, but not as wanted.
struct WebSocketHandshakeError: Error {
  var problem: String
}

/// The client's side of the opening handshake (RFC 6455, 4.1), on a channel that is connected.
final class WebSocketClientHandshake: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let url: SignalingURL
  private let subprotocol: String
  private let limits: WebSocketLimits
  private let done: EventLoopPromise<Void>
  private let opened: @Sendable (any Channel) throws -> Void
  /// NIO's part of it: the key and what the server must make of it.
  private let upgrader = NIOTypedWebSocketClientUpgrader<Void>(
    upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
  private var reader = HTTPHeadReader()

  /// - Parameter done: succeeds when the WebSocket is open, and is failed with what went wrong otherwise.
  init(
    url: SignalingURL, subprotocol: String, limits: WebSocketLimits, done: EventLoopPromise<Void>,
    opened: @escaping @Sendable (any Channel) throws -> Void
  ) {
    self.url = url
    self.subprotocol = subprotocol
    self.limits = limits
    self.done = done
    self.opened = opened
  }

  func handlerAdded(context: ChannelHandlerContext) {
    var headers: HTTPHeaders = [
      "Host": url.authority, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Protocol": subprotocol,
    ]
    upgrader.addCustom(upgradeRequestHeaders: &headers)
    let request = HTTPHead(startLine: "GET \(url.path) HTTP/1.1", headers: headers)
    context.writeAndFlush(Self.wrapOutboundOut(request.encoded), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { done.fail(error) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      guard let response = try reader.receive(Self.unwrapInboundIn(data)) else { return }
      try check(response)
      try context.pipeline.syncOperations.addHandler(WebSocketHandler(role: .client, limits: limits))
      try opened(context.channel)
    } catch is HTTPHeadError {
      return done.fail(WebSocketHandshakeError(problem: "it does not speak HTTP"))
    } catch {
      return done.fail(error)
    }
    done.succeed()
    if reader.rest.readableBytes > 0 {
      context.fireChannelRead(Self.wrapInboundOut(reader.rest))
      context.fireChannelReadComplete()
    }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func check(_ response: HTTPHead) throws(WebSocketHandshakeError) {
    let parts = response.startParts
    guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
      throw WebSocketHandshakeError(problem: "it does not speak HTTP")
    }
    guard status == 101 else {
      let answer = TextSafety.singleLine(parts[1...].joined(separator: " "))
      throw WebSocketHandshakeError(problem: "it answers \(answer)")
    }
    let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: response.headers)
    guard response.lists("websocket", in: "Upgrade"), response.lists("upgrade", in: "Connection"),
      upgrader.shouldAllowUpgrade(upgradeResponse: head)
    else { throw WebSocketHandshakeError(problem: "it does not open a WebSocket") }
    guard response.headers["Sec-WebSocket-Protocol"].map({ $0.lowercased() }) == [subprotocol] else {
      throw WebSocketHandshakeError(problem: "it does not speak the subprotocol \"\(subprotocol)\"")
    }
    guard response.headers["Sec-WebSocket-Extensions"].isEmpty else {
      throw WebSocketHandshakeError(problem: "it uses WebSocket extensions that were not asked for")
    }
  }
}
