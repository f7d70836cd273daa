import ICE
import NIOCore
import TestSupport

/// TCP between two agents without a byte of TCP: connections that take a round trip, and whole messages in order.
final class SimulatedStreams {
  /// Time from end to end.
  var latency = TimeAmount.milliseconds(10)
  /// Whether a connection can be made; else it is refused.
  var lets: (Route) -> Bool = { _ in true }
  /// Connections that are open, as both ends see them.
  private(set) var routes: Set<Route> = []
  private(set) var messagesSent = 0
  private unowned let left: AgentEndpoint
  private unowned let right: AgentEndpoint
  private var endpoints: [AgentEndpoint] { [left, right] }
  private unowned let network: SimulatedNetwork
  private var nextPort: UInt16 = 30_000

  init(between left: AgentEndpoint, and right: AgentEndpoint, on network: SimulatedNetwork) {
    self.left = left
    self.right = right
    self.network = network
  }

  func connect(_ asked: Route, by client: AgentEndpoint) {
    var actual = asked
    actual.local.port = nextPort
    nextPort += 1
    let server = endpoints.first { $0 !== client && $0.bases.contains { $0.hasSameIP(as: asked.remote) } }
    let (isTaken, route) = (asked.remote.port == 7000 && lets(asked), actual)
    network.schedule(after: latency) { [self] in
      guard isTaken, let server else { return }
      routes.formUnion([route, route.reversed])
      server.agent.connectionAccepted(route.reversed, now: network.now)
      server.drain()
    }
    network.schedule(after: latency * 2) { [self] in
      if isTaken, server != nil {
        client.agent.connected(asked, as: route, now: network.now)
      } else {
        client.agent.connectionClosed(asked, now: network.now)
      }
      client.drain()
    }
  }

  func send(_ message: ByteBuffer, on route: Route, by sender: AgentEndpoint) {
    messagesSent += 1
    network.schedule(after: latency) { [self] in
      guard routes.contains(route), let receiver = endpoints.first(where: { $0 !== sender }) else { return }
      receiver.receive(message, on: route.reversed)
    }
  }

  func disconnect(_ route: Route, by closer: AgentEndpoint) {
    guard routes.remove(route) != nil else { return }
    network.schedule(after: latency) { [self] in
      guard routes.remove(route.reversed) != nil, let other = endpoints.first(where: { $0 !== closer }) else { return }
      other.agent.connectionClosed(route.reversed, now: network.now)
      other.drain()
    }
  }

  /// Breaks all connections, as a box on the way does.
  func breakAll() {
    let broken = routes
    routes = []
    for endpoint in endpoints {
      for route in broken where endpoint.bases.contains(where: { $0.hasSameIP(as: route.local) }) {
        endpoint.agent.connectionClosed(route, now: network.now)
      }
      endpoint.drain()
    }
  }
}

extension Route {
  var reversed: Route { Route(local: remote, remote: local, transport: transport) }
}

/// What a TURN server does for an agent, without TURN: the way between client and server only takes its time.
final class SimulatedRelay: SimulatedEndpoint {
  let host: SimulatedHost
  /// What the agents are told to reach it by.
  let transport: ICEServer.Transport
  private(set) var forwarded = 0
  private unowned let network: SimulatedNetwork
  private let latency = TimeAmount.milliseconds(10)
  private var clients: [TransportAddress: AgentEndpoint] = [:]
  /// Peers' IP addresses that the client of a relayed address has sent to.
  private var permissions: [TransportAddress: Set<TransportAddress>] = [:]

  init(_ ips: String..., over transport: ICEServer.Transport = .udp, on network: SimulatedNetwork) {
    host = network.addHost(ips.map { address($0) })
    self.transport = transport
    self.network = network
    host.endpoint = self
  }

  var nextDeadline: NIODeadline? { nil }

  func handleTimeout(now: NIODeadline) {}

  /// One relayed address for each family the relay has.
  func allocate(for client: AgentEndpoint, mapped: TransportAddress) {
    for address in host.addresses {
      let relayed = address.with(port: UInt16(50_000 + clients.count))
      clients[relayed] = client
      client.agent.addRelayedAddress(
        relayed, mapped: mapped, server: address.with(port: 3478), over: transport, now: network.now)
    }
  }

  func owns(_ relayed: TransportAddress) -> Bool { clients[relayed] != nil }

  func forward(_ datagram: ByteBuffer, on route: Route) {
    permissions[route.local, default: []].insert(route.remote.with(port: 0))
    network.schedule(after: latency) { [self] in
      forwarded += 1
      host.send(datagram, from: route.local, to: route.remote)
    }
  }

  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline) {
    guard let client = clients[local], permissions[local]?.contains(remote.with(port: 0)) == true else { return }
    forwarded += 1
    network.schedule(after: latency) { client.receive(datagram, on: Route(local: local, remote: remote)) }
  }
}
