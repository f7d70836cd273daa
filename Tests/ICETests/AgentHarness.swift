import ICE
import NIOCore
import TestSupport

/// An agent on a simulated host, with all it said.
final class AgentEndpoint: SimulatedEndpoint {
  let agent: ICEAgent
  let host: SimulatedHost
  let network: SimulatedNetwork
  let bases: [TransportAddress]
  /// The names that are told in place of the bases, if any.
  var names: [TransportAddress: String] = [:]
  /// Bases whose interface is not there: nothing arrives.
  var unplugged: [TransportAddress] = []
  /// Whether it takes TCP connections, at port 7000, and makes some.
  var usesTCP = false
  /// What gives it a relayed address.
  var relay: SimulatedRelay?
  weak var streams: SimulatedStreams?
  private(set) var candidates: [Candidate] = []
  private(set) var states: [(time: NIODeadline, state: ICEAgent.ConnectionState)] = []
  private(set) var selections: [ICEAgent.SelectedPair?] = []
  /// Called for each local candidate: signaling.
  var trickle: (Candidate) -> Void = { _ in }
  /// Called for datagrams that are no STUN: media.
  private(set) var media: [ByteBuffer] = []
  private(set) var namesToResolve: [String] = []

  init(
    _ role: ICEAgent.Role, on host: SimulatedHost, network: SimulatedNetwork, seed: UInt64,
    configuration: ICEAgent.Configuration = .init()
  ) {
    agent = ICEAgent(configuration: configuration, role: role, random: SeededGenerator(seed: seed))
    self.host = host
    self.network = network
    bases = host.addresses.enumerated().map { $1.with(port: UInt16(5000 + $0)) }
    host.endpoint = self
  }

  func gather(servers: [TransportAddress] = []) {
    for base in bases where !unplugged.contains(base) {
      agent.addLocalAddress(base, name: names[base], now: network.now)
      guard usesTCP else { continue }
      agent.addTCPAddress(base, isPassive: false, now: network.now)
      agent.addTCPAddress(base.with(port: 7000), isPassive: true, now: network.now)
    }
    if let relay, let base = bases.first { relay.allocate(for: self, mapped: base) }
    for server in servers { agent.addSTUNServer(server, now: network.now) }
    agent.endOfLocalAddresses(now: network.now)
    drain()
  }

  /// An interface, or an allocation, comes.
  func plug(_ base: TransportAddress) {
    unplugged.removeAll { $0 == base }
    agent.addLocalAddress(base, now: network.now)
    drain()
  }

  /// An interface, or an allocation, goes.
  func unplug(_ base: TransportAddress) {
    unplugged.append(base)
    agent.removeLocalAddress(base, now: network.now)
    drain()
  }

  var nextDeadline: NIODeadline? { agent.nextDeadline }

  func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) {
    receive(datagram, on: Route(local: local, remote: remote))
  }

  func receive(_ datagram: ByteBuffer, on route: Route) {
    guard !unplugged.contains(route.local) else { return }
    if STUNMessage.isSTUN(datagram) {
      agent.receive(datagram, on: route, now: network.now)
    } else {
      media.append(datagram)
    }
    drain()
  }

  func handleTimeout(now: NIODeadline) {
    agent.handleTimeout(now: now)
    drain()
  }

  func drain() {
    while let output = agent.pollOutput() {
      switch output {
      case .transmit(let datagram, let route): send(datagram, on: route)
      case .connect(let route): streams?.connect(route, by: self)
      case .disconnect(let route): streams?.disconnect(route, by: self)
      case .resolve(let name): namesToResolve.append(name)
      case .event(.localCandidate(let candidate)):
        candidates.append(candidate)
        trickle(candidate)
      case .event(.connectionStateChange(let state)): states.append((network.now, state))
      case .event(.selectedPairChange(let pair)): selections.append(pair)
      case .event(.gatheringStateChange), .event(.roleChange): break
      }
    }
  }

  /// Sends a packet as media takes its way; whether there was one.
  @discardableResult
  func sendMedia(_ text: String) -> Bool {
    guard let route = agent.mediaRoute else { return false }
    send(ByteBuffer(string: text), on: route)
    return true
  }

  private func send(_ datagram: ByteBuffer, on route: Route) {
    if route.transport == .tcp {
      streams?.send(datagram, on: route, by: self)
    } else if let relay, relay.owns(route.local) {
      relay.forward(datagram, on: route)
    } else {
      host.send(datagram, from: route.local, to: route.remote)
    }
  }

  var stateNames: [String] { states.map(\.state.rawValue) }
  var state: ICEAgent.ConnectionState { agent.connectionState }
  var isConnected: Bool { state == .connected || state == .completed }
}

/// Two agents and the signaling between them.
final class AgentPair {
  let network: SimulatedNetwork
  let left: AgentEndpoint
  let right: AgentEndpoint
  /// The time a candidate or description takes from agent to agent.
  var signalingDelay = TimeAmount.milliseconds(20)
  /// Decides which candidates signaling carries.
  var carries: (Candidate) -> Bool = { _ in true }
  private var streams: SimulatedStreams?

  init(
    seed: UInt64, left leftSite: Site, right rightSite: Site,
    roles: (ICEAgent.Role, ICEAgent.Role) = (.controlling, .controlled),
    configuration: ICEAgent.Configuration = .init()
  ) {
    network = SimulatedNetwork(seed: seed)
    let (leftHost, rightHost) = (leftSite.host(on: network), rightSite.host(on: network))
    left = AgentEndpoint(
      roles.0, on: leftHost, network: network, seed: seed &* 2 &+ 1, configuration: configuration)
    right = AgentEndpoint(
      roles.1, on: rightHost, network: network, seed: seed &* 2 &+ 2, configuration: configuration)
  }

  /// Exchanges credentials and lets candidates trickle.
  func start(servers: [TransportAddress] = []) throws {
    for (from, to) in [(left, right), (right, left)] {
      from.trickle = { [unowned self, unowned to] candidate in signal(candidate, to: to) }
    }
    left.gather(servers: servers)
    right.gather(servers: servers)
    exchangeCredentials()
  }

  func exchangeCredentials() {
    left.agent.setRemoteCredentials(right.agent.localCredentials, now: network.now)
    right.agent.setRemoteCredentials(left.agent.localCredentials, now: network.now)
    left.drain()
    right.drain()
  }

  /// Lets both take and make TCP connections.
  func useTCP() -> SimulatedStreams {
    let streams = SimulatedStreams(between: left, and: right, on: network)
    self.streams = streams
    for side in [left, right] {
      side.usesTCP = true
      side.streams = streams
    }
    return streams
  }

  private func signal(_ candidate: Candidate, to other: AgentEndpoint) {
    guard carries(candidate), let parsed = try? Candidate.parse(candidate.attribute) else { return }
    network.schedule(after: signalingDelay) { [network] in
      other.agent.addRemoteCandidate(parsed, now: network.now)
      other.drain()
    }
  }

  /// Runs until both sides have a nominated pair.
  @discardableResult
  func connect(limit: TimeAmount = .seconds(30)) -> Bool {
    network.run(limit: limit) {
      [left, right].allSatisfy { $0.isConnected && $0.agent.selectedPair?.isNominated == true }
    }
  }

  /// Whether media gets through both ways right now.
  func mediaFlows() -> Bool {
    let (before, mark) = ((left.media.count, right.media.count), "media \(network.now.uptimeNanoseconds)")
    guard left.sendMedia(mark), right.sendMedia(mark) else { return false }
    network.run(for: .seconds(1))
    return left.media.count > before.0 && right.media.count > before.1
  }
}

/// Where an agent sits.
struct Site {
  var addresses: [String]
  var nat: (kind: NAT.Kind, publicAddresses: [String])?
  var conditions = LinkConditions()

  init(
    _ addresses: String..., behind nat: NAT.Kind? = nil, as publicAddress: String = "",
    conditions: LinkConditions = .init()
  ) {
    self.addresses = addresses
    self.nat = nat.map { ($0, [publicAddress]) }
    self.conditions = conditions
  }

  func host(on network: SimulatedNetwork) -> SimulatedHost {
    let box = nat.map { NAT($0.kind, publicAddresses: $0.publicAddresses.map { address($0) }) }
    return network.addHost(addresses.map { address($0) }, behind: box, conditions: conditions)
  }
}

/// An address known to be well-formed; the unspecified one shows up at once if it is not.
func address(_ ip: String, _ port: UInt16 = 0) -> TransportAddress {
  TransportAddress(ip, port: port) ?? TransportAddress(v4: 0, port: 0)
}
