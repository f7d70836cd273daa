import ICE
import NIOCore
import TestSupport
import Testing

/// ICE over TCP (RFC 6544): the last resort before a relay.
@Suite struct TCPCandidateTests {
  private func pair(seed: UInt64, isUDPBlocked: Bool = true) -> (pair: AgentPair, streams: SimulatedStreams) {
    let pair = AgentPair(seed: seed, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    let streams = pair.useTCP()
    if isUDPBlocked {
      // Datagrams between the agents get lost; those of the relay leave from its own host.
      for side in [pair.left, pair.right] { side.host.loses = { _, remote in remote.ip.hasPrefix("192.0.2.") } }
    }
    return (pair, streams)
  }

  @Test func aDirectWayIsBetterThanARelayAndUDPBetterThanTCP() {
    let agent = ICEAgent(role: .controlling, random: SeededGenerator(seed: 1))
    let now = NIODeadline.uptimeNanoseconds(0)
    let server = address("198.51.100.1", 3478)
    agent.addRelayedAddress(address("198.51.100.1", 5), mapped: nil, server: server, over: .tls, now: now)
    agent.addRelayedAddress(address("198.51.100.1", 6), mapped: nil, server: server, over: .tcp, now: now)
    agent.addRelayedAddress(address("198.51.100.1", 7), mapped: nil, server: server, over: .udp, now: now)
    agent.addRelayedAddress(address("2001:db8::1", 8), mapped: nil, server: server, over: .udp, now: now)
    agent.addTCPAddress(address("192.0.2.1", 7000), isPassive: true, now: now)
    agent.addTCPAddress(address("192.0.2.1", 0), isPassive: false, now: now)
    agent.addLocalAddress(address("192.0.2.1", 5000), now: now)
    let order = agent.localCandidates.sorted { $0.priority > $1.priority }
    #expect(
      order.map(\.attribute.shortened) == [
        "udp 192.0.2.1 5000 typ host",
        "tcp 192.0.2.1 9 typ host tcptype active",
        "tcp 192.0.2.1 7000 typ host tcptype passive",
        "udp 2001:db8::1 8 typ relay raddr :: rport 9",
        "udp 198.51.100.1 7 typ relay raddr 0.0.0.0 rport 9",
        "udp 198.51.100.1 6 typ relay raddr 0.0.0.0 rport 9",
        "udp 198.51.100.1 5 typ relay raddr 0.0.0.0 rport 9",
      ])
    // A server-reflexive candidate would be between the first two: type preferences 126, 100, 90 and 2.
    #expect(order.map { $0.priority >> 24 } == [126, 90, 90, 2, 2, 1, 0])
    // Relays are of one foundation if their IP address, server and transport are.
    #expect(Set(order.map(\.foundation)).count == 4)
  }

  @Test(arguments: 0..<4) func connectsWhereUDPIsBlocked(seed: UInt64) throws {
    let (pair, _) = pair(seed: seed)
    try pair.start()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    let selected = [pair.left, pair.right].compactMap(\.agent.selectedPair)
    #expect(selected.map(\.route.transport) == [.tcp, .tcp])
    // Both mean the same connection.
    #expect(selected.first?.route == selected.last?.route.reversed)
  }

  /// The other side is behind a box that lets nothing in: it connects to us.
  @Test(arguments: [true, false]) func oneSideIsEnoughToConnect(leftIsReachable: Bool) throws {
    let (pair, streams) = pair(seed: 10)
    let reachable = address(leftIsReachable ? "192.0.2.1" : "192.0.2.2")
    streams.lets = { $0.remote.hasSameIP(as: reachable) }
    try pair.start()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    let outside = leftIsReachable ? pair.left : pair.right
    #expect(outside.agent.selectedPair?.localAddress == reachable.with(port: 7000))
    #expect(outside.agent.selectedPair?.remote.type == .peerReflexive)
  }

  @Test func isNotUsedWhereUDPWorks() throws {
    let (pair, streams) = pair(seed: 11, isUDPBlocked: false)
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    #expect(pair.left.agent.selectedPair?.route.transport == .udp)
    #expect(pair.left.state == .completed)
    pair.left.agent.close()
    pair.left.drain()
    pair.network.run(for: .seconds(1))
    #expect(streams.routes.isEmpty)
  }

  @Test func isBetterThanARelay() throws {
    let (pair, _) = pair(seed: 12)
    let relay = SimulatedRelay("198.51.100.1", on: pair.network)
    for side in [pair.left, pair.right] { side.relay = relay }
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(3))
    #expect(pair.left.agent.selectedPair?.route.transport == .tcp)
    #expect(pair.right.agent.selectedPair?.route.transport == .tcp)
    #expect(relay.forwarded > 0)
  }

  /// TCP sees to it that everything arrives, so a check is sent once (RFC 6544 section 7.1).
  @Test func sendsNothingTwice() throws {
    let (pair, streams) = pair(seed: 13)
    streams.latency = .seconds(2)
    try pair.start()
    pair.network.run(for: .milliseconds(4_030))
    // Each side has one connection made and one taken by now, and has checked the one it made.
    #expect(streams.messagesSent == 2)
    pair.network.run(for: .milliseconds(1_900))
    #expect(streams.messagesSent == 2)
    #expect(pair.connect(limit: .seconds(30)))
  }

  @Test func mediaMovesToARelayWhenTheConnectionBreaks() throws {
    let (pair, streams) = pair(seed: 14)
    let relay = SimulatedRelay("198.51.100.1", on: pair.network)
    for side in [pair.left, pair.right] { side.relay = relay }
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(20))
    #expect(pair.left.agent.selectedPair?.route.transport == .tcp)
    streams.lets = { _ in false }
    streams.breakAll()
    // A pair that works was kept in reserve: nothing to wait for.
    let selected = try #require(pair.left.agent.selectedPair)
    #expect([selected.local.type, selected.remote.type].contains(.relay))
    #expect(pair.mediaFlows())
    #expect(!pair.left.selections.contains(nil))
  }

  @Test func aBrokenConnectionIsMadeAnew() throws {
    let (pair, streams) = pair(seed: 15)
    try pair.start()
    #expect(pair.connect())
    pair.network.run(for: .seconds(5))
    let first = pair.left.agent.mediaRoute
    streams.breakAll()
    #expect(pair.left.agent.mediaRoute == nil)
    #expect(pair.left.state == .disconnected)
    #expect(pair.connect())
    #expect(pair.left.agent.mediaRoute != first)
    #expect(pair.mediaFlows())
  }

  @Test func anAgentThatClosesLeavesNoConnection() throws {
    let (pair, streams) = pair(seed: 16)
    try pair.start()
    #expect(pair.connect())
    #expect(!streams.routes.isEmpty)
    for side in [pair.left, pair.right] {
      side.agent.close()
      side.drain()
    }
    pair.network.run(for: .seconds(1))
    #expect(streams.routes.isEmpty)
  }

  /// Somebody connects and says nothing: he is cut off. Too many of them are not let in.
  @Test func visitorsAreBounded() {
    let agent = ICEAgent(role: .controlled, random: SeededGenerator(seed: 1))
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    agent.addTCPAddress(address("192.0.2.1", 7000), isPassive: true, now: now)
    func disconnected() -> [Route] {
      var routes: [Route] = []
      while let output = agent.pollOutput() {
        if case .disconnect(let route) = output { routes.append(route) }
      }
      return routes
    }
    let visitors = (1...20).map {
      Route(local: address("192.0.2.1", 7000), remote: address("203.0.113.9", UInt16($0)), transport: .tcp)
    }
    for visitor in visitors { agent.connectionAccepted(visitor, now: now) }
    #expect(disconnected() == Array(visitors.suffix(4)))
    agent.handleTimeout(now: now + .seconds(39))
    #expect(disconnected().isEmpty)
    #expect(agent.nextDeadline == now + .milliseconds(39_500))
    agent.handleTimeout(now: now + .seconds(40))
    #expect(disconnected() == Array(visitors.prefix(16)))
  }

  /// What browsers tell: they connect to us from there.
  @Test(arguments: ["active", "so", ""]) func activeCandidatesOfThePeerAreNotConnectedTo(type: String) throws {
    let agent = ICEAgent(role: .controlling, random: SeededGenerator(seed: 1))
    let now = NIODeadline.uptimeNanoseconds(0)
    agent.addTCPAddress(address("192.0.2.1"), isPassive: false, now: now)
    let credentials = try ICECredentials(usernameFragment: "peer", password: "peerpeerpeerpeerpeerpeer")
    agent.setRemoteCredentials(credentials, now: now)
    let text = "candidate:2 1 tcp 1518280447 192.0.2.2 9 typ host" + (type.isEmpty ? "" : " tcptype \(type)")
    let candidate = try #require(try Candidate.parse(text))
    #expect(agent.addRemoteCandidate(candidate, now: now) == .ignored(.tcp))
    while let output = agent.pollOutput() {
      if case .connect = output { Issue.record("connects to \(text)") }
    }
  }
}

extension String {
  /// A candidate-attribute from its transport on, without priority and user name fragment.
  fileprivate var shortened: String {
    let fields = split(separator: " ")
    let end = fields.firstIndex(of: "ufrag") ?? fields.endIndex
    return ([fields[2]] + fields[4..<end]).joined(separator: " ")
  }
}
