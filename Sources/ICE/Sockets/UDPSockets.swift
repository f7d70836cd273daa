public import Logging
public import NIOCore
internal import NIOPosix

/// The sockets under an ``ICEAgent``: one for each local address, all on one event loop.
///
/// Everything but ``open(on:portRange:eventLoop:logger:receive:readComplete:)`` is to be called on that loop.
public final class UDPSockets: Sendable {
  /// Called on the event loop for each datagram: the datagram, where it came from, and which of ``localAddresses`` got it.
  public typealias Receiver =
    @Sendable (_ datagram: ByteBuffer, _ remote: TransportAddress, _ local: TransportAddress) -> Void

  /// The addresses of the sockets, in the order of the interfaces.
  public let localAddresses: [TransportAddress]
  private let eventLoop: any EventLoop
  private let handlers: NIOLoopBound<[DatagramHandler]>
  private let channels: [any Channel]

  private init(
    _ sockets: [(local: TransportAddress, channel: any Channel, handler: DatagramHandler)], on loop: any EventLoop
  ) {
    localAddresses = sockets.map(\.local)
    channels = sockets.map(\.channel)
    handlers = NIOLoopBound(sockets.map(\.handler), eventLoop: loop)
    eventLoop = loop
  }

  /// Binds a socket to each address; one that can't be bound is logged and left out.
  /// - Parameters:
  ///   - portRange: ports to take; nil lets the system choose.
  ///   - receive: called for each datagram.
  ///   - readComplete: called when all datagrams that had come were handed over: the time to do what they ask for, once for all of
  ///     them.
  /// - Throws: ``UDPSocketsError`` if no address could be bound.
  public static func open(
    on interfaces: [NetworkInterface], portRange: ClosedRange<UInt16>? = nil, eventLoop: any EventLoop, logger: Logger,
    receive: @escaping Receiver, readComplete: @escaping @Sendable () -> Void
  ) async throws(UDPSocketsError) -> UDPSockets {
    var bound: [(interface: NetworkInterface, channel: any Channel)] = []
    var failures: [String] = []
    for interface in interfaces {
      do {
        let channel = try await bind(
          interface, portRange: portRange, eventLoop: eventLoop, receive: receive, readComplete: readComplete)
        bound.append((interface, channel))
      } catch {
        let failure = "\(interface.name) \(interface.address.ip): \(error)"
        logger.info("no socket on this address", metadata: ["address": "\(failure)"])
        failures.append(failure)
      }
    }
    guard !bound.isEmpty else { throw UDPSocketsError(failures: failures) }
    let channels = bound.map(\.channel)
    do {
      return try await eventLoop.submit {
        UDPSockets(
          try channels.map { channel in
            let handler = try channel.pipeline.syncOperations.handler(type: DatagramHandler.self)
            return (handler.local, channel, handler)
          }, on: eventLoop)
      }.get()
    } catch {
      throw UDPSocketsError(failures: ["\(error)"])
    }
  }

  private static func bind(
    _ interface: NetworkInterface, portRange: ClosedRange<UInt16>?, eventLoop: any EventLoop,
    receive: @escaping Receiver, readComplete: @escaping @Sendable () -> Void
  ) async throws -> any Channel {
    let socket = try DatagramSocket(boundTo: interface.socketAddress, portRange: portRange)
    return try await DatagramBootstrap(group: eventLoop)
      // Datagrams of one read share a buffer, cut into slots of 2048 bytes: a browser's first DTLS datagram has 1408.
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8 * 2048))
      .channelOption(.datagramVectorReadMessageCount, value: 8)
      .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
      .channelOption(.socketOption(.so_sndbuf), value: 1 << 20)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            DatagramHandler(socket: socket, receive: receive, readComplete: readComplete))
        }
      }
      .withBoundSocket(socket.descriptor).get()
  }

  /// Sends a datagram at once. Datagrams from addresses that are none of ours, and those the system does not take (a full
  /// socket, no route), are dropped and counted, as networks do.
  public func send(_ datagram: ByteBuffer, from local: TransportAddress, to remote: TransportAddress) {
    for handler in handlers.value where handler.local == local {
      return handler.send(datagram, to: remote)
    }
  }

  /// Datagrams that could not be sent since the sockets were opened.
  public var droppedDatagrams: Int {
    handlers.value.reduce(0) { $0 + $1.dropped }
  }

  /// Closes the sockets; nothing is received after the future is fulfilled. May be called twice.
  public func close() -> EventLoopFuture<Void> {
    let closed = channels.map { channel in
      channel.close().flatMapErrorThrowing { error in
        guard case ChannelError.alreadyClosed = error else { throw error }
      }
    }
    return EventLoopFuture.andAllComplete(closed, on: eventLoop)
  }
}

/// No socket could be opened.
public struct UDPSocketsError: Error, CustomStringConvertible {
  /// One line for each address that was tried.
  public let failures: [String]

  public var description: String {
    failures.isEmpty ? "there is no network address to bind to" : "no UDP socket: " + failures.joined(separator: "; ")
  }
}

/// The end of one socket's pipeline.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private(set) var local = TransportAddress(v4: 0, port: 0)
  private(set) var dropped = 0
  private let socket: DatagramSocket
  /// Once NIO has closed the socket its number may be another's.
  private var isOpen = false
  private let receive: UDPSockets.Receiver
  private let readComplete: @Sendable () -> Void

  init(socket: DatagramSocket, receive: @escaping UDPSockets.Receiver, readComplete: @escaping @Sendable () -> Void) {
    self.socket = socket
    self.receive = receive
    self.readComplete = readComplete
  }

  func send(_ datagram: ByteBuffer, to remote: TransportAddress) {
    if !isOpen || !socket.send(datagram, to: remote) { dropped += 1 }
  }

  func channelActive(context: ChannelHandlerContext) {
    local = context.localAddress.flatMap(TransportAddress.init) ?? local
    isOpen = true
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOpen = false
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let remote = TransportAddress(envelope.remoteAddress) else { return }
    receive(envelope.data, remote, local)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    readComplete()
  }

  /// An error on reading belongs to a datagram sent earlier (ECONNREFUSED): it says nothing about other destinations.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
