import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Signaling

/// A WebSocket client that sends any text and shows everything that comes.
final class TestClient {
  enum Event: Equatable {
    case text(String)
    case end(WebSocketEnd)
  }

  let channel: any Channel
  private var events: AsyncStream<Event>.Iterator

  /// - Throws: ``SignalingError``.
  init(port: Int, tls: TLSConfiguration? = nil, host: String = "127.0.0.1") async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
    let connector = WebSocketConnector(
      url: try SignalingURL("\(tls == nil ? "ws" : "wss")://\(host):\(port)"), subprotocol: "json",
      tls: tls ?? .makeClientConfiguration(), limits: WebSocketLimits(), timeout: .seconds(5))
    channel = try await connector.connect(on: MultiThreadedEventLoopGroup.singleton.next()) { channel in
      try channel.pipeline.syncOperations.addHandler(Collector(continuation: continuation))
    }.get()
    events = stream.makeAsyncIterator()
  }

  /// Connects and logs in; returns when the user is in the list.
  convenience init(port: Int, name: String) async throws {
    try await self.init(port: port)
    _ = await next()
    try await send(#"{"type":"username","name":"\#(name)","id":1,"date":1}"#)
    while let text = await nextText(), !text.contains("\"userlist\"") {}
  }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(WebSocketOutput.message(.text(ByteBuffer(string: text))))
  }

  /// Bytes under the WebSocket, for what a well-behaved client cannot send.
  func sendRaw(_ bytes: [UInt8]) async throws {
    let channel = channel
    try await channel.eventLoop.flatSubmit {
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.context(handlerType: WebSocketHandler.self)
          .writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
      }
    }.get()
  }

  /// Nil when the connection is gone.
  func next() async -> Event? { await events.next() }

  func nextText() async -> String? {
    guard case .text(let text)? = await next() else { return nil }
    return text
  }

  /// The next text of this type; others are skipped.
  func next(_ type: String) async -> String? {
    while let text = await nextText() {
      if text.contains("\"type\":\"\(type)\"") { return text }
    }
    return nil
  }

  func close() async throws { try await channel.close() }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = WebSocketMessage
    private let continuation: AsyncStream<Event>.Continuation

    init(continuation: AsyncStream<Event>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .text(let text) = Self.unwrapInboundIn(data) { continuation.yield(.text(String(buffer: text))) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let end = event as? WebSocketEnd { continuation.yield(.end(end)) }
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
  }
}
