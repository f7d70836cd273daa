import ICE
import NIOCore
import TestSupport

/// An agent on a simulated host, with all it said.
final class AgentEndpoint: SimulatedEndpoint {
  let agent: ICEAgent
  let host: SimulatedHost
  let network: SimulatedNetwork
  let bases: [TransportAddress]
  private(set) var candidates: [Candidate] = []
  private(set) var states: [(time: NIODeadline, state: ICEAgent.ConnectionState)] = []
  private(set) var selections: [ICEAgent.SelectedPair?] = []
  /// Called for each local candidate: signaling.
  var trickle: (Candidate) -> Void = { _ in }
  /// Called for datagrams that are no STUN: media.
  private(set) var media: [ByteBuffer] = []

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
    for base in bases { agent.addLocalAddress(base, now: network.now) }
    for server in servers { agent.addSTUNServer(server, now: network.now) }
    agent.endOfLocalAddresses(now: network.now)
    drain()
  }

  var nextDeadline: NIODeadline? { agent.nextDeadline }

  func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) {
    if STUNMessage.isSTUN(datagram) {
      agent.receive(datagram, from: remote, to: local, now: now)
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
      case .transmit(let datagram, let local, let remote): host.send(datagram, from: local, to: remote)
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
    guard let path = agent.mediaPath else { return false }
    host.send(ByteBuffer(string: text), from: path.local, to: path.remote)
    return true
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
