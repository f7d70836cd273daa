public import ICE
public import NIOCore

/// What sits on a simulated host: an agent, a session, a server. It sends with ``SimulatedHost/send(_:from:to:)``.
public protocol SimulatedEndpoint: AnyObject {
  /// Takes a datagram that arrived at `local`.
  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline)
  /// Does what is due.
  func handleTimeout(now: NIODeadline)
  /// When ``handleTimeout(now:)`` wants to be called; asked for after every call.
  var nextDeadline: NIODeadline? { get }
  /// A connection this host asked for is open.
  func connected(_ stream: SimulatedStream, now: NIODeadline)
  /// Somebody connected to one of ``SimulatedHost/listeners``.
  func accepted(_ stream: SimulatedStream, now: NIODeadline)
  func receive(_ bytes: ByteBuffer, on stream: SimulatedStream, now: NIODeadline)
  /// The connection was refused, or the other end has closed it.
  func closed(_ stream: SimulatedStream, error: String?, now: NIODeadline)
}

/// Who has no connections needs to know nothing of them.
extension SimulatedEndpoint {
  public func connected(_ stream: SimulatedStream, now: NIODeadline) {}
  public func accepted(_ stream: SimulatedStream, now: NIODeadline) {}
  public func receive(_ bytes: ByteBuffer, on stream: SimulatedStream, now: NIODeadline) {}
  public func closed(_ stream: SimulatedStream, error: String?, now: NIODeadline) {}
}

/// A machine on a ``SimulatedNetwork``.
public final class SimulatedHost {
  /// Its IP addresses; ports are ignored.
  public let addresses: [TransportAddress]
  /// The box between it and the backbone. Hosts behind one box reach each other directly.
  public let nat: NAT?
  /// What its link does to packets; may be changed at any time.
  public var conditions: LinkConditions
  /// Gets the packets; set before the network runs.
  public weak var endpoint: (any SimulatedEndpoint)?
  /// Decides for each packet this host sends whether it gets lost, after all else; for exact losses.
  public var loses: (_ datagram: ByteBuffer, _ remote: TransportAddress) -> Bool = { _, _ in false }
  /// Packets that left and that arrived.
  public private(set) var sent = 0
  public fileprivate(set) var received = 0

  /// Where TCP connections are accepted.
  public var listeners: Set<TransportAddress> = []

  fileprivate var outgoing = Link()
  fileprivate var incoming = Link()
  /// Keeps the streams alive.
  var streams: [SimulatedStream] = []
  var nextStreamPort: UInt16 = 50_000
  unowned let network: SimulatedNetwork

  fileprivate init(
    addresses: [TransportAddress], nat: NAT?, conditions: LinkConditions, network: SimulatedNetwork
  ) {
    self.addresses = addresses
    self.nat = nat
    self.conditions = conditions
    self.network = network
  }

  /// Sends a datagram at the network's present time.
  public func send(_ datagram: ByteBuffer, from local: TransportAddress, to remote: TransportAddress) {
    sent += 1
    guard !loses(datagram, remote) else { return }
    network.carry(datagram, from: self, local: local, remote: remote)
  }
}

/// Hosts, links and NATs in virtual time: the same seed gives the same run, packet by packet.
public final class SimulatedNetwork {
  /// Virtual time; begins at 1 s, so that nothing can mistake it for "never".
  public private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private var random: SeededGenerator
  private var hosts: [SimulatedHost] = []
  private var events = EventQueue<Event>()
  private var eventsNow = 0

  private enum Event {
    case arrival(Packet)
    case action(() -> Void)
  }

  private struct Packet {
    let datagram: ByteBuffer
    let source: TransportAddress
    let destination: TransportAddress
    /// Set if it comes in through a NAT: the public address it was sent to.
    let mapped: TransportAddress?
    let host: SimulatedHost
  }

  public init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  /// Adds a machine.
  public func addHost(
    _ addresses: [TransportAddress], behind nat: NAT? = nil, conditions: LinkConditions = LinkConditions()
  ) -> SimulatedHost {
    let host = SimulatedHost(addresses: addresses, nat: nat, conditions: conditions, network: self)
    hosts.append(host)
    return host
  }

  // MARK: Time

  /// Runs for so long in virtual time.
  public func run(for duration: TimeAmount) {
    run(until: now + duration)
  }

  /// Runs until that time.
  public func run(until end: NIODeadline) {
    run(until: { false }, end: end)
  }

  /// Runs until the condition holds, asked after each event.
  /// - Returns: whether it held before `limit` was over.
  @discardableResult
  public func run(limit: TimeAmount, until condition: () -> Bool) -> Bool {
    run(until: condition, end: now + limit)
  }

  @discardableResult
  private func run(until condition: () -> Bool, end: NIODeadline) -> Bool {
    while true {
      if condition() { return true }
      let timers = hosts.compactMap { host in host.endpoint?.nextDeadline.map { (max($0, now), host) } }
      let timer = timers.min { $0.0 < $1.0 }
      let event = events.nextTime
      guard let next = [timer?.0, event].compactMap(\.self).min(), next <= end else {
        now = end
        return condition()
      }
      eventsNow = next == now ? eventsNow + 1 : 0
      precondition(eventsNow < 100_000, "an endpoint's deadline stays in the past: time stands still")
      now = next
      if event == next, let (_, event) = events.pop() {
        switch event {
        case .arrival(let packet): deliver(packet)
        case .action(let action): action()
        }
      } else {
        timer?.1.endpoint?.handleTimeout(now: now)
      }
    }
  }

  /// Does something at a time to come: signaling that takes its time, a link that goes down.
  public func schedule(after delay: TimeAmount, _ action: @escaping () -> Void) {
    events.add(.action(action), at: now + delay)
  }

  /// Whether something of this probability, 0...1, happens now.
  func chance(of probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }

  func random(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  // MARK: Packets

  func host(at address: TransportAddress, behind nat: NAT?) -> SimulatedHost? {
    hosts.first { $0.nat === nat && $0.addresses.contains { $0.hasSameIP(as: address) } }
  }

  fileprivate func carry(
    _ datagram: ByteBuffer, from sender: SimulatedHost, local: TransportAddress, remote: TransportAddress
  ) {
    guard let packet = packet(datagram, from: sender, local: local, remote: remote) else { return }
    // IP and UDP headers use the link, too.
    let bytes = datagram.readableBytes + (local.family == .v4 ? 28 : 48)
    for time in sender.outgoing.pass(bytes: bytes, at: now, sender.conditions, using: &random) {
      for arrival in packet.host.incoming.pass(bytes: bytes, at: time, packet.host.conditions, using: &random) {
        events.add(.arrival(packet), at: arrival)
      }
    }
  }

  private func deliver(_ packet: Packet) {
    if let mapped = packet.mapped, packet.host.nat?.letsIn(packet.source, to: mapped, now: now) == false { return }
    packet.host.received += 1
    packet.host.endpoint?.receive(packet.datagram, from: packet.source, to: packet.destination, now: now)
  }

  /// Finds the way of a datagram: directly to a host behind the same box or on the backbone, or in through a NAT.
  private func packet(
    _ datagram: ByteBuffer, from sender: SimulatedHost, local: TransportAddress, remote: TransportAddress
  ) -> Packet? {
    if let neighbour = host(at: remote, behind: sender.nat) {
      return Packet(datagram: datagram, source: local, destination: remote, mapped: nil, host: neighbour)
    }
    guard let source = sender.nat == nil ? local : sender.nat?.outbound(from: local, to: remote, now: now) else {
      return nil
    }
    if let peer = host(at: remote, behind: nil) {
      return Packet(datagram: datagram, source: source, destination: remote, mapped: nil, host: peer)
    }
    for nat in hosts.compactMap(\.nat) {
      if let inside = nat.inside(of: remote, now: now), let peer = host(at: inside, behind: nat) {
        return Packet(datagram: datagram, source: source, destination: inside, mapped: remote, host: peer)
      }
    }
    return nil
  }
}
