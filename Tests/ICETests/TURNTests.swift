import ICE
import NIOCore
import TestSupport
import Testing

/// What a client does with a TURN server, its refusals and its troubles.
@Suite struct TURNTests {
  /// One transport that may use nothing but relays, and the server.
  private func client(
    seed: UInt64 = 1, _ ips: String..., turn behaviour: SimulatedTURNServer.Behaviour = .init()
  ) -> TransportPair {
    var site = Site("192.0.2.1")
    if !ips.isEmpty { site.addresses = ips }
    let pair = TransportPair(seed: seed, left: site, right: Site("192.0.2.2"), relayOnly: (true, false))
    pair.turn.behaviour = behaviour
    return pair
  }

  @Test(arguments: [ICEServer.Transport.udp, .tcp, .tls])
  func allocatesAnAddressOfEachFamily(transport: ICEServer.Transport) throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server(transport)])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.candidates.map(\.type) == [.relay, .relay])
    #expect(Set(pair.left.relayed.map(\.ip)) == ["198.51.100.1", "2001:db8:51::1"])
    // The relay policy hides our address, and the one the server sees.
    #expect(pair.left.candidates.allSatisfy { $0.relatedAddress?.ip != "192.0.2.1" })
    #expect(pair.left.transport.gatheringState == .complete)
    #expect(pair.left.problems == [])
    #expect(pair.left.sockets.tlsNames == (transport == .tls ? ["turn.example.org"] : []))
    #expect(pair.turn.errors == [401: 1])
    #expect(pair.turn.allocations.count == 1)
  }

  @Test func givesTheAllocationBack() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server(), try pair.server(.tcp)])
    pair.network.run(for: .seconds(1))
    #expect(pair.turn.allocations.count == 2)
    pair.left.transport.close(now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .seconds(1))
    #expect(pair.turn.allocations.isEmpty)
    #expect(pair.left.nextDeadline == nil)
  }

  @Test func knowsTheStrongerPasswordAlgorithm() throws {
    var behaviour = SimulatedTURNServer.Behaviour()
    behaviour.usesSHA256 = true
    behaviour.nonceLifetime = .seconds(60)
    let pair = client(turn: behaviour)
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .minutes(20))
    #expect(pair.turn.allocations.count == 1)
    #expect(pair.turn.errors[438] ?? 0 >= 2)
    #expect(pair.left.problems == [])
  }

  @Test func takesAServerThatAsksForNoPassword() throws {
    var behaviour = SimulatedTURNServer.Behaviour()
    behaviour.users = nil
    let pair = client(turn: behaviour)
    pair.left.gather(servers: [try pair.server(user: nil, password: nil)])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.count == 2)
  }

  @Test(arguments: [("alice", "wrong"), ("bob", "secret"), (nil, nil)] as [(String?, String?)])
  func saysThatThePasswordIsWrong(user: String?, password: String?) throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server(user: user, password: password), try pair.server(.tcp)])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.problems.count == 1)
    #expect(pair.left.problems.allSatisfy { $0.contains("turn:turn.example.org:3478: ") && $0.contains("password") })
    // The other transport of the server was configured right.
    #expect(pair.left.relayed.count == 2)
    #expect(pair.left.transport.gatheringState == .complete)
    #expect(pair.turn.errors[401] ?? 0 <= 3)
  }

  @Test(arguments: [0.2, 0.4]) func allocatesInSpiteOfLoss(loss: Double) throws {
    var late = 0
    for seed in 10..<30 as Range<UInt64> {
      let pair = client(seed: seed)
      pair.left.host.conditions.loss = loss / 2
      pair.turn.host.conditions.loss = loss / 2
      pair.left.gather(servers: [try pair.server()])
      pair.network.run(for: .seconds(10))
      if pair.left.relayed.isEmpty { late += 1 }
      // A server that gave no answer is asked again after a minute.
      pair.network.run(for: .seconds(200))
      #expect(pair.left.relayed.count == 2, "seed \(seed)")
    }
    #expect(late <= 4)
  }

  @Test func aSilentServerHoldsUpNothingButTheEnd() throws {
    let pair = TransportPair(seed: 3, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    let dead = [address("198.51.100.99", 3478)]
    let start = pair.network.now
    pair.left.gather(servers: [(try pair.server(.udp).0, dead), (try pair.server(.tcp).0, dead)])
    #expect(pair.left.candidates.filter { $0.type == .host }.count >= 1)
    pair.network.run(for: .seconds(30))
    let ended = try #require(pair.left.gatheringEndedAt.first)
    #expect(ended - start <= .milliseconds(10_500))
    #expect(pair.left.problems.count == 2)
    #expect(pair.left.problems.allSatisfy { $0.contains("198.51.100.99:3478") })
  }

  @Test(arguments: [ICEServer.Transport.udp, .tcp])
  func anAddressThatLeadsNowhereCostsAMoment(transport: ICEServer.Transport) throws {
    let pair = client()
    let (server, addresses) = try pair.server(transport)
    pair.left.gather(servers: [(server, [address("198.51.100.99", 3478)] + addresses)])
    pair.network.run(for: .milliseconds(400))
    #expect(pair.left.relayed.count == 2)
    #expect(pair.turn.allocations.count == 1)
  }

  @Test func aRefusedConnectionIsNamed() throws {
    let pair = client()
    pair.turn.host.listeners = []
    pair.left.gather(servers: [try pair.server(.tls)])
    pair.network.run(for: .seconds(2))
    #expect(pair.left.problems.first?.contains("connection refused") == true)
    #expect(pair.left.transport.gatheringState == .complete)
  }

  @Test func goesToTheAlternateServer() throws {
    let pair = client()
    let other = SimulatedTURNServer(at: [address("198.51.100.2")], on: pair.network)
    pair.turn.behaviour.refuses = { $0 == .allocate ? STUNErrorCode(code: 300, reason: "Try Alternate") : nil }
    pair.turn.behaviour.alternate = other.addresses[0]
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.map(\.ip) == ["198.51.100.2"])
    #expect(pair.left.problems == [])
  }

  @Test func doesNotGoInCircles() throws {
    let pair = client()
    pair.turn.behaviour.refuses = { $0 == .allocate ? STUNErrorCode(code: 300, reason: "Try Alternate") : nil }
    pair.turn.behaviour.alternate = pair.turn.addresses[0]
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(50))
    #expect(pair.turn.errors[300] ?? 0 <= 5)
    pair.network.run(for: .minutes(10))
    #expect(pair.turn.errors[300] ?? 0 <= 50)
    #expect(pair.left.problems.count == 1, "it is said once")
    #expect(pair.left.transport.gatheringState == .complete)
  }

  /// A program that has crashed left its allocation behind, and its port is used again.
  @Test func replacesAnAllocationOfBefore() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    let again = TransportEndpoint(
      .controlling, on: pair.left.host, network: pair.network, seed: 77, relayOnly: true)
    again.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    #expect(pair.turn.errors[437] == 1)
    #expect(again.relayed.count == 2)
    #expect(Set(again.relayed).isDisjoint(with: pair.left.relayed))
  }

  @Test func anAllocationOfSomebodyElseIsLeftAlone() throws {
    let pair = client()
    pair.turn.behaviour.users = ["alice": "secret", "bob": "hidden"]
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    let other = TransportEndpoint(.controlling, on: pair.left.host, network: pair.network, seed: 78, relayOnly: true)
    other.gather(servers: [try pair.server(user: "bob", password: "hidden")])
    pair.network.run(for: .seconds(5))
    #expect(other.relayed.isEmpty)
    #expect(other.problems.first?.contains("437") == true)
    #expect(pair.turn.allocations.values.map(\.user) == ["alice"])
  }

  @Test(arguments: [486, 508]) func asksABusyServerAgainAfterAMinute(code: Int) throws {
    let pair = client()
    pair.turn.behaviour.refuses = { _ in STUNErrorCode(code: code, reason: "Too much\u{1B}[2J") }
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(50))
    #expect(pair.left.problems.count == 1)
    #expect(pair.left.problems.first?.contains("error \(code): Too much[2J") == true, "and no control characters")
    #expect(pair.turn.errors[code] == 1)
    pair.turn.behaviour.refuses = { _ in nil }
    pair.network.run(for: .seconds(20))
    #expect(pair.left.relayed.count == 2)
  }

  @Test func aServerWhoseNoncesAreAlwaysStaleIsGivenUp() throws {
    let pair = client()
    pair.turn.behaviour.nonceLifetime = .zero
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .minutes(10))
    #expect(pair.turn.errors[438] ?? 0 <= 5)
    #expect(pair.left.problems.first?.contains("stale") == true)
  }

  /// coturn 4.6 passes over the attribute's number of RFC 8656.
  @Test(arguments: [0x8000, 0x8032] as [UInt16]) func relaysAtBothFamilies(attribute: UInt16) throws {
    let pair = client()
    pair.turn.behaviour.additionalAddressFamily = STUNAttributeType(rawValue: attribute)
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    #expect(Set(pair.left.relayed.map(\.family)) == [.v4, .v6])
  }

  @Test func relaysAtIPv6OnlyIfTheServerHasNothingElse() throws {
    let pair = client()
    pair.turn.behaviour.relaysIPv4 = false
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.map(\.family) == [.v6])
  }

  /// Whether it says so with what it grants or by refusing the whole.
  @Test(arguments: [true, false]) func relaysAtIPv4OnlyIfTheServerHasNothingElse(refuses: Bool) throws {
    let pair = client()
    pair.turn.behaviour.relaysIPv6 = false
    pair.turn.behaviour.rejectsAdditionalFamily = refuses
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.map(\.family) == [.v4])
    #expect(pair.turn.errors[440] == (refuses ? 1 : nil))
  }

  /// The server takes our port for another user's.
  @Test func anAllocationOfWrongCredentialsIsMadeAnew() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    pair.turn.behaviour.refuses = { $0 == .refresh ? STUNErrorCode(code: 441, reason: "Wrong Credentials") : nil }
    #expect(pair.network.run(limit: .minutes(10)) { !pair.left.problems.isEmpty })
    #expect(pair.left.problems.first?.contains("441") == true)
    #expect(pair.left.transport.localCandidates.isEmpty)
    pair.turn.behaviour.refuses = { _ in nil }
    pair.network.run(for: .seconds(30))
    #expect(pair.left.transport.localCandidates.count == 2)
    #expect(pair.left.relayed.count == 4)
  }

  @Test func doesNotBelieveForgedResponses() throws {
    let pair = client()
    pair.turn.behaviour.forgesResponses = true
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(20))
    #expect(pair.left.relayed.isEmpty)
    #expect(pair.left.problems.count == 1)
    #expect(pair.left.transport.relayStatistics.discarded >= 5)
    #expect(pair.left.transport.gatheringState == .complete)
  }

  @Test(arguments: [60, 120, 600, 3600] as [UInt32]) func refreshesInTime(lifetime: UInt32) throws {
    let pair = client()
    pair.turn.behaviour.lifetime = lifetime
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .hours(2))
    let allocation = try #require(pair.turn.allocations.values.first)
    #expect(allocation.expires > pair.network.now)
    #expect(pair.left.relayed.count == 2, "it is still the first")
    let refreshes = pair.turn.requests[.refresh] ?? 0
    #expect(refreshes >= 7200 / Int(lifetime) && refreshes <= 7200 / Int(lifetime) * 3)
  }

  /// While the callee's phone rings nothing else is sent on a relay.
  @Test func keepsTheMappingOfTheNATBefore() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(1))
    let before = pair.turn.host.received
    pair.network.run(for: .seconds(61))
    #expect((3...5).contains(pair.turn.host.received - before))
  }

  @Test func makesALostAllocationAnew() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(30))
    pair.turn.restart()
    pair.network.run(for: .minutes(10))
    #expect(pair.turn.allocations.count == 1)
    #expect(pair.left.relayed.count == 4)
    #expect(pair.left.problems.first?.contains("437") == true)
  }

  /// Time-limited credentials run out while the call goes on.
  @Test func credentialsThatRunOutAreNamed() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(30))
    pair.turn.behaviour.users = ["alice": "another"]
    pair.network.run(for: .minutes(30))
    #expect(pair.left.problems.count == 1)
    #expect(pair.left.problems.first?.contains("password") == true)
    #expect(pair.left.transport.localCandidates.isEmpty)
  }

  /// The chat server hands out others before they run out; or afterwards, and then the relay comes back.
  @Test(arguments: [true, false]) func newCredentialsTakeTheirPlace(inTime: Bool) throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server()])
    pair.network.run(for: .seconds(30))
    pair.turn.behaviour.users = ["bob": "another"]
    if !inTime {
      pair.network.run(for: .minutes(30))
      #expect(pair.left.transport.localCandidates.isEmpty)
    }
    pair.left.transport.renewCredentials(
      of: try pair.server(user: "bob", password: "another").0, now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: inTime ? .minutes(30) : .seconds(1))
    #expect(pair.left.transport.localCandidates.count == 2)
    #expect(pair.turn.allocations.values.contains { $0.user == "bob" })
  }

  @Test func newCredentialsBringARefusedRelayBack() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server(password: "wrong"), try pair.server(.tcp, password: "wrong")])
    pair.network.run(for: .seconds(1))
    #expect(pair.left.problems.count == 2)
    pair.left.transport.renewCredentials(of: try pair.server(.tcp).0, now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .seconds(1))
    // The other has an URI of its own.
    #expect(pair.left.relayed.count == 2)
  }

  @Test func moreServersThanAnyoneNeedsAreNotUsed() throws {
    let pair = client()
    pair.left.gather(servers: try (0..<12).map { _ in try pair.server(.tcp) })
    pair.network.run(for: .seconds(1))
    #expect(pair.turn.allocations.count == 8)
    #expect(pair.left.problems.count == 4)
  }

  @Test func aSTUNServerOverTLSIsOfNoUse() throws {
    let pair = client()
    pair.left.gather(servers: [(try ICEServer(uri: "stuns:stun.example.org"), pair.turn.secureAddresses)])
    #expect(pair.left.problems.first?.contains("stun:") == true)
    #expect(pair.left.transport.gatheringState == .complete)
  }

  // MARK: - Addresses that come and go

  @Test func theAllocationMovesWithTheNetwork() throws {
    let pair = client(seed: 5, "192.0.2.1", "192.0.2.7")
    pair.left.gather(servers: [try pair.server(), try pair.server(.tcp)])
    pair.network.run(for: .seconds(1))
    let before = pair.left.relayed
    #expect(before.count == 4)
    pair.left.transport.removeLocalAddress(pair.left.bases[0], now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.transport.localCandidates.isEmpty)
    pair.network.run(for: .seconds(1))
    #expect(pair.left.transport.localCandidates.count == 4)
    #expect(pair.turn.allocations.keys.contains { $0.address.ip == "192.0.2.7" })
  }

  @Test func waitsForAnAddress() throws {
    let pair = client()
    let (server, addresses) = try pair.server()
    pair.left.transport.addServer(server, addresses: addresses, now: pair.network.now)
    pair.left.transport.endOfLocalAddresses(now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.transport.gatheringState == .complete)
    pair.left.transport.addLocalAddress(pair.left.bases[0], now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.count == 2)
  }

  @Test func anICERestartTriesFailedServersAgainAndKeepsTheOthers() throws {
    let pair = client()
    pair.left.gather(servers: [try pair.server(), try pair.server(.tcp, user: "bob")])
    pair.network.run(for: .seconds(1))
    pair.turn.behaviour.users = ["alice": "secret", "bob": "secret"]
    pair.left.transport.restart(now: pair.network.now)
    pair.left.drain()
    #expect(pair.left.transport.localCandidates.count == 2, "told again at once")
    pair.network.run(for: .seconds(1))
    #expect(pair.left.transport.localCandidates.count == 4)
  }
}
