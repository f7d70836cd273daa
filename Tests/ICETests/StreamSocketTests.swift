import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import ICE

/// TCP and TLS under ICE, on real sockets over the loopback interface.
@Suite(.timeLimit(.minutes(1))) struct StreamSocketTests {
  enum Event: Equatable {
    case opened(StreamID)
    case accepted(StreamID)
    case received(StreamID, String)
    case closed(StreamID, String?)
  }

  /// Streams on an event loop, and all they said.
  actor Host {
    nonisolated let loop = MultiThreadedEventLoopGroup.singleton.next()
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    nonisolated let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private var sockets: StreamSockets?
    private var accepted: UInt64 = 100

    init(takes: Int = .max, tlsRoots: String? = nil) async {
      (events, continuation) = AsyncStream.makeStream()
      make(takes, tlsRoots)
    }

    private func make(_ takes: Int, _ tlsRoots: String?) {
      let continuation = continuation
      var next: UInt64 = 100
      sockets = StreamSockets(
        tlsRoots: tlsRoots, eventLoop: loop,
        callbacks: .init(
          opened: { id, _ in continuation.yield(.opened(id)) },
          accepted: { _, _ in
            guard next < 100 + UInt64(min(takes, 1000)) else { return nil }
            defer { next += 1 }
            continuation.yield(.accepted(StreamID(number: next)))
            return StreamID(number: next)
          },
          received: { continuation.yield(.received($0, String(buffer: $1))) },
          closed: { continuation.yield(.closed($0, $1)) }, settled: {}))
    }

    func listen() throws -> TransportAddress {
      let interface = NetworkInterface(name: "lo", address: address("127.0.0.1", 0), index: 1)
      guard let sockets else { throw CancellationError() }
      return try sockets.listen(on: interface)
    }

    func open(_ number: UInt64, to remote: TransportAddress, from local: TransportAddress? = nil, tls: String? = nil) {
      sockets?.open(StreamID(number: number), from: local, to: remote, tls: tls)
    }

    func send(_ text: String, on number: UInt64, mayDrop: Bool = false) {
      sockets?.send(ByteBuffer(string: text), on: StreamID(number: number), mayDrop: mayDrop)
      sockets?.flush()
    }

    var dropped: Int { sockets?.droppedFrames ?? 0 }

    func close(_ number: UInt64) { sockets?.close(StreamID(number: number)) }
    func stopListening(_ local: TransportAddress) { sockets?.stopListening(at: local) }
    func close() async throws { try await sockets?.close().get() }
  }

  private static let one = StreamID(number: 1)
  private static let peer = StreamID(number: 100)

  /// The bytes of a stream until there are so many, and what else was said before.
  private func read(_ count: Int, from events: inout AsyncStream<Event>.Iterator) async -> String {
    var text = ""
    while text.utf8.count < count, let event = await events.next() {
      if case .received(_, let piece) = event { text += piece }
    }
    return text
  }

  @Test func connectsBothWays() async throws {
    let (left, right) = (await Host(), await Host())
    var (leftEvents, rightEvents) = (left.events.makeAsyncIterator(), right.events.makeAsyncIterator())
    let listening = try await right.listen()
    await left.open(1, to: listening, from: address("127.0.0.1", 0))
    #expect(await leftEvents.next() == .opened(Self.one))
    #expect(await rightEvents.next() == .accepted(Self.peer))
    await left.send("hello", on: 1)
    #expect(await rightEvents.next() == .received(Self.peer, "hello"))
    await right.send("welcome", on: 100)
    #expect(await leftEvents.next() == .received(Self.one, "welcome"))
    // What was written before arrives before the end.
    let long = String(repeating: "x", count: 300_000)
    await left.send(long, on: 1)
    await left.close(1)
    #expect(await read(long.count, from: &rightEvents) == long)
    #expect(await rightEvents.next() == .closed(Self.peer, nil))
    try await left.close()
    try await right.close()
  }

  @Test func whoIsNotWantedIsTurnedAway() async throws {
    let (left, right) = (await Host(), await Host(takes: 0))
    var events = left.events.makeAsyncIterator()
    await left.open(1, to: try await right.listen())
    #expect(await events.next() == .opened(Self.one))
    #expect(await events.next() == .closed(Self.one, nil))
    try await left.close()
    try await right.close()
  }

  @Test func refusalIsToldInWords() async throws {
    let (left, right) = (await Host(), await Host())
    var events = left.events.makeAsyncIterator()
    let listening = try await right.listen()
    await right.stopListening(listening)
    try await right.close()
    await left.open(1, to: listening)
    #expect(await events.next() == .closed(Self.one, "connection refused: nothing listens on this port"))
    try await left.close()
  }

  /// A peer that does not read costs frames that may be dropped, not memory; and the stream, if they may not.
  @Test func aStalledPeerIsNotWaitedFor() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let deaf = try await ServerBootstrap(group: loop).childChannelOption(.autoRead, value: false)
      .bind(host: "127.0.0.1", port: 0).get()
    let left = await Host()
    var events = left.events.makeAsyncIterator()
    await left.open(1, to: address("127.0.0.1", UInt16(deaf.localAddress?.port ?? 0)))
    #expect(await events.next() == .opened(Self.one))
    let frame = String(repeating: "x", count: 50_000)
    for _ in 0..<1000 where await left.dropped == 0 { await left.send(frame, on: 1, mayDrop: true) }
    #expect(await left.dropped == 1)
    for _ in 0..<40 { await left.send(frame, on: 1, mayDrop: false) }
    #expect(await events.next() == .closed(Self.one, "it does not read what it is sent"))
    try await left.close()
    try await deaf.close()
  }

  // MARK: TLS

  private func serve(
    _ identity: TestAuthority.Identity, newest: TLSVersion? = nil
  ) async throws -> any Channel {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)))
    configuration.minimumTLSVersion = .tlsv1
    configuration.maximumTLSVersion = newest
    let context = try NIOSSLContext(configuration: configuration)
    return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton.next())
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), Echo()])
        }
      }.bind(host: "127.0.0.1", port: 0).get()
  }

  private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.writeAndFlush(wrapOutboundOut(unwrapInboundIn(data)), promise: nil)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  /// - Returns: what the client says first.
  private func connect(
    to identity: TestAuthority.Identity, trusting authority: TestAuthority?, as name: String,
    newest: TLSVersion? = nil
  ) async throws -> Event? {
    let directory = FileManager.default.temporaryDirectory.appending(path: "glyphone-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let roots = directory.appending(path: "roots.pem")
    try authority?.certificate.write(to: roots, atomically: true, encoding: .utf8)
    let server = try await serve(identity, newest: newest)
    let client = await Host(tlsRoots: authority == nil ? nil : roots.path)
    var events = client.events.makeAsyncIterator()
    await client.open(1, to: address("127.0.0.1", UInt16(server.localAddress?.port ?? 0)), tls: name)
    let first = await events.next()
    if first == .opened(Self.one) {
      await client.send("hello", on: 1)
      #expect(await events.next() == .received(Self.one, "hello"))
    }
    try await client.close()
    try await server.close()
    return first
  }

  @Test func trustsTheAuthorityItIsTold() async throws {
    let authority = try TestAuthority()
    let named = try authority.issue(for: ["DNS:turn.example.org", "DNS:*.relays.example.org"])
    for name in ["turn.example.org", "a.relays.example.org"] {
      #expect(try await connect(to: named, trusting: authority, as: name) == .opened(Self.one))
    }
    let numbered = try authority.issue(for: ["IP:127.0.0.1"])
    #expect(try await connect(to: numbered, trusting: authority, as: "127.0.0.1") == .opened(Self.one))
  }

  /// RFC 8996.
  @Test(arguments: [(TLSVersion.tlsv12, true), (.tlsv11, false)])
  func speaksNoTLSOfBefore(newest: TLSVersion, isTaken: Bool) async throws {
    let authority = try TestAuthority()
    let identity = try authority.issue(for: ["DNS:turn.example.org"])
    let first = try await connect(to: identity, trusting: authority, as: "turn.example.org", newest: newest)
    #expect((first == .opened(Self.one)) == isTaken)
  }

  @Test func saysWhatIsWrongWithACertificate() async throws {
    let authority = try TestAuthority()
    func problem(_ identity: TestAuthority.Identity, _ authority: TestAuthority?, _ name: String) async throws -> String
    {
      guard case .closed(_, .some(let problem)) = try await connect(to: identity, trusting: authority, as: name) else {
        return "none"
      }
      return problem
    }
    let good = try authority.issue(for: ["DNS:turn.example.org"])
    let stranger = "its certificate comes from an authority that is not trusted here"
    #expect(try await problem(good, nil, "turn.example.org") == stranger)
    #expect(try await problem(good, try TestAuthority(), "turn.example.org") == stranger)
    #expect(
      try await problem(good, authority, "turn.example.com")
        == "its certificate is for another host than turn.example.com")
    #expect(
      try await problem(good, authority, "127.0.0.1") == "its certificate is for another host than 127.0.0.1")
    let old = try authority.issue(for: ["DNS:turn.example.org"], days: -3)
    #expect(try await problem(old, authority, "turn.example.org").hasPrefix("its certificate expired on "))
  }

  @Test func saysThatAServerSpeaksNoTLS() async throws {
    let plain = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton.next())
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter()) }
      }.bind(host: "127.0.0.1", port: 0).get()
    let client = await Host()
    var events = client.events.makeAsyncIterator()
    await client.open(1, to: address("127.0.0.1", UInt16(plain.localAddress?.port ?? 0)), tls: "localhost")
    #expect(await events.next() == .closed(Self.one, "it does not speak TLS on this port"))
    try await client.close()
    try await plain.close()
  }

  private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "220 mail.example.org ready\r\n")), promise: nil)
    }
  }

  @Test func aMissingFileOfAuthoritiesIsNamed() async throws {
    let client = await Host(tlsRoots: "/nonexistent/roots.pem")
    var events = client.events.makeAsyncIterator()
    let server = try await serve(try TestAuthority().issue(for: ["DNS:localhost"]))
    await client.open(1, to: address("127.0.0.1", UInt16(server.localAddress?.port ?? 0)), tls: "localhost")
    #expect(
      await events.next()
        == .closed(Self.one, "can't read the certificates of the authorities in /nonexistent/roots.pem"))
    try await client.close()
    try await server.close()
  }
}
