import ICE
import NIOCore
import TestSupport
import Testing

/// Whole calls over relays and TCP.
@Suite struct TransportTests {
  /// Behind NATs that let nothing through to each other.
  private static func behindSymmetricNATs(seed: UInt64, relayOnly: (Bool, Bool) = (false, false)) -> TransportPair {
    TransportPair(
      seed: seed, left: Site("10.0.0.2", behind: .symmetric, as: "203.0.113.1"),
      right: Site("10.0.1.2", behind: .symmetric, as: "203.0.113.2"), relayOnly: relayOnly)
  }

  static let transports: [ICEServer.Transport] = [.udp, .tcp, .tls]

  @Test(arguments: transports, transports)
  func callsFromRelayToRelay(left: ICEServer.Transport, right: ICEServer.Transport) throws {
    let pair = Self.behindSymmetricNATs(seed: 1, relayOnly: (true, true))
    pair.start(left: [try pair.server(left)], right: [try pair.server(right)])
    #expect(pair.connect(limit: .seconds(5)))
    #expect(pair.mediaFlows())
    for side in pair.sides {
      #expect(side.selectedTypes == [.relay, .relay])
      #expect(side.candidates.allSatisfy { $0.type == .relay })
      #expect(side.problems == [])
    }
    // Media goes on channels once they are bound, and nothing is refused.
    let before = (pair.turn.channelMessages, pair.turn.sendIndications)
    let media = pair.exchangeMedia(for: .seconds(2), every: .milliseconds(20))
    #expect((media.fromLeft, media.fromRight) == (media.sent, media.sent))
    #expect(pair.turn.channelMessages - before.0 >= 2 * media.sent)
    #expect(pair.turn.refused == 0)
  }

  /// Only one side has a relay, and the other can't be reached but through it.
  @Test(arguments: transports, [true, false])
  func callsFromRelayToHost(transport: ICEServer.Transport, leftHasRelay: Bool) throws {
    let pair = TransportPair(
      seed: 2, left: Site("10.0.0.2", behind: .symmetric, as: "203.0.113.1"),
      right: Site("10.0.1.2", behind: .symmetric, as: "203.0.113.2"))
    let (relay, other) = ([try pair.server(transport)], [try pair.stun()])
    pair.start(left: leftHasRelay ? relay : other, right: leftHasRelay ? other : relay)
    #expect(pair.connect(limit: .seconds(10)))
    #expect(pair.mediaFlows())
    let types: [CandidateType] = [.relay, .peerReflexive]
    #expect(pair.left.selectedTypes == (leftHasRelay ? types : types.reversed()))
  }

  @Test func aRelayIsTheLastResort() throws {
    let pair = TransportPair(
      seed: 3, left: Site("10.0.0.2", behind: .portRestricted, as: "203.0.113.1"), right: Site("192.0.2.2"))
    pair.start(left: [try pair.server()], right: [try pair.server(.tcp)])
    #expect(pair.connect())
    pair.network.run(for: .seconds(3))
    for side in pair.sides { #expect(!side.selectedTypes.contains(.relay)) }
    #expect(pair.mediaFlows())
  }

  /// The TURN server tells our reflexive address as a STUN server does: no other is needed to pass friendly NATs.
  @Test func aTURNServerOverUDPIsASTUNServer() throws {
    let pair = TransportPair(
      seed: 4, left: Site("10.0.0.2", behind: .portRestricted, as: "203.0.113.1"),
      right: Site("10.0.1.2", behind: .portRestricted, as: "203.0.113.2"))
    pair.start(left: [try pair.server()], right: [try pair.server()])
    #expect(pair.connect())
    #expect(pair.left.candidates.contains { $0.type == .serverReflexive })
    pair.network.run(for: .seconds(3))
    for side in pair.sides { #expect(!side.selectedTypes.contains(.relay)) }
  }

  @Test func relaysToIPv6() throws {
    let pair = TransportPair(
      seed: 5, left: Site("192.0.2.1"), right: Site("2001:db8::2"), relayOnly: (true, false))
    pair.start(left: [try pair.server()])
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    #expect(pair.left.transport.selectedPair?.route.remote == pair.right.bases[0])
  }

  @Test func thirtyMinutesOfShortNoncesLoseNothing() throws {
    let pair = Self.behindSymmetricNATs(seed: 6, relayOnly: (true, true))
    pair.turn.behaviour.nonceLifetime = .seconds(60)
    pair.start(left: [try pair.server()], right: [try pair.server(.tcp)])
    #expect(pair.connect())
    let media = pair.exchangeMedia(for: .minutes(30), every: .seconds(1))
    #expect((media.fromLeft, media.fromRight) == (media.sent, media.sent))
    #expect(media.sent == 1800)
    #expect(pair.turn.errors[438] ?? 0 > 20)
    #expect(pair.turn.refused == 0)
    for side in pair.sides { #expect(side.selections.count <= 3, "the way has not changed") }
  }

  /// A peer whose address the server will not relay to is no reason to give up the others.
  @Test func aForbiddenPeerIsNoTrouble() throws {
    let pair = TransportPair(seed: 7, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    pair.turn.behaviour.refuses = {
      $0 == .createPermission ? STUNErrorCode(code: 403, reason: "Forbidden") : nil
    }
    pair.start(left: [try pair.server()], right: [])
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    #expect(pair.turn.errors[403] ?? 0 >= 1)
    #expect(pair.turn.errors[403] ?? 0 <= 4, "it is not asked again and again")
    #expect(pair.left.relayed.count == 2)
  }

  @Test func withoutChannelsIndicationsCarryMedia() throws {
    let pair = Self.behindSymmetricNATs(seed: 8, relayOnly: (true, false))
    pair.turn.behaviour.refuses = { $0 == .channelBind ? STUNErrorCode(code: 508, reason: "No channels") : nil }
    pair.start(left: [try pair.server()], right: [try pair.stun()])
    #expect(pair.connect())
    let media = pair.exchangeMedia(for: .seconds(5), every: .milliseconds(50))
    #expect((media.fromLeft, media.fromRight) == (media.sent, media.sent))
    #expect(pair.turn.channelMessages == 0)
    #expect(pair.turn.errors[508] ?? 0 <= 2)
  }

  enum Trouble: CaseIterable {
    /// The server has begun anew.
    case newServer
    /// The boxes before both sides have.
    case newBoxes
    /// Streams take everything and carry nothing.
    case deadStreams

    func happen(to pair: TransportPair) {
      switch self {
      case .newServer: pair.turn.restart()
      case .newBoxes: for side in pair.sides { side.host.nat?.forget() }
      case .deadStreams:
        for case .stream(let stream) in pair.turn.allocations.keys { stream.swallow() }
      }
    }
  }

  /// Nobody says that the relay is gone. With a restart or without one the call is back within seconds.
  @Test(
    arguments: [
      (ICEServer.Transport.udp, Trouble.newServer), (.tcp, .newServer), (.udp, .newBoxes), (.tcp, .deadStreams),
      (.tls, .deadStreams),
    ], [true, false])
  func aServerThatForgetsCostsSecondsAndNoCall(
    how: (transport: ICEServer.Transport, trouble: Trouble), restarts: Bool
  ) throws {
    let pair = Self.behindSymmetricNATs(seed: 9, relayOnly: (true, true))
    pair.start(left: [try pair.server(how.transport)], right: [try pair.server(how.transport)])
    #expect(pair.connect())
    pair.network.run(for: .seconds(20))
    how.trouble.happen(to: pair)
    pair.network.run(for: .seconds(6))
    if restarts {
      for side in pair.sides {
        side.transport.restart(now: pair.network.now)
        side.drain()
      }
      pair.network.schedule(after: .milliseconds(50)) { pair.exchangeCredentials() }
    }
    pair.network.run(for: .seconds(9))
    #expect(pair.mediaFlows())
    for side in pair.sides {
      #expect(side.relayed.count >= 4)
      #expect(side.isConnected)
      #expect(!side.states.contains(.failed))
    }
  }

  /// A server out of reach for a while still has its allocations: neither side makes another.
  @Test func anOutageBeforeTheServerCostsNoRelay() throws {
    let pair = Self.behindSymmetricNATs(seed: 14, relayOnly: (true, true))
    pair.start(left: [try pair.server()], right: [try pair.server()])
    #expect(pair.connect())
    pair.network.run(for: .seconds(20))
    let before = pair.sides.map(\.relayed)
    pair.turn.host.conditions.isDown = true
    pair.network.run(for: .seconds(20))
    pair.turn.host.conditions.isDown = false
    pair.network.run(for: .seconds(1))
    #expect(pair.mediaFlows())
    #expect(pair.sides.map(\.relayed) == before)
  }

  @Test func aStreamThatBreaksIsMadeAnew() throws {
    let pair = Self.behindSymmetricNATs(seed: 10, relayOnly: (true, false))
    pair.start(left: [try pair.server(.tcp)], right: [try pair.stun()])
    #expect(pair.connect())
    pair.network.run(for: .seconds(20))
    for client in pair.turn.allocations.keys {
      if case .stream(let stream) = client { stream.close() }
    }
    #expect(pair.network.run(limit: .seconds(10)) { pair.left.relayed.count == 4 })
    #expect(pair.left.problems.count == 1)
    pair.network.run(for: .seconds(5))
    #expect(pair.mediaFlows())
  }

  /// Its connections break before it listens again: the first new one is refused, and another is made soon.
  @Test func aServerThatIsStartedAnewIsAskedAgainAfterASecond() throws {
    let pair = Self.behindSymmetricNATs(seed: 10, relayOnly: (true, false))
    pair.start(left: [try pair.server(.tcp)], right: [try pair.stun()])
    #expect(pair.connect())
    pair.network.run(for: .seconds(20))
    let before = pair.left.relayed.count
    let listeners = pair.turn.host.listeners
    pair.turn.host.listeners = []
    for client in pair.turn.allocations.keys {
      if case .stream(let stream) = client { stream.close() }
    }
    pair.network.run(for: .milliseconds(600))
    #expect(pair.left.problems.contains { $0.contains("refused") })
    pair.turn.host.listeners = listeners
    #expect(pair.network.run(limit: .milliseconds(900)) { pair.left.relayed.count > before })
    pair.network.run(for: .seconds(1))
    #expect(pair.mediaFlows())
  }

  // MARK: - ICE-TCP

  /// A network that carries no UDP: the passive side listens, the other connects.
  @Test(arguments: [true, false]) func callsOverTCPWhereNoUDPGetsThrough(leftIsPassive: Bool) throws {
    let pair = TransportPair(seed: 11, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    for side in pair.sides { side.host.loses = { _, _ in true } }
    let (passive, active) = leftIsPassive ? (pair.left, pair.right) : (pair.right, pair.left)
    let listener = passive.bases[0].with(port: 7000)
    passive.host.listeners = [listener]
    passive.transport.addTCPAddress(listener, isPassive: true, now: pair.network.now)
    active.transport.addTCPAddress(active.bases[0].with(port: 0), isPassive: false, now: pair.network.now)
    pair.start()
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    #expect(pair.left.transport.selectedPair?.route.transport == .tcp)
    let media = pair.exchangeMedia(for: .seconds(60))
    #expect((media.fromLeft, media.fromRight) == (media.sent, media.sent))
    pair.left.transport.close(now: pair.network.now)
    pair.left.drain()
    pair.network.run(for: .seconds(1))
    #expect(!pair.left.sendMedia("late"))
  }

  @Test func strangersWithNothingToSayAreCutOff() throws {
    let pair = TransportPair(seed: 12, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    let listener = pair.left.bases[0].with(port: 7000)
    pair.left.host.listeners = [listener]
    pair.left.transport.addTCPAddress(listener, isPassive: true, now: pair.network.now)
    pair.start()
    let strangers = (0..<100).map { _ in pair.turn.host.connect(from: pair.turn.addresses[0], to: listener) }
    pair.network.run(for: .seconds(1))
    #expect(strangers.count(where: \.isOpen) <= 16)
    for (index, stranger) in strangers.enumerated() {
      stranger.send(ByteBuffer(repeating: UInt8(truncatingIfNeeded: index), count: 1000))
    }
    pair.network.run(for: .seconds(60))
    #expect(strangers.allSatisfy { !$0.isOpen })
    #expect(pair.left.media.isEmpty)
  }

  // MARK: - Whom to believe

  /// More addresses than are remembered prove to be the peer's; the path stays what it was.
  @Test func manyAddressesOfThePeerDoNotSupersedeThePath() throws {
    let pair = TransportPair(seed: 15, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    pair.start()
    #expect(pair.connect())
    let (left, right, now) = (pair.left.transport, pair.right.transport, pair.network.now)
    var random = SeededGenerator(seed: 1)
    func receive(_ datagram: ByteBuffer, from port: UInt16) -> Bool {
      let remote = pair.right.bases[0].with(port: port)
      guard case .application = left.receive(datagram, from: remote, to: pair.left.bases[0], now: now) else {
        return false
      }
      return true
    }
    let media = ByteBuffer(string: "media")
    for port in 6000..<6100 as Range<UInt16> {
      #expect(!receive(media, from: port))
      var check = STUNWriter(.request, transactionID: STUNTransactionID(using: &random))
      check.append(
        .username, text: "\(left.localCredentials.usernameFragment):\(right.localCredentials.usernameFragment)")
      check.append(.priority, integer: UInt32(1))
      check.append(.iceControlled, integer: UInt64(1))
      _ = receive(check.finish(key: left.localCredentials.password.utf8), from: port)
      #expect(receive(media, from: port))
    }
    #expect(receive(media, from: 6080))
    #expect(!receive(media, from: 6001))
    #expect(receive(media, from: pair.right.bases[0].port))
  }

  /// Without a NAT the server sees us as we are: that is not told either.
  @Test(arguments: transports) func aHiddenAddressIsNotTheRelatedOneOfARelay(transport: ICEServer.Transport) throws {
    let pair = TransportPair(seed: 16, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    pair.left.name = "left.local"
    pair.start(left: [try pair.server(transport)])
    #expect(pair.connect())
    pair.network.run(for: .seconds(1))
    #expect(pair.left.relayed.count == 2)
    #expect(pair.left.candidates.allSatisfy { !$0.attribute.contains("192.0.2.1") })
  }

  @Test func dataOfStrangersIsNotDelivered() throws {
    let pair = Self.behindSymmetricNATs(seed: 13, relayOnly: (true, false))
    pair.start(left: [try pair.server()], right: [try pair.stun()])
    #expect(pair.connect())
    let refused = pair.turn.refused
    let relayed = try #require(pair.left.relayed.first { $0.family == .v4 })
    let stranger = pair.network.addHost([address("192.0.2.66")])
    stranger.send(ByteBuffer(string: "spam"), from: address("192.0.2.66", 9), to: relayed)
    pair.network.run(for: .seconds(1))
    #expect(!pair.left.media.contains("spam"))
    #expect(pair.turn.refused == refused + 1)
  }
}
