import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Signaling

/// The client against servers that are not ours: what it makes of them, and what it tells.
@Suite(.timeLimit(.minutes(1)))
struct SignalingClientTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func client(
    port: Int, scheme: String = "ws", connectTimeout: TimeAmount = .seconds(20)
  ) throws -> SignalingClient {
    var configuration = SignalingClientConfiguration(
      url: try SignalingURL("\(scheme)://127.0.0.1:\(port)"), name: "naomi",
      announcement: Announcement(name: "test", version: "1", features: Feature.allCases))
    configuration.minimumRetryDelay = .milliseconds(1)
    configuration.maximumRetryDelay = .milliseconds(2)
    configuration.connectTimeout = connectTimeout
    return SignalingClient(configuration: configuration, eventLoop: group.next(), logger: Self.logger)
  }

  /// A server for one test: `answer` gets each message.
  private func server(
    subprotocol: String? = "json", greeting: [String],
    answer: @escaping @Sendable (String, any Channel) -> Void = { _, _ in }
  ) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.configureWebSocketServer(subprotocol: subprotocol, limits: WebSocketLimits()) { channel in
            try channel.pipeline.syncOperations.addHandler(Scripted(greeting: greeting, answer: answer))
          }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  private final class Scripted: ChannelInboundHandler {
    typealias InboundIn = WebSocketMessage
    private let greeting: [String]
    private let answer: @Sendable (String, any Channel) -> Void

    init(greeting: [String], answer: @escaping @Sendable (String, any Channel) -> Void) {
      self.greeting = greeting
      self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) {
      for line in greeting { context.channel.say(line) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .text(let text) = Self.unwrapInboundIn(data) { answer(String(buffer: text), context.channel) }
    }
  }

  /// Says one thing, whatever it hears, and closes.
  private final class Blurter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let answer: String

    init(answer: String) { self.answer = answer }

    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(NIOAny(ByteBuffer(string: answer))).assumeIsolated().whenComplete { _ in
        context.close(promise: nil)
      }
    }
  }

  private func firstFailure(_ client: SignalingClient) async -> SignalingError? {
    client.start()
    for await event in client.events {
      if case .disconnected(let error, retryIn: let delay) = event {
        #expect(delay != nil)
        await client.close()
        return error
      }
    }
    return nil
  }

  @Test func tellsThatNothingListens() async throws {
    let listener = try await server(greeting: [])
    let port = try #require(listener.localAddress?.port)
    try await listener.close().get()
    let error = await firstFailure(try client(port: port))
    #expect(error == .unreachable(server: "ws://127.0.0.1:\(port)", detail: "Connection refused"))
  }

  @Test func tellsThatTheHostIsUnknown() async throws {
    let configuration = SignalingClientConfiguration(
      url: try SignalingURL("ws://no-such-host.invalid"), name: "n",
      announcement: Announcement(name: "test", version: "1", features: []))
    let client = SignalingClient(configuration: configuration, eventLoop: group.next(), logger: Self.logger)
    #expect(await firstFailure(client) == .unknownHost("no-such-host.invalid"))
  }

  @Test func tellsThatTheServerSpeaksNoJSON() async throws {
    let listener = try await server(subprotocol: nil, greeting: [])
    let port = try #require(listener.localAddress?.port)
    let error = await firstFailure(try client(port: port))
    let detail = "it does not speak the subprotocol \"json\""
    #expect(error == .notASignalingServer(server: "ws://127.0.0.1:\(port)", detail: detail))
    try await listener.close().get()
  }

  @Test func tellsWhatAnotherServerAnswers() async throws {
    let listener = try await server(subprotocol: "other", greeting: [])
    let port = try #require(listener.localAddress?.port)
    let error = await firstFailure(try client(port: port))
    #expect(error == .notASignalingServer(server: "ws://127.0.0.1:\(port)", detail: "it answers 400 Bad Request"))
    try await listener.close().get()
  }

  @Test func tellsThatTheServerHasNoTLS() async throws {
    let listener = try await server(greeting: [])
    let port = try #require(listener.localAddress?.port)
    guard case .tls? = await firstFailure(try client(port: port, scheme: "wss")) else {
      Issue.record("no TLS error")
      return
    }
    try await listener.close().get()
  }

  @Test(arguments: [
    "hello\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "",
  ])
  func survivesWhatIsNoWebSocket(_ answer: String) async throws {
    let listener = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Blurter(answer: answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    let error = try #require(await firstFailure(try client(port: port)))
    switch error {
    case .notASignalingServer, .unreachable: break
    default: Issue.record("\(error)")
    }
    try await listener.close().get()
  }

  @Test func givesUpOnAServerThatDoesNotGreet() async throws {
    let listener = try await server(greeting: [])
    let port = try #require(listener.localAddress?.port)
    let client = try client(port: port, connectTimeout: .milliseconds(300))
    client.start()
    // On a busy machine some attempts may not even come to the greeting.
    let wanted = SignalingError.notASignalingServer(server: "ws://127.0.0.1:\(port)", detail: "it does not greet us")
    for await event in client.events {
      if case .disconnected(wanted, _) = event { await client.close() }
    }
    try await listener.close().get()
  }

  @Test func worksWithAServerLikeMDNs() async throws {
    let listener = try await server(greeting: [#"{"type":"id","id":1700000000000}"#]) { text, channel in
      switch try? SignalingMessage(parsing: ByteBuffer(string: text)) {
      case .username(let message):
        #expect(message.client == nil, "an extension for a server that announced nothing")
        channel.say(#"{"type":"userlist","users":["priya",null]}"#)
        channel.say(#"{"type":"rejectusername","id":1700000000000,"name":"naomi1"}"#)
        channel.say(#"{"type":"userlist","users":["priya","naomi1"]}"#)
        channel.say("what?")
        channel.say(#"{"type":"weather"}"#)
      default:
        channel.say(text)
      }
    }
    let port = try #require(listener.localAddress?.port)
    let client = try client(port: port)
    var events = client.events.makeAsyncIterator()
    client.start()
    let rejection = RejectUsernameMessage(id: 1_700_000_000_000, name: "naomi1")
    let expected: [SignalingEvent] = [
      .connecting, .connected(id: 1_700_000_000_000, server: nil),
      .message(.userList(UserListMessage(users: ["priya"]))), .message(.rejectUsername(rejection)), .named("naomi1"),
      .message(.userList(UserListMessage(users: ["priya", "naomi1"]))), .malformed(.json(.unexpected(offset: 0))),
      .message(.other(type: "weather")),
    ]
    for event in expected { #expect(await events.next() == event) }
    client.send(.hangUp(HangUpMessage(name: "naomi1", target: "priya", reason: .busy)))
    #expect(await events.next() == .message(.hangUp(HangUpMessage(name: "naomi1", target: "priya"))))
    client.sendChat("1 < 2")
    guard case .message(.message(let chat))? = await events.next() else {
      Issue.record("no chat")
      return
    }
    #expect(chat.text == "1 < 2" && chat.id == 1_700_000_000_000 && chat.date > 1_700_000_000_000)
    await client.close()
    #expect(await events.next() == .disconnected(.closed, retryIn: nil))
    #expect(await events.next() == nil)
    try await listener.close().get()
  }

  @Test func comesBackUnderItsName() async throws {
    let listener = try await server(greeting: [#"{"type":"id","id":1}"#]) { text, channel in
      if text.contains("\"name\":\"naomi\"") {
        channel.say(#"{"type":"rejectusername","id":1,"name":"naomi1"}"#)
        channel.write(WebSocketOutput.close(WebSocketClose(code: 1001, reason: "going down\u{1b}")), promise: nil)
      } else if text.contains("\"name\":\"naomi1\"") {
        channel.say(#"{"type":"userlist","users":["naomi1"]}"#)
      }
    }
    let port = try #require(listener.localAddress?.port)
    let client = try client(port: port)
    client.start()
    var ends: [SignalingError] = []
    var names: [String] = []
    for await event in client.events {
      if case .named(let name) = event { names.append(name) }
      if case .disconnected(let error, _) = event { ends.append(error) }
      if names.count == 2, ends.count == 1 { await client.close() }
    }
    #expect(names == ["naomi1", "naomi1"])
    #expect(ends == [.closedByServer(code: 1001, reason: "going down"), .closed])
    try await listener.close().get()
  }
}

extension Channel {
  /// Sends a line of text from any thread.
  fileprivate func say(_ text: String) {
    writeAndFlush(WebSocketOutput.message(.text(ByteBuffer(string: text))), promise: nil)
  }
}
