public import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
  import Glibc
#endif

/// The TCP connections under ICE, with TLS where it is asked for, and the sockets that peers connect to. On one event loop,
/// where it is made and used.
public final class StreamSockets {
  /// What calls back, on the event loop. Nothing is said of a stream after ``close(_:)``.
  public struct Callbacks {
    /// An open stream; with TLS the handshake is over and the certificate is right.
    public var opened: (_ id: StreamID, _ local: TransportAddress) -> Void
    /// Somebody has connected to ``listen(on:)``'s address: gives the stream a name, or nil to turn it away.
    public var accepted: (_ local: TransportAddress, _ remote: TransportAddress) -> StreamID?
    /// Bytes of an open stream, as they come.
    public var received: (_ id: StreamID, _ bytes: ByteBuffer) -> Void
    /// It could not be opened, or the other end has closed it: why, for people; nil if it was closed in order.
    public var closed: (_ id: StreamID, _ problem: String?) -> Void
    /// After one or more of the others: the time to do what they ask for.
    public var settled: () -> Void

    /// All of them.
    public init(
      opened: @escaping (_ id: StreamID, _ local: TransportAddress) -> Void,
      accepted: @escaping (_ local: TransportAddress, _ remote: TransportAddress) -> StreamID?,
      received: @escaping (_ id: StreamID, _ bytes: ByteBuffer) -> Void,
      closed: @escaping (_ id: StreamID, _ problem: String?) -> Void, settled: @escaping () -> Void
    ) {
      self.opened = opened
      self.accepted = accepted
      self.received = received
      self.closed = closed
      self.settled = settled
    }
  }

  /// How long a connection and its handshake may take together.
  private static let openingTime = TimeAmount.seconds(10)
  /// How long a stream that is being closed may go on writing what it still has.
  private static let closingTime = TimeAmount.seconds(1)
  /// Bytes that may wait for a peer that does not read: beyond the upper bound droppable frames are dropped until there are
  /// fewer than the lower. Half a second of a call.
  private static let backlog = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
  /// Bytes that may wait if frames are not droppable; a stream with more is closed.
  private static let maximumBacklog = 1 << 20

  private struct Stream {
    var channel: (any Channel)?
    var backlog = 0
    var needsFlush = false
  }

  private let portRange: ClosedRange<UInt16>?
  private let tlsRoots: String?
  private let eventLoop: any EventLoop
  private let callbacks: Callbacks
  private var streams: [StreamID: Stream] = [:]
  private var listeners: [(local: TransportAddress, channel: EventLoopFuture<any Channel>)] = []
  private var verifier: Result<ServerCertificate, StreamProblem>?
  /// Frames that were dropped because a peer did not read.
  public private(set) var droppedFrames = 0

  /// - Parameters:
  ///   - portRange: ports to listen at; nil lets the system choose.
  ///   - tlsRoots: a PEM file of authorities to trust beside the system's.
  public init(
    portRange: ClosedRange<UInt16>? = nil, tlsRoots: String? = nil, eventLoop: any EventLoop, callbacks: Callbacks
  ) {
    self.portRange = portRange
    self.tlsRoots = tlsRoots
    self.eventLoop = eventLoop
    self.callbacks = callbacks
  }

  // MARK: Opening

  /// Connects; ``Callbacks/opened`` or ``Callbacks/closed`` follows.
  /// - Parameters:
  ///   - local: the IP address to connect from, with port 0; nil: any.
  ///   - serverName: the name or IP address the server's certificate has to be for; nil: no TLS.
  public func open(_ id: StreamID, from local: TransportAddress?, to remote: TransportAddress, tls serverName: String?)
  {
    streams[id] = Stream()
    let sockets = NIOLoopBound(self, eventLoop: eventLoop)
    var bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(Self.openingTime)
      .channelOption(.writeBufferWaterMark, value: Self.backlog)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      // The system's own queue counts, too: what waits there is late.
      .channelOption(ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), TCP_NOTSENT_LOWAT), value: 16 << 10)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try sockets.value.configure(channel, id, serverName: serverName) }
      }
    if let local { bootstrap = bootstrap.bind(to: local.socketAddress) }
    let opening = bootstrap.connect(to: remote.socketAddress)
    opening.whenFailure { error in
      sockets.value.end(id, StreamProblem(error))
      sockets.value.callbacks.settled()
    }
  }

  private func configure(_ channel: any Channel, _ id: StreamID, serverName: String?) throws {
    let handler = StreamHandler(self, id: id, waitsForTLS: serverName != nil)
    if let serverName {
      try channel.pipeline.syncOperations.addHandler(tls(serverName, handler))
      handler.deadline = eventLoop.scheduleTask(in: Self.openingTime) { channel.close(promise: nil) }
    }
    try channel.pipeline.syncOperations.addHandler(handler)
  }

  private func tls(_ serverName: String, _ handler: StreamHandler) throws -> NIOSSLClientHandler {
    let verifier = verifier ?? Result { () throws(StreamProblem) in try ServerCertificate(roots: tlsRoots) }
    self.verifier = verifier
    let check = NIOLoopBound((try verifier.get(), handler), eventLoop: eventLoop)
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12  // RFC 8996
    configuration.trustRoots = .certificates([])  // The check below has its own.
    configuration.shutdownTimeout = Self.closingTime
    let isAddress = TransportAddress(serverName, port: 0) != nil
    return try NIOSSLClientHandler(
      context: NIOSSLContext(configuration: configuration), serverHostname: isAddress ? nil : serverName,
      customVerificationCallback: { chain, promise in
        let (verifier, handler) = check.value
        let problem = verifier.problem(of: chain.compactMap { try? $0.toDERBytes() }, host: serverName)
        handler.problem = problem
        promise.succeed(problem == nil ? .certificateVerified : .failed)
      })
  }

  /// Lets peers connect to the interface's address.
  /// - Returns: the address with the port it got.
  /// - Throws: what the system says when it can't be bound.
  public func listen(on interface: NetworkInterface) throws(IOError) -> TransportAddress {
    let bound = try BoundSocket(
      type: CInt(SOCK_STREAM.rawValue), address: interface.address, scope: interface.scope, portRange: portRange
    ) { descriptor in
      // A connection that has just ended does not hold the port.
      BoundSocket.set(SOL_SOCKET, SO_REUSEADDR, to: 1, on: descriptor)
    }
    let sockets = NIOLoopBound(self, eventLoop: eventLoop)
    let channel = ServerBootstrap(group: eventLoop)
      .serverChannelOption(.backlog, value: 16)
      .childChannelOption(.writeBufferWaterMark, value: Self.backlog)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), TCP_NOTSENT_LOWAT), value: 16 << 10)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(StreamHandler(sockets.value, id: nil, waitsForTLS: false))
        }
      }
      .withBoundSocket(bound.descriptor)
    channel.whenFailure { _ in Glibc.close(bound.descriptor) }
    listeners.append((bound.local, channel))
    return bound.local
  }

  /// Lets nobody connect to this address any more; streams that are open stay.
  public func stopListening(at local: TransportAddress) {
    for listener in listeners where listener.local == local {
      listener.channel.whenSuccess { $0.close(promise: nil) }
    }
    listeners.removeAll { $0.local == local }
  }

  // MARK: Sending and closing

  /// Writes a whole frame with the next ``flush()``; one for a stream that is not open is dropped.
  /// - Parameter mayDrop: whether it is dropped, and counted, while the peer does not read fast enough.
  public func send(_ frame: ByteBuffer, on id: StreamID, mayDrop: Bool) {
    guard let stream = streams[id], let channel = stream.channel else { return }
    if mayDrop && !channel.isWritable {
      droppedFrames += 1
      return
    }
    let size = frame.readableBytes
    guard stream.backlog + size <= Self.maximumBacklog else {
      close(id)
      callbacks.closed(id, "it does not read what it is sent")
      return
    }
    streams[id]?.backlog += size
    streams[id]?.needsFlush = true
    let sockets = NIOLoopBound(self, eventLoop: eventLoop)
    channel.write(frame).whenComplete { _ in sockets.value.streams[id]?.backlog -= size }
  }

  /// Sends what is waiting.
  public func flush() {
    for (id, stream) in streams where stream.needsFlush {
      streams[id]?.needsFlush = false
      stream.channel?.flush()
    }
  }

  /// Closes a stream once all is written; nothing is said of it any more.
  public func close(_ id: StreamID) {
    guard let channel = streams.removeValue(forKey: id)?.channel else { return }
    finish(channel)
  }

  @discardableResult
  private func finish(_ channel: any Channel) -> EventLoopFuture<Void> {
    let timer = eventLoop.scheduleTask(in: Self.closingTime) { channel.close(promise: nil) }
    channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
    return channel.closeFuture
  }

  /// Closes everything. May be called twice.
  /// - Returns: fulfilled when the system's sockets are closed, after a second or two at the latest.
  @discardableResult
  public func close() -> EventLoopFuture<Void> {
    let listening = listeners.map(\.channel)
    let open = streams.values.compactMap(\.channel)
    listeners = []
    streams = [:]
    let closed = listening.map { $0.flatMap { $0.close() }.recover { _ in } } + open.map { finish($0) }
    return EventLoopFuture.andAllComplete(closed, on: eventLoop)
  }

  // MARK: From the handlers

  func accept(_ channel: any Channel, local: TransportAddress, remote: TransportAddress) -> StreamID? {
    defer { callbacks.settled() }
    guard let id = callbacks.accepted(local, remote) else { return nil }
    streams[id] = Stream(channel: channel)
    return id
  }

  /// - Returns: whether anybody still wants it.
  func opened(_ id: StreamID, _ channel: any Channel, local: TransportAddress) -> Bool {
    guard streams[id] != nil else { return false }
    streams[id]?.channel = channel
    callbacks.opened(id, local)
    callbacks.settled()
    return true
  }

  func received(_ id: StreamID, _ bytes: ByteBuffer) {
    if streams[id] != nil { callbacks.received(id, bytes) }
  }

  func readComplete() { callbacks.settled() }

  func end(_ id: StreamID, _ problem: StreamProblem?) {
    guard streams.removeValue(forKey: id) != nil else { return }
    callbacks.closed(id, problem?.description)
  }
}
