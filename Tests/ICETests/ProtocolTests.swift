import ICE
import NIOCore
import TestSupport
import Testing

/// One agent against a peer made of single messages.
@Suite struct ProtocolTests {
  static let base = address("192.0.2.1", 5000)
  static let peer = address("192.0.2.2", 6000)
  static let direct = Route(local: base, remote: peer)
  private let remote: ICECredentials
  private let agent: ICEAgent
  private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private var random = SeededGenerator(seed: 99)

  init() throws {
    remote = try ICECredentials(usernameFragment: "peer", password: "peerpeerpeerpeerpeerpeer")
    agent = ICEAgent(role: .controlling, random: SeededGenerator(seed: 1))
    agent.addLocalAddress(Self.base, now: now)
  }

  /// What the agent sent since the last call.
  private func sent() -> [(message: STUNMessage, remote: TransportAddress)] {
    var messages: [(STUNMessage, TransportAddress)] = []
    while let output = agent.pollOutput() {
      if case .transmit(let datagram, let route) = output, let message = try? STUNMessage(parsing: datagram) {
        messages.append((message, route.remote))
      }
    }
    return messages
  }

  private mutating func check(
    username: String? = nil, password: String? = nil, _ write: (inout STUNWriter) -> Void = { _ in }
  ) -> ByteBuffer {
    var writer = STUNWriter(.request, transactionID: STUNTransactionID(using: &random))
    writer.append(.username, text: username ?? "\(agent.localCredentials.usernameFragment):peer")
    writer.append(.priority, integer: UInt32(100))
    write(&writer)
    return writer.finish(key: (password ?? agent.localCredentials.password).utf8)
  }

  private func answer(
    _ request: STUNMessage, error: STUNErrorCode? = nil, password: String? = nil, mapped: TransportAddress = base
  ) -> ByteBuffer {
    var writer = STUNWriter(error == nil ? .successResponse : .errorResponse, transactionID: request.transactionID)
    if let error { writer.append(error) } else { writer.append(xorMappedAddress: mapped) }
    return writer.finish(key: (password ?? remote.password).utf8)
  }

  private func startChecking() throws -> STUNMessage {
    agent.setRemoteCredentials(remote, now: now)
    agent.addRemoteCandidate(
      Candidate(foundation: "1", priority: 2_130_706_431, address: .ip(Self.peer), type: .host), now: now)
    return try #require(sent().first?.message)
  }

  // MARK: Checks of ours

  @Test func checksCarryWhatRFC8445AsksFor() throws {
    let check = try startChecking()
    #expect(check.username == "peer:\(agent.localCredentials.usernameFragment)")
    #expect(check.isAuthentic(key: remote.password.utf8))
    #expect(check.hasFingerprint)
    #expect(check.priority == UInt32(110) << 24 | 65535 << 8 | 255)
    #expect(check.iceControlling != nil && check.iceControlled == nil)
    #expect(!check.useCandidate)
  }

  @Test func nominatesWithASecondCheck() throws {
    let check = try startChecking()
    agent.receive(answer(check), on: Self.direct, now: now)
    #expect(agent.connectionState == .connected)
    #expect(agent.selectedPair?.isNominated == false)
    let nomination = try #require(sent().first?.message)
    #expect(nomination.useCandidate)
    agent.receive(answer(nomination), on: Self.direct, now: now)
    #expect(agent.selectedPair?.isNominated == true)
    #expect(agent.connectionState == .completed)
  }

  @Test func learnsItsPeerReflexiveAddress() throws {
    let check = try startChecking()
    let mapped = address("203.0.113.1", 7000)
    agent.receive(answer(check, mapped: mapped), on: Self.direct, now: now)
    #expect(agent.selectedPair?.local.type == .peerReflexive)
    #expect(agent.selectedPair?.local.transportAddress == mapped)
    #expect(agent.selectedPair?.localAddress == Self.base)
  }

  @Test func answersThatAreNotAuthenticChangeNothing() throws {
    let check = try startChecking()
    #expect(!agent.receive(answer(check, password: "other"), on: Self.direct, now: now))
    let conflict = answer(check, error: .roleConflict, password: "other")
    #expect(!agent.receive(conflict, on: Self.direct, now: now))
    #expect(agent.connectionState == .checking)
    #expect(agent.currentRole == .controlling)
    // The right answer is still taken.
    #expect(agent.receive(answer(check), on: Self.direct, now: now))
    #expect(agent.connectionState == .connected)
    // And once only.
    #expect(!agent.receive(answer(check), on: Self.direct, now: now))
  }

  /// What is not signed may be anybody's; but who finds a request malformed can't sign what it says.
  @Test(arguments: [(403, "other", false), (420, "other", true), (400, "other", true), (403, nil, true)])
  func errorsFailThePairIfTheyMayBeBelieved(code: Int, password: String?, isBelieved: Bool) throws {
    let check = try startChecking()
    let error = answer(check, error: STUNErrorCode(code: code, reason: "No"), password: password)
    let elsewhere = Route(local: Self.base, remote: address("192.0.2.3", 6000))
    #expect(!agent.receive(error, on: elsewhere, now: now))
    #expect(agent.receive(error, on: Self.direct, now: now) == isBelieved)
    #expect(agent.receive(answer(check), on: Self.direct, now: now) == !isBelieved)
  }

  @Test func answersFromElsewhereFailThePair() throws {
    let check = try startChecking()
    agent.receive(answer(check), on: Route(local: Self.base, remote: address("192.0.2.3", 6000)), now: now)
    #expect(agent.mediaRoute == nil)
    agent.handleTimeout(now: now + .seconds(10))
    #expect(sent().isEmpty)
  }

  @Test func waitsForCandidatesAsLongAsRFC8863Says() throws {
    agent.setRemoteCredentials(remote, now: now)
    agent.handleTimeout(now: now + .milliseconds(39_499))
    #expect(agent.connectionState == .checking)
    #expect(agent.nextDeadline == now + .milliseconds(39_500))
    agent.handleTimeout(now: now + .milliseconds(39_500))
    #expect(agent.connectionState == .failed)
  }

  @Test mutating func hopeBeginsAnewWithEachCandidate() throws {
    _ = try startChecking()
    let later = now + .seconds(30)
    agent.handleTimeout(now: later)
    agent.addRemoteCandidate(
      Candidate(foundation: "2", priority: 1, address: .ip(address("192.0.2.9", 1)), type: .host), now: later)
    while let deadline = agent.nextDeadline, deadline < later + .milliseconds(39_500) {
      agent.handleTimeout(now: deadline)
      #expect(agent.connectionState == .checking)
    }
    agent.handleTimeout(now: later + .seconds(41))
    #expect(agent.connectionState == .failed)
  }

  // MARK: Checks of the peer

  @Test mutating func answersChecksBeforeItKnowsThePeer() throws {
    agent.receive(check(), on: Self.direct, now: now)
    let response = try #require(sent().first)
    #expect(response.message.messageClass == .successResponse)
    #expect(response.message.mappedAddress == Self.peer)
    #expect(response.message.isAuthentic(key: agent.localCredentials.password.utf8))
    #expect(response.message.hasFingerprint)
    #expect(response.remote == Self.peer)
    // It checks back as soon as it can.
    agent.setRemoteCredentials(remote, now: now)
    #expect(sent().map(\.remote) == [Self.peer])
  }

  @Test mutating func neverAnswersWhatIsNotAuthentic() {
    let own = agent.localCredentials
    let requests = [
      check(password: "wrong"), check(username: "other:peer"), check(username: own.usernameFragment),
      check(username: ""),
      STUNWriter(.request, transactionID: STUNTransactionID(using: &random)).finish(),
      STUNWriter(.request, transactionID: STUNTransactionID(using: &random)).finish(key: own.password.utf8),
      ByteBuffer(string: "not STUN at all, but long enough for it"),
    ]
    for request in requests {
      #expect(!agent.receive(request, on: Self.direct, now: now))
    }
    #expect(sent().isEmpty)
    #expect(agent.statistics.discarded == requests.count)
    #expect(agent.statistics.requestsReceived == 0)
  }

  @Test mutating func answersUnknownAttributesWith420() throws {
    let strange = STUNAttributeType(rawValue: 0x7FFE)
    let optional = STUNAttributeType(rawValue: 0xFFFE)
    let request = check {
      $0.append(strange, integer: UInt32(1))
      $0.append(optional, integer: UInt32(1))
    }
    agent.receive(request, on: Self.direct, now: now)
    let response = try #require(sent().first?.message)
    #expect(response.errorCode?.code == 420)
    #expect(response.unknownAttributes == [strange])
  }

  @Test mutating func answersACheckWithoutPriorityWith400() throws {
    var writer = STUNWriter(.request, transactionID: STUNTransactionID(using: &random))
    writer.append(.username, text: "\(agent.localCredentials.usernameFragment):peer")
    agent.receive(writer.finish(key: agent.localCredentials.password.utf8), on: Self.direct, now: now)
    #expect(try #require(sent().first?.message).errorCode?.code == 400)
  }

  // MARK: Roles

  @Test mutating func tellsThePeerToSwitchWhenItsTieBreakerIsLess() throws {
    agent.receive(check { $0.append(.iceControlling, integer: UInt64(0)) }, on: Self.direct, now: now)
    #expect(try #require(sent().first?.message).errorCode?.code == 487)
    #expect(agent.currentRole == .controlling)
  }

  @Test mutating func switchesWhenThePeersTieBreakerIsGreater() throws {
    agent.receive(check { $0.append(.iceControlling, integer: UInt64.max) }, on: Self.direct, now: now)
    #expect(try #require(sent().first?.message).messageClass == .successResponse)
    #expect(agent.currentRole == .controlled)
    agent.receive(check { $0.append(.iceControlled, integer: UInt64(0)) }, on: Self.direct, now: now)
    #expect(agent.currentRole == .controlling)
  }

  @Test func switchesWhenToldTo() throws {
    let check = try startChecking()
    let tieBreaker = check.iceControlling
    agent.receive(answer(check, error: .roleConflict), on: Self.direct, now: now)
    #expect(agent.currentRole == .controlled)
    agent.handleTimeout(now: now + .milliseconds(60))
    let again = try #require(sent().first?.message)
    #expect(again.transactionID != check.transactionID)
    #expect(again.iceControlling == nil)
    #expect(again.iceControlled != nil && again.iceControlled != tieBreaker)
  }

  /// Both found the conflict at once: the peer's check made us switch, then its 487 to our older check comes in.
  @Test mutating func aStale487IsIgnored() throws {
    let ours = try startChecking()
    agent.receive(check { $0.append(.iceControlling, integer: UInt64.max) }, on: Self.direct, now: now)
    #expect(agent.currentRole == .controlled)
    agent.receive(answer(ours, error: .roleConflict), on: Self.direct, now: now)
    #expect(agent.currentRole == .controlled)
    agent.handleTimeout(now: now + .milliseconds(60))
    #expect(sent().contains { $0.message.iceControlled != nil })
  }

  @Test(arguments: [ICEAgent.Role.controlling, .controlled], 0..<10)
  func agentsOfOneRoleAgree(role: ICEAgent.Role, seed: UInt64) throws {
    let pair = AgentPair(seed: 300 + seed, left: Site("192.0.2.1"), right: Site("192.0.2.2"), roles: (role, role))
    try pair.start()
    #expect(pair.connect())
    #expect(pair.left.agent.currentRole != pair.right.agent.currentRole)
    #expect(pair.mediaFlows())
  }

  // MARK: A peer that nominates aggressively

  @Test mutating func takesAggressiveNomination() throws {
    agent.setRole(.controlled, now: now)
    let second = address("192.0.2.2", 6001)
    agent.setRemoteCredentials(remote, now: now)
    for (peer, priority) in [(Self.peer, UInt32(1000)), (second, 2000)] {
      agent.addRemoteCandidate(
        Candidate(foundation: "1", priority: priority, address: .ip(peer), type: .host), now: now)
      now = now + .milliseconds(100)
      agent.handleTimeout(now: now)
    }
    let checks = sent().filter { $0.message.messageClass == .request }
    let toFirst = try #require(checks.first { $0.remote == Self.peer }?.message)
    let toSecond = try #require(checks.first { $0.remote == second }?.message)
    // Every check of the peer nominates.
    for peer in [Self.peer, second] {
      let request = check {
        $0.append(.iceControlling, integer: UInt64(5))
        $0.append(.useCandidate)
      }
      agent.receive(request, on: Route(local: Self.base, remote: peer), now: now)
    }
    #expect(agent.selectedPair == nil)  // not valid yet
    agent.receive(answer(toFirst), on: Self.direct, now: now)
    #expect(agent.selectedPair?.remoteAddress == Self.peer)
    #expect(agent.selectedPair?.isNominated == true)
    agent.receive(answer(toSecond), on: Route(local: Self.base, remote: second), now: now)
    #expect(agent.selectedPair?.remoteAddress == second)
    #expect(agent.selectedPair?.isNominated == true)
    // A nomination of the lesser pair again does not bring it back.
    let request = check {
      $0.append(.iceControlling, integer: UInt64(5))
      $0.append(.useCandidate)
    }
    agent.receive(request, on: Self.direct, now: now)
    #expect(agent.selectedPair?.remoteAddress == second)
  }

  // MARK: Generations

  @Test func aClosedAgentIsSilent() throws {
    _ = try startChecking()
    agent.close()
    _ = sent()
    #expect(agent.nextDeadline == nil)
    #expect(
      agent.addRemoteCandidate(
        Candidate(foundation: "1", priority: 1, address: .ip(Self.peer), type: .host), now: now) == .ignored(.closed))
    agent.handleTimeout(now: now + .seconds(60))
    agent.restart(now: now + .seconds(60))
    #expect(sent().isEmpty)
    #expect(agent.connectionState == .closed)
  }

  @Test func newCredentialsOfThePeerBeginANewGeneration() throws {
    _ = try startChecking()
    let old = agent.localCredentials
    let renewed = try ICECredentials(usernameFragment: "again", password: "peerpeerpeerpeerpeerpeer")
    agent.setRemoteCredentials(renewed, now: now)
    #expect(agent.localCredentials != old)
    #expect(agent.localCandidates.map(\.usernameFragment) == [agent.localCredentials.usernameFragment])
    let stale = Candidate(foundation: "1", priority: 1, address: .ip(Self.peer), type: .host)
    #expect(agent.addRemoteCandidate(stale, usernameFragment: "peer", now: now) == .ignored(.otherGeneration))
    #expect(agent.addRemoteCandidate(stale, usernameFragment: "again", now: now) == .added)
  }

  /// The peer goes on telling of the generation that is then gone back to.
  @Test func candidatesThatCameBeforeAnUndoneRestartAreKept() throws {
    agent.setRemoteCredentials(remote, now: now)
    let name = "ea4a316a-f6e6-474c-b1fb-fc1a5506e406.local"
    func add(_ text: String) throws -> ICEAgent.CandidateDisposition {
      agent.addRemoteCandidate(try #require(try Candidate.parse(text)), now: now)
    }
    #expect(try add("candidate:1 1 udp 1 \(name) 5000 typ host ufrag peer") == .held)
    agent.restart(now: now)
    #expect(try add("candidate:2 1 udp 1 192.0.2.2 6000 typ host ufrag peer") == .added)
    #expect(try add("candidate:3 1 udp 1 192.0.2.3 6000 typ host ufrag other") == .added)
    // In vain: it belongs to the generation before.
    agent.resolved(name, to: [address("192.0.2.4")], now: now)
    _ = sent()
    agent.undoRestart(now: now)
    agent.resolved(name, to: [address("192.0.2.4")], now: now)
    agent.handleTimeout(now: now + .milliseconds(100))
    #expect(Set(sent().map(\.remote)) == [Self.peer, address("192.0.2.4", 5000)])
  }

  @Test(arguments: [
    ("abc", "abcdefghijklmnopqrstuv"), ("abcd", "abcdefghijklmnopqrstu"), ("ab:d", "abcdefghijklmnopqrstuv"),
  ])
  func refusesBadCredentials(fragment: String, password: String) {
    #expect(throws: ICECredentialsError.self) { try ICECredentials(usernameFragment: fragment, password: password) }
  }

  // MARK: Fuzz

  /// Random, mutated and replayed packets from many addresses at random times: nothing traps, everything stays bounded,
  /// time goes on, and the honest peer still gets through.
  @Test(arguments: 0..<6) func standsAStormOfPackets(seed: UInt64) throws {
    let pair = AgentPair(seed: 500 + seed, left: Site("192.0.2.1"), right: Site("192.0.2.2"))
    var random = SeededGenerator(seed: seed)
    var seen: [ByteBuffer] = STUNTests.samples
    for side in [pair.left, pair.right] {
      side.host.loses = { datagram, _ in
        if seen.count < 200 { seen.append(datagram) }
        return false
      }
    }
    try pair.start()
    for round in 0..<1500 {
      guard var datagram = seen.randomElement(using: &random) else { continue }
      if Int.random(in: 0..<8, using: &random) > 0 { mutate(&datagram, using: &random) }
      let source = address(
        "192.0.2.\(Int.random(in: 1...254, using: &random))", UInt16.random(in: 1...65535, using: &random))
      let target = Bool.random(using: &random) ? pair.left : pair.right
      target.receive(
        datagram, from: round % 3 == 0 ? pair.right.bases[0] : source, to: target.bases[0], now: pair.network.now)
      pair.network.run(for: .milliseconds(Int64.random(in: 0...20, using: &random)))
    }
    #expect(pair.connect())
    #expect(pair.mediaFlows())
    for side in [pair.left, pair.right] {
      #expect(side.agent.localCandidates.count == 1)
      #expect(side.agent.selectedPair?.isNominated == true)
      #expect(side.agent.statistics.discarded > 100)
    }
  }
}
