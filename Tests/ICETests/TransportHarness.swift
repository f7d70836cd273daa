import ICE
import NIOCore
import TestSupport

/// An ``ICETransport`` on a simulated host, with all it said.
final class TransportEndpoint: SimulatedEndpoint {
  let transport: ICETransport
  let host: SimulatedHost
  let network: SimulatedNetwork
  let sockets: SimulatedSockets
  /// Of its UDP sockets.
  let bases: [TransportAddress]
  /// What is told in place of its addresses.
  var name: String?
  private(set) var candidates: [Candidate] = []
  private(set) var states: [ICEAgent.ConnectionState] = []
  private(set) var selections: [ICEAgent.SelectedPair?] = []
  private(set) var problems: [String] = []
  private(set) var gatheringEndedAt: [NIODeadline] = []
  private(set) var media: [String] = []
  private(set) var discarded = 0
  /// Called for each local candidate: signaling.
  var trickle: (Candidate) -> Void = { _ in }

  init(
    _ role: ICEAgent.Role, on host: SimulatedHost, network: SimulatedNetwork, seed: UInt64, relayOnly: Bool = false
  ) {
    var configuration = ICEAgent.Configuration()
    if relayOnly { configuration.transportPolicy = .relay }
    transport = ICETransport(configuration: configuration, role: role, random: SeededGenerator(seed: seed))
    self.host = host
    self.network = network
    sockets = SimulatedSockets(host)
    bases = host.addresses.enumerated().map { $1.with(port: UInt16(5000 + $0)) }
    host.endpoint = self
  }

  /// A name has the addresses that the server listens at, or the given ones.
  func gather(servers: [(ICEServer, [TransportAddress])] = []) {
    for base in bases { transport.addLocalAddress(base, name: name, now: network.now) }
    for (server, addresses) in servers { transport.addServer(server, addresses: addresses, now: network.now) }
    transport.endOfLocalAddresses(now: network.now)
    drain()
  }

  var nextDeadline: NIODeadline? { transport.nextDeadline }

  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline) {
    switch transport.receive(datagram, from: remote, to: local, now: now) {
    case .consumed: break
    case .application(let datagram): media.append(String(buffer: datagram))
    case .discarded: discarded += 1
    }
    drain()
  }

  func handleTimeout(now: NIODeadline) {
    transport.handleTimeout(now: now)
    drain()
  }

  func connected(_ stream: SimulatedStream, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    transport.streamOpened(id, local: stream.local, now: now)
    drain()
  }

  func accepted(_ stream: SimulatedStream, now: NIODeadline) {
    sockets.accept(
      stream, as: transport.streamAccepted(local: stream.local, remote: stream.remote, now: now))
    drain()
  }

  func receive(_ bytes: ByteBuffer, on stream: SimulatedStream, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    transport.streamReceived(id, bytes, now: now) { media.append(String(buffer: $0)) }
    drain()
  }

  func closed(_ stream: SimulatedStream, error: String?, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    sockets.forget(stream)
    transport.streamClosed(id, error: error, now: now)
    drain()
  }

  func drain() {
    while let output = transport.pollOutput() {
      switch output {
      case .perform(let action): sockets.perform(action)
      case .serverProblem(let server, let problem): problems.append("\(server): \(problem)")
      case .event(.localCandidate(let candidate)):
        candidates.append(candidate)
        trickle(candidate)
      case .event(.connectionStateChange(let state)): states.append(state)
      case .event(.selectedPairChange(let pair)): selections.append(pair)
      case .event(.gatheringStateChange(let state)):
        if state == .complete { gatheringEndedAt.append(network.now) }
      case .event(.roleChange): break
      }
    }
  }

  @discardableResult
  func sendMedia(_ text: String) -> Bool {
    defer { drain() }
    return transport.send(ByteBuffer(string: text), now: network.now)
  }

  var relayed: [TransportAddress] { candidates.filter { $0.type == .relay }.compactMap(\.transportAddress) }
  var isConnected: Bool { [.connected, .completed].contains(transport.connectionState) }
  var selectedTypes: [CandidateType] { transport.selectedPair.map { [$0.local.type, $0.remote.type] } ?? [] }
}

/// Two transports, the signaling between them, and a TURN server of two address families at turn.example.org.
final class TransportPair {
  static let turnIPs = [address("198.51.100.1"), address("2001:db8:51::1")]
  let network: SimulatedNetwork
  let turn: SimulatedTURNServer
  let left: TransportEndpoint
  let right: TransportEndpoint
  var signalingDelay = TimeAmount.milliseconds(20)
  /// Decides which candidates signaling carries.
  var carries: (Candidate) -> Bool = { _ in true }

  init(seed: UInt64, left leftSite: Site, right rightSite: Site, relayOnly: (Bool, Bool) = (false, false)) {
    network = SimulatedNetwork(seed: seed)
    turn = SimulatedTURNServer(at: Self.turnIPs, on: network)
    left = TransportEndpoint(
      .controlling, on: leftSite.host(on: network), network: network, seed: seed &* 2 &+ 1, relayOnly: relayOnly.0)
    right = TransportEndpoint(
      .controlled, on: rightSite.host(on: network), network: network, seed: seed &* 2 &+ 2, relayOnly: relayOnly.1)
  }

  var sides: [TransportEndpoint] { [left, right] }

  /// The server as configurations name it, and the addresses of that name.
  func server(
    _ transport: ICEServer.Transport = .udp, user: String? = "alice", password: String? = "secret"
  ) throws -> (ICEServer, [TransportAddress]) {
    let uri =
      switch transport {
      case .udp: "turn:turn.example.org"
      case .tcp: "turn:turn.example.org?transport=tcp"
      case .tls: "turns:turn.example.org"
      }
    let server = try ICEServer(uri: uri, username: user, credential: password)
    return (server, transport == .tls ? turn.secureAddresses : turn.addresses)
  }

  /// The same server, for those who may not use it as a relay.
  func stun() throws -> (ICEServer, [TransportAddress]) {
    (try ICEServer(uri: "stun:turn.example.org"), turn.addresses)
  }

  func start(
    left leftServers: [(ICEServer, [TransportAddress])] = [], right rightServers: [(ICEServer, [TransportAddress])] = []
  ) {
    gather(left: leftServers, right: rightServers)
    exchangeCredentials()
  }

  /// Begins without the credentials, which come later.
  func gather(
    left leftServers: [(ICEServer, [TransportAddress])], right rightServers: [(ICEServer, [TransportAddress])]
  ) {
    for (from, to) in [(left, right), (right, left)] {
      from.trickle = { [unowned self, unowned to] candidate in signal(candidate, to: to) }
    }
    left.gather(servers: leftServers)
    right.gather(servers: rightServers)
  }

  func exchangeCredentials() {
    left.transport.setRemoteCredentials(right.transport.localCredentials, now: network.now)
    right.transport.setRemoteCredentials(left.transport.localCredentials, now: network.now)
    for side in sides { side.drain() }
  }

  private func signal(_ candidate: Candidate, to other: TransportEndpoint) {
    guard carries(candidate), let parsed = try? Candidate.parse(candidate.attribute) else { return }
    network.schedule(after: signalingDelay) { [network] in
      other.transport.addRemoteCandidate(parsed, now: network.now)
      other.drain()
    }
  }

  /// Runs until both sides have a nominated pair.
  @discardableResult
  func connect(limit: TimeAmount = .seconds(30)) -> Bool {
    network.run(limit: limit) {
      sides.allSatisfy { $0.isConnected && $0.transport.selectedPair?.isNominated == true }
    }
  }

  /// Sends numbered packets both ways at an interval.
  /// - Returns: how many of them were sent, and arrived, from left and from right.
  func exchangeMedia(
    for duration: TimeAmount, every interval: TimeAmount = .milliseconds(500)
  ) -> (sent: Int, fromLeft: Int, fromRight: Int) {
    let end = network.now + duration
    let mark = "\(network.now.uptimeNanoseconds)"
    var sent = 0
    while network.now < end {
      for side in sides { side.sendMedia("\(mark) \(sent)") }
      sent += 1
      network.run(for: interval)
    }
    network.run(for: .seconds(1))
    let arrived = sides.map { side in Set(side.media.filter { $0.hasPrefix(mark) }).count }
    return (sent, arrived[1], arrived[0])
  }

  /// Whether media gets through both ways right now.
  func mediaFlows() -> Bool {
    exchangeMedia(for: .milliseconds(1), every: .milliseconds(1)) == (1, 1, 1)
  }
}
