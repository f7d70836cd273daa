public import ICE
public import NIOCore

/// One end of a TCP connection on a ``SimulatedNetwork``: what is written arrives in order and whole, cut at places of
/// chance. A lost segment comes late, and so does all behind it.
public final class SimulatedStream {
  /// Our end, as we see it.
  public let local: TransportAddress
  /// The other end: behind a NAT as that shows it.
  public let remote: TransportAddress
  /// Whether it can be written to.
  public fileprivate(set) var isOpen = false
  /// Bytes written so far.
  public private(set) var bytesSent = 0

  fileprivate let host: SimulatedHost
  fileprivate weak var other: SimulatedStream?
  private unowned let network: SimulatedNetwork
  /// On their way; nil is the end.
  private var underWay: [ByteBuffer?] = []
  private var lastArrival = NIODeadline.uptimeNanoseconds(0)
  private var isClosed = false
  private var isSwallowing = false

  /// What a lost segment costs.
  private static let retransmission = TimeAmount.milliseconds(200)

  fileprivate init(local: TransportAddress, remote: TransportAddress, host: SimulatedHost, network: SimulatedNetwork) {
    self.local = local
    self.remote = remote
    self.host = host
    self.network = network
  }

  /// Writes bytes; before the connection is open and after its end they are lost.
  public func send(_ bytes: ByteBuffer) {
    guard isOpen else { return }
    bytesSent += bytes.readableBytes
    enqueue(bytes)
  }

  /// Closes the connection behind what was written. This end hears nothing more of it.
  public func close() {
    isClosed = true
    guard isOpen else { return }
    isOpen = false
    enqueue(nil)
  }

  /// From now on nothing arrives at either end, not even the end, and neither end learns of it: a box on the way has
  /// forgotten the connection.
  public func swallow() {
    isSwallowing = true
    other?.isSwallowing = true
  }

  private func enqueue(_ bytes: ByteBuffer?) {
    guard let other, !isSwallowing else { return }
    underWay.append(bytes)
    var delay = host.conditions.latency + other.host.conditions.latency
    while network.chance(of: host.conditions.loss + other.host.conditions.loss) { delay = delay + Self.retransmission }
    lastArrival = max(lastArrival, network.now + delay)
    network.schedule(after: lastArrival - network.now) { [self] in deliver() }
  }

  private func deliver() {
    guard let other, !other.isClosed else { return }
    if host.conditions.isDown || other.host.conditions.isDown {
      return network.schedule(after: Self.retransmission) { [self] in deliver() }
    }
    guard !underWay.isEmpty else { return }
    guard var bytes = underWay.removeFirst() else {
      other.isOpen = false
      other.isClosed = true
      other.host.endpoint?.closed(other, error: nil, now: network.now)
      return
    }
    let cut = network.random(in: 0...bytes.readableBytes)
    for piece in [bytes.readSlice(length: cut), bytes] {
      guard let piece, piece.readableBytes > 0, !other.isClosed else { continue }
      other.host.endpoint?.receive(piece, on: other, now: network.now)
    }
  }

  // MARK: Connecting

  /// Sends the first segment; the answer takes a round trip. An address that nobody has never answers.
  fileprivate func connect() {
    guard let (server, seenAs) = network.listener(for: self) else { return }
    let trip = host.conditions.latency + server.conditions.latency
    network.schedule(after: trip) { [self] in
      guard !isClosed, !host.conditions.isDown, !server.conditions.isDown else { return }
      guard server.isListening(at: remote) else {
        return network.schedule(after: trip) { [self] in
          guard !isClosed else { return }
          isClosed = true
          host.endpoint?.closed(self, error: "connection refused", now: network.now)
        }
      }
      let accepted = SimulatedStream(local: remote, remote: seenAs, host: server, network: network)
      server.streams.append(accepted)
      (accepted.other, other) = (self, accepted)
      accepted.isOpen = true
      network.schedule(after: trip) { [self] in
        guard !isClosed else { return accepted.close() }
        isOpen = true
        host.endpoint?.connected(self, now: network.now)
      }
      server.endpoint?.accepted(accepted, now: network.now)
    }
  }
}

extension SimulatedHost {
  /// Connects to a listening socket; says ``SimulatedEndpoint/connected(_:now:)`` or
  /// ``SimulatedEndpoint/closed(_:error:now:)``, or never anything.
  public func connect(from ip: TransportAddress, to remote: TransportAddress) -> SimulatedStream {
    nextStreamPort += 1
    let stream = SimulatedStream(local: ip.with(port: nextStreamPort), remote: remote, host: self, network: network)
    streams.append(stream)
    stream.connect()
    return stream
  }

  fileprivate func isListening(at address: TransportAddress) -> Bool {
    listeners.contains(address)
  }
}

extension SimulatedNetwork {
  /// The host that a connection goes to, and where it seems to come from. Nobody gets in through a NAT: holes are made by
  /// UDP only here.
  fileprivate func listener(for stream: SimulatedStream) -> (host: SimulatedHost, seenAs: TransportAddress)? {
    let nat = stream.host.nat
    if let neighbour = host(at: stream.remote, behind: nat) { return (neighbour, stream.local) }
    guard let nat, let server = host(at: stream.remote, behind: nil) else { return nil }
    return nat.outbound(from: stream.local, to: stream.remote, now: now).map { (server, $0) }
  }
}
