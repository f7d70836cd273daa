import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Signaling

struct WebSocketHandlerTests {
  /// Keeps what the handler reports.
  private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = WebSocketMessage
    var messages: [WebSocketMessage] = []
    var ends: [WebSocketEnd] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { messages.append(Self.unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let end = event as? WebSocketEnd { ends.append(end) }
    }
  }

  private let channel = EmbeddedChannel()
  private let recorder = Recorder()

  init() throws {
    try channel.pipeline.syncOperations.addHandlers([
      WebSocketHandler(role: .client, limits: WebSocketLimits()), recorder,
    ])
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
  }

  private func receive(_ bytes: ByteBuffer) throws { try channel.writeInbound(bytes) }

  /// The next thing the handler sent, as the other end reads it.
  private func sent() throws -> WebSocketSession.Event? {
    guard let bytes = try channel.readOutbound(as: ByteBuffer.self) else { return nil }
    var session = WebSocketSession(role: .server, limits: WebSocketLimits())
    session.receive(bytes)
    return session.next()
  }

  @Test func answersPings() throws {
    try receive(WebSocketFrames.control(.ping, ByteBuffer(string: "x"), maskedWith: nil))
    // A masked pong with the same payload.
    let bytes = try #require(try channel.readOutbound(as: ByteBuffer.self))
    #expect(bytes.getInteger(at: 0, as: UInt16.self) == 0x8a81)
    #expect(bytes.readableBytes == 7)
  }

  @Test func sendsAndReceives() throws {
    let message = WebSocketMessage.text(ByteBuffer(string: "hé"))
    try receive(WebSocketFrames.encode(message))
    #expect(recorder.messages == [message])
    try channel.writeOutbound(WebSocketOutput.message(message))
    #expect(try sent() == .message(message))
  }

  @Test func echoesTheCloseCode() throws {
    try receive(WebSocketFrames.close(WebSocketClose(code: 4000, reason: "why"), maskedWith: nil))
    #expect(try sent() == .close(WebSocketClose(code: 4000)))
    #expect(recorder.ends == [.closedByPeer(WebSocketClose(code: 4000, reason: "why"))])
    channel.embeddedEventLoop.run()
    #expect(!channel.isActive)
  }

  @Test func waitsFiveSecondsForTheOtherClose() throws {
    try channel.writeOutbound(WebSocketOutput.close(WebSocketClose(code: 1000)))
    #expect(try sent() == .close(WebSocketClose(code: 1000)))
    // What is sent afterwards is not sent, and what comes in is not read.
    #expect(throws: ChannelError.self) { try channel.writeOutbound(WebSocketOutput.message(.text(ByteBuffer()))) }
    try receive(WebSocketFrames.encode(.text(ByteBuffer(string: "late"))))
    #expect(recorder.messages.isEmpty)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(4900))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(200))
    #expect(!channel.isActive)
  }

  @Test func closesWhenBothHave() throws {
    try channel.writeOutbound(WebSocketOutput.close(WebSocketClose(code: 1000)))
    try receive(WebSocketFrames.close(WebSocketClose(code: 1000), maskedWith: nil))
    channel.embeddedEventLoop.run()
    #expect(!channel.isActive)
    #expect(recorder.ends == [.closedByPeer(WebSocketClose(code: 1000))])
  }

  @Test func tellsWhatWasWrong() throws {
    try receive(ByteBuffer(bytes: [0xff]))
    let close = WebSocketClose(code: 1002, reason: "reserved bit set")
    #expect(try sent() == .close(close))
    #expect(recorder.ends == [.violation(close)])
  }

  @Test func pingsTheSilentAndDropsTheDead() throws {
    let loop = channel.embeddedEventLoop
    loop.advanceTime(by: .seconds(15))
    try receive(WebSocketFrames.control(.pong, ByteBuffer(), maskedWith: nil))
    loop.advanceTime(by: .seconds(19))
    #expect(try sent() == nil)
    loop.advanceTime(by: .seconds(1))
    #expect(try sent() == .ping(ByteBuffer()))
    // Alive: anything counts.
    loop.advanceTime(by: .seconds(9))
    try receive(WebSocketFrames.encode(.text(ByteBuffer(string: "x"))))
    loop.advanceTime(by: .seconds(20))
    #expect(try sent() == .ping(ByteBuffer()))
    loop.advanceTime(by: .seconds(9))
    #expect(channel.isActive)
    loop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
    #expect(recorder.ends == [.silent])
  }

  @Test func dropsWhoDoesNotRead() throws {
    channel.isWritable = false
    #expect(throws: (any Error).self) {
      try channel.writeOutbound(WebSocketOutput.message(.text(ByteBuffer(string: "x"))))
    }
    #expect(recorder.ends == [.slowReader])
    #expect(!channel.isActive)
  }
}
