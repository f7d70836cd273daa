internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// A UDP socket on an event loop. Sending and receiving take many datagrams a system call, and once running neither
/// allocates for a datagram. To be used on the loop only.
///
/// NIO owns and watches it, and reads the first datagram of those that wait, since it has no other way to say that there
/// are some; it allocates an address for that one. All others are read here. NIO does not write: its datagram writes close
/// the channel on errors that say nothing about the socket, such as no route to one of many destinations or a firewall's
/// refusal (ENETUNREACH, EPERM, EACCES), and an agent tries addresses that it can't know to be good. Here an error costs the
/// one datagram.
final class DatagramSocket {
  /// Calls back on the event loop.
  struct Callbacks {
    /// Called for each datagram.
    var receive: (_ datagram: ByteBuffer, _ remote: TransportAddress) -> Void
    /// Called when all datagrams that had come were handed over.
    var readComplete: () -> Void
  }

  /// Datagrams taken before other work of the loop gets its turn.
  private static let batchesInARow = 4

  /// What it is bound to.
  let local: TransportAddress
  /// Datagrams that could not be sent.
  private(set) var dropped = 0

  private let eventLoop: any EventLoop
  private let callbacks: Callbacks
  private let incoming = DatagramBatch()
  private let outgoing = DatagramBatch()
  private var pool = DatagramBufferPool()
  /// Nil when it is closed: the number may be another's then.
  private var descriptor: CInt?
  private var channel: EventLoopFuture<any Channel>?

  /// Watches a bound socket, which is closed if that fails. Nothing is received before the loop's next turn.
  init(_ bound: BoundSocket, eventLoop: any EventLoop, callbacks: Callbacks) {
    local = bound.local
    descriptor = bound.descriptor
    self.eventLoop = eventLoop
    self.callbacks = callbacks
    let socket = NIOLoopBound(self, eventLoop: eventLoop)
    let channel = DatagramBootstrap(group: eventLoop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramBatch.slotSize))
      .channelOption(.maxMessagesPerRead, value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(FirstDatagrams(socket.value))
        }
      }
      .withBoundSocket(bound.descriptor)
    channel.whenFailure { _ in
      Glibc.close(bound.descriptor)
      socket.value.descriptor = nil
    }
    self.channel = channel
  }

  /// Binds a socket to the interface's address, at a port of the system's choice or at the first free one of the range, counted from a
  /// random place.
  convenience init(
    boundTo interface: NetworkInterface, portRange: ClosedRange<UInt16>?, eventLoop: any EventLoop, callbacks: Callbacks
  ) throws(IOError) {
    let bound = try BoundSocket(
      type: CInt(SOCK_DGRAM.rawValue), address: interface.address, scope: interface.scope, portRange: portRange)
    bound.set(SOL_SOCKET, SO_RCVBUF, to: 1 << 20)
    bound.set(SOL_SOCKET, SO_SNDBUF, to: 1 << 20)
    self.init(bound, eventLoop: eventLoop, callbacks: callbacks)
  }

  /// Puts a datagram into the batch that ``flush()`` sends, or sooner when it is full.
  func send(_ datagram: ByteBuffer, to remote: TransportAddress) {
    guard descriptor != nil, datagram.readableBytes <= DatagramBatch.slotSize else {
      dropped += 1
      return
    }
    outgoing.append(datagram, to: remote)
    if outgoing.count == DatagramBatch.capacity { flush() }
  }

  /// Sends what is waiting.
  func flush() {
    guard let descriptor, outgoing.count > 0 else { return }
    dropped += outgoing.send(on: descriptor)
  }

  /// Sends what is waiting and closes the socket; nothing is received any more. May be called twice.
  /// - Returns: fulfilled when the system's socket is closed.
  @discardableResult
  func close() -> EventLoopFuture<Void> {
    guard let channel else { return eventLoop.makeSucceededVoidFuture() }
    flush()
    descriptor = nil
    self.channel = nil
    return channel.flatMap { $0.close() }.flatMapErrorThrowing { error in
      guard case ChannelError.alreadyClosed = error else { throw error }
    }
  }

  // MARK: Receiving

  fileprivate func receive(_ first: AddressedEnvelope<ByteBuffer>) {
    guard descriptor != nil, let source = TransportAddress(first.remoteAddress) else { return }
    // Copied, so that NIO can use its buffer again.
    callbacks.receive(first.data.withUnsafeReadableBytes { pool.buffer(copying: $0) }, source)
  }

  fileprivate func receiveRest() {
    for _ in 0..<Self.batchesInARow {
      guard let descriptor else { return }
      incoming.receive(from: descriptor)
      for index in 0..<incoming.count where self.descriptor != nil {
        let bytes = incoming.bytes(at: index)
        guard !bytes.isEmpty, let source = incoming.source(at: index) else { continue }
        callbacks.receive(pool.buffer(copying: bytes), source)
      }
      if incoming.count < DatagramBatch.capacity { break }
    }
    callbacks.readComplete()
  }
}

/// The end of the channel's pipeline.
private final class FirstDatagrams: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let socket: DatagramSocket

  init(_ socket: DatagramSocket) {
    self.socket = socket
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    socket.receive(unwrapInboundIn(data))
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    socket.receiveRest()
  }

  /// An error on reading belongs to a datagram sent earlier (ECONNREFUSED): it says nothing about other destinations.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
