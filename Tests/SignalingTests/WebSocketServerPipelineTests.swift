import NIOCore
import NIOEmbedded
import Testing

@testable import Signaling

struct WebSocketServerPipelineTests {
  private static let handshake = """
    GET / HTTP/1.1\r
    Host: x\r
    Upgrade: websocket\r
    Connection: Upgrade\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    Sec-WebSocket-Version: 13\r
    Sec-WebSocket-Protocol: json\r
    \r

    """

  /// What a server's own handler sees of a connection.
  private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = WebSocketMessage
    var messages = 0
    var isGone = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { messages += 1 }
    func channelInactive(context: ChannelHandlerContext) { isGone = true }
  }

  /// A socket whose other end is gone: it closes when it is written to.
  private final class DeadSocket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    func flush(context: ChannelHandlerContext) { context.close(promise: nil) }
  }

  private func server(_ channel: EmbeddedChannel) throws -> NIOLoopBoundBox<Recorder?> {
    let recorder = NIOLoopBoundBox<Recorder?>(nil, eventLoop: channel.eventLoop)
    try channel.configureWebSocketServer(subprotocol: "json", limits: WebSocketLimits()) { channel in
      let handler = Recorder()
      try channel.pipeline.syncOperations.addHandler(handler)
      recorder.value = handler
    }
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    return recorder
  }

  private var handshakeAndText: ByteBuffer {
    var bytes = ByteBuffer(string: Self.handshake)
    bytes.writeImmutableBuffer(WebSocketFrames.encode(.text(ByteBuffer(string: "hello")), maskedWith: { 7 }))
    return bytes
  }

  @Test func opensAndReadsWhatCameWithTheHandshake() throws {
    let channel = EmbeddedChannel()
    let recorder = try server(channel)
    try channel.writeInbound(handshakeAndText)
    let answer = try channel.readOutbound(as: ByteBuffer.self).map(String.init(buffer:)) ?? ""
    #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
    // RFC 6455, 1.3 has the answer to this key.
    #expect(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    #expect(recorder.value?.messages == 1)
    #expect(try channel.finish().isClean)
    #expect(recorder.value?.isGone == true)
  }

  @Test func nobodyStaysBehindWhoWasGoneAtTheHandshake() throws {
    let channel = EmbeddedChannel()
    try channel.pipeline.syncOperations.addHandler(DeadSocket())
    let recorder = try server(channel)
    try channel.writeInbound(handshakeAndText)
    #expect(recorder.value?.isGone == true)
    #expect(recorder.value?.messages == 0)
  }

  @Test func givesUpOnASlowHandshake() throws {
    let channel = EmbeddedChannel()
    _ = try server(channel)
    try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n"))
    channel.embeddedEventLoop.advanceTime(by: WebSocketLimits().handshakeTimeout)
    #expect(!channel.isActive)
  }
}
