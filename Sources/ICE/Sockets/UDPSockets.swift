public import NIOCore

/// The UDP sockets under ICE: one for each local address, all on one event loop, where it is made and used.
public final class UDPSockets {
  /// Called for each datagram: the datagram, where it came from, and which of ``localAddresses`` got it.
  public typealias Receiver =
    (_ datagram: ByteBuffer, _ remote: TransportAddress, _ local: TransportAddress) -> Void

  private let portRange: ClosedRange<UInt16>?
  private let eventLoop: any EventLoop
  private let receive: Receiver
  private let readComplete: () -> Void
  private var sockets: [DatagramSocket] = []
  private var droppedBefore = 0

  /// - Parameters:
  ///   - portRange: ports to take; nil lets the system choose.
  ///   - receive: called for each datagram.
  ///   - readComplete: called when all datagrams that had come were handed over: the time to do what they ask for, once for all of
  ///     them.
  public init(
    portRange: ClosedRange<UInt16>? = nil, eventLoop: any EventLoop, receive: @escaping Receiver,
    readComplete: @escaping () -> Void
  ) {
    self.portRange = portRange
    self.eventLoop = eventLoop
    self.receive = receive
    self.readComplete = readComplete
  }

  /// The addresses of the sockets, in the order of opening.
  public var localAddresses: [TransportAddress] { sockets.map(\.local) }

  /// Opens a socket at the interface's address.
  /// - Returns: the address with the port it got.
  /// - Throws: what the system says when it can't be bound: the address is gone, or all ports of the range are taken.
  public func open(on interface: NetworkInterface) throws(IOError) -> TransportAddress {
    let receive = receive
    // Known when the first datagram comes.
    var local = interface.address
    let socket = try DatagramSocket(
      boundTo: interface, portRange: portRange, eventLoop: eventLoop,
      callbacks: .init(receive: { receive($0, $1, local) }, readComplete: readComplete))
    local = socket.local
    sockets.append(socket)
    return local
  }

  /// Closes the socket with this address and port.
  public func close(_ local: TransportAddress) {
    guard let index = sockets.firstIndex(where: { $0.local == local }) else { return }
    let socket = sockets.remove(at: index)
    socket.close()
    droppedBefore += socket.dropped
  }

  /// Sends a datagram with the next ``flush()``. Datagrams from addresses that are none of ours, and those the system does
  /// not take (a full socket, no route), are dropped and counted, as networks do.
  public func send(_ datagram: ByteBuffer, from local: TransportAddress, to remote: TransportAddress) {
    for socket in sockets where socket.local == local { return socket.send(datagram, to: remote) }
  }

  /// Sends what is waiting: to be called when all that there is to be sent for now was given to
  /// ``send(_:from:to:)``.
  public func flush() {
    for socket in sockets { socket.flush() }
  }

  /// Datagrams that could not be sent since the first socket was opened.
  public var droppedDatagrams: Int {
    sockets.reduce(droppedBefore) { $0 + $1.dropped }
  }

  /// Closes the sockets; nothing is received any more. May be called twice.
  /// - Returns: fulfilled when the system's sockets are closed.
  @discardableResult
  public func close() -> EventLoopFuture<Void> {
    let closed = sockets.map { $0.close() }
    sockets = []
    return EventLoopFuture.andAllComplete(closed, on: eventLoop)
  }
}
