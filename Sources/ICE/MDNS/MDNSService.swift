public import Logging
public import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Multicast DNS (RFC 6762) as far as ICE needs it: finds the addresses of the `.local` names browsers hide theirs behind, and
/// answers for names that hide ours. It shares the port with the system's own service, if there is one.
///
/// To be made and used on one event loop. Sockets are opened when they are first needed.
public final class MDNSService {
  private static let port = 5353

  private let eventLoop: any EventLoop
  private let logger: Logger
  private let resolved: (_ name: String, _ addresses: [TransportAddress]) -> Void
  private var interfaces: [NetworkInterface] = []
  private var sockets: [(interface: Int32, group: TransportAddress, socket: DatagramSocket)] = []
  private var isOpen = false
  private var queries = MDNSQueries()
  private var names = MDNSNames()
  private var timer: Scheduled<Void>?

  /// - Parameter resolved: called on the event loop with the addresses of a name, or none if nobody knows it.
  public init(
    eventLoop: any EventLoop, logger: Logger,
    resolved: @escaping (_ name: String, _ addresses: [TransportAddress]) -> Void
  ) {
    self.eventLoop = eventLoop
    self.logger = logger
    self.resolved = resolved
  }

  /// Says on which links names are asked and answered for.
  public func use(_ interfaces: [NetworkInterface]) {
    self.interfaces = interfaces
    if isOpen { openSockets() }
  }

  /// Looks for the addresses of a name; the answer comes within 4 s. Of several requests for one name one is answered.
  public func resolve(_ name: String) {
    needSockets()
    if queries.begin(name, now: .now()) {
      advance()
    } else {
      resolved(name, [])
    }
  }

  /// A name that stands for an IP address of ours, from now until ``withdraw(_:)``.
  public func publish(_ address: TransportAddress) -> String {
    needSockets()
    var random = SystemRandomNumberGenerator()
    return names.name(of: address, using: &random)
  }

  /// Gives an address's name up.
  public func withdraw(_ address: TransportAddress) {
    names.remove(address)
  }

  /// Ends it; nothing is called any more. May be called twice.
  @discardableResult
  public func close() -> EventLoopFuture<Void> {
    timer?.cancel()
    queries = MDNSQueries()
    isOpen = false
    let closed = sockets.map { $0.socket.close() }
    sockets = []
    return EventLoopFuture.andAllComplete(closed, on: eventLoop)
  }

  // MARK: Sockets

  private func needSockets() {
    guard !isOpen else { return }
    isOpen = true
    openSockets()
  }

  /// One socket for each interface and IP version.
  private func openSockets() {
    func isNeeded(_ interface: Int32, _ group: TransportAddress) -> Bool {
      interfaces.contains { $0.index == interface && $0.address.family == group.family }
    }
    for entry in sockets where !isNeeded(entry.interface, entry.group) { entry.socket.close() }
    sockets.removeAll { !isNeeded($0.interface, $0.group) }
    for interface in interfaces {
      let group = Self.group(interface.address.family)
      guard !sockets.contains(where: { $0.interface == interface.index && $0.group == group }) else { continue }
      do {
        sockets.append((interface.index, group, try open(interface.index, group)))
      } catch {
        logger.info("no multicast DNS on \(interface.name): \(error)")
      }
    }
  }

  private static func group(_ family: TransportAddress.Family) -> TransportAddress {
    switch family {
    case .v4: TransportAddress(v4: 0xE000_00FB, port: UInt16(port))
    case .v6: TransportAddress(v6: 0xFF02_0000_0000_0000, 0xFB, port: UInt16(port))
    }
  }

  private func open(_ interface: Int32, _ group: TransportAddress) throws(IOError) -> DatagramSocket {
    let bound = try BoundSocket(multicast: group, interface: interface)
    return DatagramSocket(
      bound, eventLoop: eventLoop,
      callbacks: .init(
        receive: { [weak self] in self?.receive($0, from: $1, interface: interface, group: group) },
        readComplete: {}))
  }

  // MARK: Messages

  private func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, interface: Int32, group: TransportAddress
  ) {
    guard let message = DNSMessage(parsing: datagram) else { return }
    for result in queries.receive(message) { resolved(result.name, result.addresses) }
    guard let answer = names.answer(message, from: remote, interface: interface, now: .now()),
      let socket = sockets.first(where: { $0.interface == interface && $0.group == group })?.socket
    else { return }
    socket.send(answer.message, to: answer.isMulticast ? group : remote)
    socket.flush()
  }

  /// Asks what is to be asked now, gives up what is to be given up, and sets the timer.
  private func advance() {
    timer?.cancel()
    let (question, unknown) = queries.handleTimeout(now: .now())
    if let datagram = question?.serialized(flushesCache: false) {
      for entry in sockets {
        entry.socket.send(datagram, to: entry.group)
        entry.socket.flush()
      }
    }
    let service = NIOLoopBound(self, eventLoop: eventLoop)
    timer = queries.nextDeadline.map { deadline in
      eventLoop.scheduleTask(deadline: deadline) { service.value.advance() }
    }
    for result in unknown { resolved(result.name, result.addresses) }
  }
}

extension BoundSocket {
  /// A socket that gets what is sent to the group on one interface, whoever else does, and sends there.
  fileprivate init(multicast group: TransportAddress, interface: Int32) throws(IOError) {
    let isV6 = group.family == .v6
    try self.init(
      type: CInt(SOCK_DGRAM.rawValue), address: group, scope: isV6 ? UInt32(bitPattern: interface) : 0
    ) { descriptor in
      Self.set(SOL_SOCKET, SO_REUSEADDR, to: 1, on: descriptor)
      Self.set(SOL_SOCKET, SO_REUSEPORT, to: 1, on: descriptor)
    }
    let isJoined = isV6 ? joinV6(group, interface) : joinV4(group, interface)
    guard isJoined else {
      let error = IOError(errnoCode: errno, reason: "multicast group")
      Glibc.close(descriptor)
      throw error
    }
  }

  private func joinV4(_ group: TransportAddress, _ interface: Int32) -> Bool {
    let level = CInt(IPPROTO_IP)
    // Only what comes in on the interface, and to all who listen on this machine; no farther than the link.
    set(level, IP_MULTICAST_ALL, to: 0)
    set(level, CInt(IP_MULTICAST_LOOP), to: 1)
    set(level, CInt(IP_MULTICAST_TTL), to: 255)
    // struct ip_mreqn: group, address (any), index.
    var membership = ByteBuffer()
    group.writeIP(to: &membership)
    membership.writeInteger(UInt32(0))
    membership.writeInteger(interface, endianness: .host)
    return set(level, CInt(IP_MULTICAST_IF), to: membership) && set(level, CInt(IP_ADD_MEMBERSHIP), to: membership)
  }

  /// IPV6_MULTICAST_ALL of linux/in6.h.
  private static let multicastAllV6: CInt = 29

  private func joinV6(_ group: TransportAddress, _ interface: Int32) -> Bool {
    let level = CInt(IPPROTO_IPV6)
    set(level, Self.multicastAllV6, to: 0)
    set(level, CInt(IPV6_MULTICAST_LOOP), to: 1)
    set(level, CInt(IPV6_MULTICAST_HOPS), to: 255)
    set(level, CInt(IPV6_MULTICAST_IF), to: interface)
    // struct ipv6_mreq: group, index.
    var membership = ByteBuffer()
    group.writeIP(to: &membership)
    membership.writeInteger(interface, endianness: .host)
    return set(level, CInt(IPV6_JOIN_GROUP), to: membership)
  }

  private func set(_ level: CInt, _ option: CInt, to value: ByteBuffer) -> Bool {
    value.withUnsafeReadableBytes { setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) == 0 }
  }
}
