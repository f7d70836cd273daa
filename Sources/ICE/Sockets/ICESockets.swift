public import Logging
public import NIOCore

/// The sockets under an ``ICETransport``: carries out its actions, and tells it what comes in. UDP, TCP and TLS, and multicast
/// DNS, for all addresses of the machine that are to be used.
///
/// To be made and used on one event loop.
public final class ICESockets {
  /// What a person can choose.
  public struct Options: Sendable {
    /// Local ports to take, for UDP sockets and TCP listeners; nil lets the system choose.
    public var portRange: ClosedRange<UInt16>?
    /// Whether TCP is offered to peers (RFC 6544), beside servers.
    public var usesTCP = true
    /// Whether names are told in place of our addresses.
    public var hidesAddresses = false
    /// A PEM file of authorities to trust beside the system's.
    public var tlsRoots: String?

    /// Any port, TCP too, and nothing hidden.
    public init() {}
  }

  /// What calls back, on the event loop; what is said of streams is as in ``StreamSockets/Callbacks``.
  public struct Callbacks {
    /// A datagram came to one of our UDP sockets.
    public var received: UDPSockets.Receiver
    /// What happens on TCP connections, to servers and to peers.
    public var streams: StreamSockets.Callbacks
    /// The answer to ``ICETransport/Action/resolve(_:)``. ``StreamSockets/Callbacks/settled`` follows.
    public var resolved: (_ name: String, _ addresses: [TransportAddress]) -> Void

    /// All three.
    public init(
      received: @escaping UDPSockets.Receiver, streams: StreamSockets.Callbacks,
      resolved: @escaping (_ name: String, _ addresses: [TransportAddress]) -> Void
    ) {
      self.received = received
      self.streams = streams
      self.resolved = resolved
    }
  }

  /// What the transport is to be told of our addresses.
  public enum AddressChange: Hashable, Sendable {
    /// See ``ICETransport/addLocalAddress(_:name:now:)``.
    case udp(TransportAddress, name: String?)
    /// See ``ICETransport/addTCPAddress(_:isPassive:now:)``.
    case tcp(TransportAddress, isPassive: Bool)
    /// See ``ICETransport/removeLocalAddress(_:now:)``.
    case removed(TransportAddress)
  }

  /// What was made for one address of the machine.
  private struct Place {
    let interface: NetworkInterface
    let udp: TransportAddress
    /// The address that is connected from, and the one that is listened at.
    var tcp: [TransportAddress] = []
  }

  /// An agent takes 48 addresses of all kinds: these with TCP, and two of each of 8 relays.
  private static let maximumPlaces = 8

  private let options: Options
  private let logger: Logger
  private let udp: UDPSockets
  private let streams: StreamSockets
  private let names: MDNSService
  private let eventLoop: any EventLoop
  private var places: [Place] = []

  /// Opens nothing yet; see ``use(_:)``.
  public init(options: Options, eventLoop: any EventLoop, logger: Logger, callbacks: Callbacks) {
    self.options = options
    self.eventLoop = eventLoop
    self.logger = logger
    let settled = callbacks.streams.settled
    udp = UDPSockets(
      portRange: options.portRange, eventLoop: eventLoop, receive: callbacks.received, readComplete: settled)
    streams = StreamSockets(
      portRange: options.portRange, tlsRoots: options.tlsRoots, eventLoop: eventLoop, callbacks: callbacks.streams)
    names = MDNSService(
      eventLoop: eventLoop, logger: logger,
      resolved: {
        callbacks.resolved($0, $1)
        settled()
      })
  }

  /// Opens sockets at addresses that are new, and closes those at addresses that are no more. One that can't be opened is
  /// logged and tried again next time. At most 8 are used, the first; TCP with the first of each IP version.
  /// - Returns: what the transport is to be told, in order.
  public func use(_ interfaces: [NetworkInterface]) -> [AddressChange] {
    let interfaces = Array(interfaces.prefix(Self.maximumPlaces))
    names.use(interfaces)
    var changes: [AddressChange] = []
    for place in places where !interfaces.contains(place.interface) { changes += close(place) }
    places.removeAll { !interfaces.contains($0.interface) }
    for interface in interfaces where !places.contains(where: { $0.interface == interface }) {
      do {
        changes.append(try open(interface))
      } catch {
        logger.info("no socket on \(interface.name) \(interface.address.ip): \(error)")
      }
    }
    return changes + openTCP()
  }

  private func open(_ interface: NetworkInterface) throws(IOError) -> AddressChange {
    let local = try udp.open(on: interface)
    places.append(Place(interface: interface, udp: local))
    return .udp(local, name: options.hidesAddresses ? names.publish(local) : nil)
  }

  /// Gives the first place of each IP version TCP, unless one has it: that which had it may be gone.
  private func openTCP() -> [AddressChange] {
    guard options.usesTCP else { return [] }
    var changes: [AddressChange] = []
    for index in places.indices {
      let interface = places[index].interface
      let family = interface.address.family
      if places.contains(where: { !$0.tcp.isEmpty && $0.interface.address.family == family }) { continue }
      places[index].tcp = [interface.address.with(port: Base.discardPort)]
      do {
        places[index].tcp.append(try streams.listen(on: interface))
      } catch {
        logger.info("no TCP socket on \(interface.name) \(interface.address.ip): \(error)")
      }
      changes += places[index].tcp.map { .tcp($0, isPassive: $0.port != Base.discardPort) }
    }
    return changes
  }

  private func close(_ place: Place) -> [AddressChange] {
    for address in place.tcp { streams.stopListening(at: address) }
    udp.close(place.udp)
    names.withdraw(place.udp)
    return ([place.udp] + place.tcp).map { .removed($0) }
  }

  /// The addresses of the UDP sockets.
  public var localAddresses: [TransportAddress] { udp.localAddresses }

  /// Does what the transport wants. What is to be sent waits for ``flush()``.
  public func perform(_ action: ICETransport.Action) {
    switch action {
    case .datagram(let datagram, let local, let remote): udp.send(datagram, from: local, to: remote)
    case .stream(let id, let frame, let mayDrop): streams.send(frame, on: id, mayDrop: mayDrop)
    case .openStream(let id, let local, let remote, let serverName):
      streams.open(id, from: local, to: remote, tls: serverName)
    case .closeStream(let id): streams.close(id)
    case .resolve(let name): names.resolve(name)
    }
  }

  /// Sends what is waiting: to be called when the transport wants nothing more for now.
  public func flush() {
    udp.flush()
    streams.flush()
  }

  /// Closes everything, once what is waiting is sent; nothing is called any more. May be called twice.
  /// - Returns: fulfilled when the system's sockets are closed, after a second or two at the latest.
  @discardableResult
  public func close() -> EventLoopFuture<Void> {
    places = []
    return EventLoopFuture.andAllComplete([udp.close(), streams.close(), names.close()], on: eventLoop)
  }
}
