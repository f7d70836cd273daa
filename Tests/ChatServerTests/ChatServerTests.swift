import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Signaling
import Testing

@testable import ChatServer

/// The server over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ChatServerTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func start(_ change: (inout ChatServer.Configuration) -> Void = { _ in }) async throws -> ChatServer {
    var configuration = ChatServer.Configuration(port: 0)
    change(&configuration)
    return try await ChatServer.start(configuration, eventLoopGroup: group, logger: logger)
  }

  @Test func twoUsersChat() async throws {
    let server = try await start()
    let alice = try await TestClient(port: server.port, name: "alice")
    let bob = try await TestClient(port: server.port, name: "bob")
    try await alice.send(#"{"type":"message","text":"hello","id":1,"date":2}"#)
    let line = await bob.next("message")
    #expect(line?.contains(#""text":"hello""#) == true && line?.contains(#""name":"alice""#) == true)
    #expect(await alice.next("message") == line)
    try await bob.close()
    #expect(await alice.next("userlist") == #"{"type":"userlist","users":["alice"]}"#)
    await server.shutDown()
  }

  @Test(arguments: [
    "", "nonsense", "null", "{}", #"{"type":"message","text":5,"id":1}"#, #"{"type":"message","id":99999}"#,
    #"{"type":"username","name":null,"id":"x"}"#, #"{"type":"message","text":"x","id":{}}"#,
    String(repeating: "[", count: 20_000) + String(repeating: "]", count: 20_000),
    #"{"type":"hang-up"}"#, #"{"type":"userlist","users":[]}"#, #"{"type":1e999}"#,
  ])
  func noTextDisturbsOthers(_ input: String) async throws {
    let server = try await start()
    let alice = try await TestClient(port: server.port, name: "alice")
    let bob = try await TestClient(port: server.port, name: "bob")
    let nameless = try await TestClient(port: server.port)
    try await nameless.send(input)
    try await bob.send(input)
    // Both still reach each other, and others can come.
    try await bob.send(#"{"type":"weather","target":"alice"}"#)
    #expect(await alice.next("weather") != nil)
    try await alice.send(#"{"type":"weather"}"#)
    #expect(await bob.next("weather")?.contains("\"name\":\"alice\"") == true)
    _ = try await TestClient(port: server.port, name: "carol")
    await server.shutDown()
  }

  @Test(
    arguments: [
      ([0xff], 1002), ([0x81, 0x02, 0x7b, 0x7d], 1002), ([0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
      ([0x83, 0x80, 0, 0, 0, 0], 1002),
      ([0x82, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009), ([0x88, 0x81, 0, 0, 0, 0, 1], 1002),
    ] as [([UInt8], UInt16)])
  func brokenFramesEndOneConnection(_ bytes: [UInt8], _ code: UInt16) async throws {
    let server = try await start()
    let alice = try await TestClient(port: server.port, name: "alice")
    let mallory = try await TestClient(port: server.port, name: "mallory")
    #expect(await alice.next("userlist") == #"{"type":"userlist","users":["alice","mallory"]}"#)
    try await mallory.sendRaw(bytes)
    guard case .end(.closedByPeer(let close))? = await mallory.next() else {
      Issue.record("not closed")
      return
    }
    #expect(close.code == code)
    #expect(await alice.next("userlist") == #"{"type":"userlist","users":["alice"]}"#)
    await server.shutDown()
  }

  @Test func repeatedAbuseIsClosed() async throws {
    let server = try await start()
    let mallory = try await TestClient(port: server.port, name: "mallory")
    for _ in 0..<17 { try? await mallory.send("x") }
    while let event = await mallory.next() {
      if case .end(.closedByPeer(let close)) = event {
        #expect(close.code == 1008)
        await server.shutDown()
        return
      }
    }
    Issue.record("not closed")
  }

  @Test func answersWhatIsNoWebSocket() async throws {
    let server = try await start()
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    let cases = [
      ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 Upgrade Required"),
      ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 Upgrade Required"),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 426 Upgrade Required"),
      ("GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)\(key)Sec-WebSocket-Version: 13\r\n\r\n", "HTTP/1.1 400 Bad Request"),
      (
        "GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)\(key)Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xml, soap\r\n\r\n",
        "HTTP/1.1 400 Bad Request"
      ),
      (
        "GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)\(key)Sec-WebSocket-Version: 8\r\n\r\n", "HTTP/1.1 426 Upgrade Required"
      ),
      ("GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)Sec-WebSocket-Version: 13\r\n\r\n", "HTTP/1.1 400 Bad Request"),
      (
        "GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)\(key)Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: soap, JSON\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols"
      ),
      ("\u{16}\u{3}\u{1}\u{2}nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ]
    for (request, status) in cases {
      let answer = try await rawRequest(request, port: server.port)
      #expect(answer.hasPrefix(status), "\(request): \(answer)")
      if status.contains("101") { #expect(answer.contains("Sec-WebSocket-Protocol: JSON\r\n")) }
    }
    // And it still serves.
    _ = try await TestClient(port: server.port, name: "alice")
    await server.shutDown()
  }

  @Test func requestsAfterAHandshakeAreNoHTTP() async throws {
    let server = try await start()
    let handshake = """
      GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: json\r\n
      """
    let upgrading = handshake + "Connection: Upgrade\r\n\r\n"
    #expect(try await rawRequest(handshake + "\r\n" + upgrading, port: server.port).hasPrefix("HTTP/1.1 426"))
    #expect(try await rawRequest(upgrading + upgrading, port: server.port).hasPrefix("HTTP/1.1 101"))
    let withBody = handshake + "Connection: Upgrade\r\nContent-Length: 5\r\n\r\nabcde" + upgrading
    #expect(try await rawRequest(withBody, port: server.port).hasPrefix("HTTP/1.1 101"))
    _ = try await TestClient(port: server.port, name: "alice")
    await server.shutDown()
  }

  /// Sends bytes and returns what the server answers first.
  private func rawRequest(_ request: String, port: Int) async throws -> String {
    try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: request))
      var answer = ""
      for try await bytes in inbound {
        answer += String(buffer: bytes)
        if answer.contains("\r\n\r\n") { break }
      }
      return answer
    }
  }

  @Test func boundsConnections() async throws {
    let server = try await start { $0.limits.maximumConnections = 1 }
    let alice = try await TestClient(port: server.port, name: "alice")
    let bob = try await TestClient(port: server.port)
    #expect(await bob.next() == .end(.closedByPeer(WebSocketClose(code: 1013, reason: "the server is full"))))
    try await alice.close()
    await server.shutDown()
  }

  @Test func closesWhoGivesNoName() async throws {
    let server = try await start { $0.limits.loginTimeout = .milliseconds(30) }
    let client = try await TestClient(port: server.port)
    #expect(await client.next() != nil)
    #expect(await client.next() == .end(.closedByPeer(WebSocketClose(code: 1008, reason: "no name given"))))
    await server.shutDown()
  }

  @Test func readsSlowlyFromWhoSendsTooMuch() async throws {
    let server = try await start {
      $0.limits.messageRate = 200
      $0.limits.messageBurst = 10
    }
    let alice = try await TestClient(port: server.port, name: "alice")
    let start = NIODeadline.now()
    for number in 0..<50 {
      try await alice.send(#"{"type":"weather","number":\#(number)}"#)
      #expect(await alice.next("weather")?.contains("\"number\":\(number)") == true)
    }
    // Nothing is lost, and what is over the burst took the time that the rate allows.
    #expect(NIODeadline.now() - start >= .milliseconds(150))
    await server.shutDown()
  }

  @Test func shutsDownWith1001() async throws {
    let server = try await start()
    let alice = try await TestClient(port: server.port, name: "alice")
    let nameless = try await TestClient(port: server.port)
    _ = await nameless.next()
    async let stopped: Void = server.shutDown()
    let goingAway = WebSocketClose(code: 1001, reason: "the server is going down")
    #expect(await alice.next() == .end(.closedByPeer(goingAway)))
    #expect(await nameless.next() == .end(.closedByPeer(goingAway)))
    await stopped
    await #expect(throws: SignalingError.self) { try await TestClient(port: server.port) }
  }

  @Test func shutsDownAtOnceInTheMiddleOfAHandshake() async throws {
    let server = try await start()
    let channel = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: server.port).get()
    // The server has accepted it when a connection made later is served.
    let alice = try await TestClient(port: server.port, name: "alice")
    let start = NIODeadline.now()
    await server.shutDown()
    #expect(NIODeadline.now() - start < WebSocketLimits().handshakeTimeout)
    try await channel.closeFuture.get()
    while await alice.next() != nil {}
  }

  @Test func stopsAsAService() async throws {
    let service = ChatService(ChatServer.Configuration(port: 0), eventLoopGroup: group, logger: logger)
    let services = ServiceGroup(services: [service], logger: logger)
    async let run: Void = services.run()
    await services.triggerGracefulShutdown()
    try await run
  }

  @Test func saysThatThePortIsInUse() async throws {
    let server = try await start()
    let error = await #expect(throws: ChatServerError.self) { try await start { $0.port = server.port } }
    #expect(error == .portInUse(host: "127.0.0.1", port: server.port))
    await server.shutDown()
  }

  @Test func servesTLS() async throws {
    let files = FileManager.default.temporaryDirectory.appending(path: "glyphone-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: files) }
    let (certificate, key) = (files.appending(path: "c.pem").path, files.appending(path: "k.pem").path)
    try TestCertificate.certificate.write(toFile: certificate, atomically: true, encoding: .utf8)
    try TestCertificate.key.write(toFile: key, atomically: true, encoding: .utf8)
    let tls = try ChatServer.tls(certificateFile: certificate, keyFile: key)
    let server = try await start { $0.tls = tls }

    var trusting = TLSConfiguration.makeClientConfiguration()
    trusting.trustRoots = .file(certificate)
    for host in ["127.0.0.1", "localhost"] {
      let client = try await TestClient(port: server.port, tls: trusting, host: host)
      #expect(await client.nextText()?.contains("\"type\":\"id\"") == true)
      try await client.close()
    }
    let error = await #expect(throws: SignalingError.self) {
      try await TestClient(port: server.port, tls: .makeClientConfiguration())
    }
    guard case .tls? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    // Plain text spoken to a TLS port is answered by an end of the connection, and harms nobody.
    await #expect(throws: SignalingError.self) { try await TestClient(port: server.port) }

    #expect(throws: ChatServerError.badCertificate(file: "/none", detail: "No such file or directory")) {
      try ChatServer.tls(certificateFile: "/none", keyFile: key)
    }
    let badKey = #expect(throws: ChatServerError.self) {
      try ChatServer.tls(certificateFile: certificate, keyFile: certificate)
    }
    #expect(badKey?.description.contains(certificate) == true)
    await server.shutDown()
  }

  @Test func ourClientComesBackToARestartedServer() async throws {
    let first = try await start()
    var configuration = SignalingClientConfiguration(
      url: try SignalingURL("ws://127.0.0.1:\(first.port)"), name: "naomi",
      announcement: Announcement(name: "test", version: "1", features: Feature.allCases))
    configuration.minimumRetryDelay = .milliseconds(1)
    configuration.maximumRetryDelay = .milliseconds(5)
    let client = SignalingClient(configuration: configuration, eventLoop: group.next(), logger: logger)
    client.start()
    var second: ChatServer?
    var names: [String] = []
    for await event in client.events {
      guard case .named(let name) = event else { continue }
      names.append(name)
      if names.count == 2 {
        await client.close()
        continue
      }
      await first.shutDown()
      second = try await start { $0.port = first.port }
    }
    #expect(names == ["naomi", "naomi"])
    await second?.shutDown()
  }
}
