public import ICE
internal import NIOCore

/// Drives an ``ICEAgent`` by bytes: each begins an operation - time passes, packets of all kinds come, candidates and
/// credentials are told, interfaces and connections come and go - and what follows decides its particulars. For random
/// input in tests and for libFuzzer; the same bytes do the same.
public struct AgentFuzz {
  /// What went wrong.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private var input: ArraySlice<UInt8>
  private let agent: ICEAgent
  private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private var random: SeededGenerator
  /// What the agent has given out lately, for the input to come back to.
  private var requests: [(message: STUNMessage, route: Route)] = []
  private var attempts: [Route] = []
  private var names: [String] = []
  private var remote: [ICECredentials] = []

  private static let remembered = 16
  private static let addresses: [TransportAddress] = (0..<8).flatMap { number in
    [
      TransportAddress(v4: 0xC000_0200 + UInt32(number), port: 5000 + UInt16(number)),
      TransportAddress(v6: 0x2001_0DB8 << 32, UInt64(number), port: 6000 + UInt16(number)),
    ]
  }

  /// Runs the whole input, and then lets time pass until the agent has come to rest.
  /// - Returns: whether media had a way at some time, so that a test may know how far its input got.
  /// - Throws: ``Failure`` if something grows without bound, time stands still, or states contradict each other.
  @discardableResult
  public static func run(_ bytes: some Sequence<UInt8>) throws(Failure) -> Bool {
    var fuzz = AgentFuzz(Array(bytes))
    var hadPath = false
    while !fuzz.input.isEmpty {
      fuzz.step()
      try fuzz.check()
      if fuzz.agent.mediaRoute != nil { hadPath = true }
    }
    try fuzz.rest()
    return hadPath
  }

  private init(_ bytes: [UInt8]) {
    input = bytes[...]
    random = SeededGenerator(seed: UInt64(bytes.count))
    let first = bytes.first ?? 0
    var configuration = ICEAgent.Configuration()
    if first & 2 != 0 { configuration.transportPolicy = .relay }
    agent = ICEAgent(
      configuration: configuration, role: first & 1 == 0 ? .controlling : .controlled,
      random: SeededGenerator(seed: UInt64(first)))
  }

  // MARK: Input

  private mutating func byte() -> UInt8 { input.popFirst() ?? 0 }

  private mutating func address() -> TransportAddress {
    Self.addresses[Int(byte()) % Self.addresses.count]
  }

  private mutating func route() -> Route {
    let (choice, local, remote) = (byte(), address(), address())
    switch choice % 4 {
    case 0: return agent.mediaRoute ?? Route(local: local, remote: remote)
    case 1: return requests.randomElement(using: &random)?.route ?? Route(local: local, remote: remote)
    case 2: return Route(local: local, remote: remote, transport: .tcp)
    default: return Route(local: local, remote: remote)
    }
  }

  // MARK: Operations

  private mutating func step() {
    switch byte() % 16 {
    case 0, 1: pass(.milliseconds(Int64(byte()) * 10))
    case 2: pass(.seconds(Int64(byte()) / 4))
    case 3: changeLocalSide()
    case 4: restart()
    case 5: tellCredentials()
    case 6, 7: tellCandidate()
    case 8: receiveNoise()
    case 9, 10: receiveRequest()
    case 11, 12, 13: receiveResponse()
    case 14: changeConnection()
    default: resolve()
    }
    drain()
  }

  /// Time passes, with all that is due in it, or as if the timer were late.
  private mutating func pass(_ duration: TimeAmount) {
    let end = now + duration
    while byte() & 1 == 0, let deadline = agent.nextDeadline, deadline <= end {
      now = max(now, deadline)
      agent.handleTimeout(now: now)
      drain()
    }
    now = end
    agent.handleTimeout(now: now)
  }

  private mutating func changeLocalSide() {
    let address = address()
    switch byte() % 8 {
    case 0, 1: agent.addLocalAddress(address, now: now)
    case 2: agent.addLocalAddress(address, name: "own.local", now: now)
    case 3: agent.addTCPAddress(address, isPassive: byte() & 1 == 0, now: now)
    case 4: agent.addRelayedAddress(address, mapped: nil, server: address.with(port: 3478), now: now)
    case 5: agent.addSTUNServer(address.with(port: 3478), now: now)
    case 6: agent.endOfLocalAddresses(now: now)
    default: agent.removeLocalAddress(address, now: now)
    }
  }

  private mutating func restart() {
    if byte() & 1 == 0 { agent.restart(now: now) } else { agent.undoRestart(now: now) }
  }

  private mutating func tellCredentials() {
    let fragment = "peer\(byte() % 4)"
    guard let credentials = try? ICECredentials(usernameFragment: fragment, password: Self.password(of: fragment))
    else { return }
    if remote.count < Self.remembered { remote.append(credentials) }
    agent.setRemoteCredentials(credentials, now: now)
  }

  private static func password(of fragment: String) -> String { fragment + "passwordpasswordpassword" }

  private mutating func tellCandidate() {
    let (kind, address, priority) = (byte(), address(), UInt32(byte()) << 23 | UInt32(byte()))
    let transport: Candidate.Transport =
      switch kind & 3 {
      case 0: .tcp(type: "passive")
      case 1: .tcp(type: kind & 4 == 0 ? "active" : "so")
      default: .udp
      }
    let place: Candidate.Address =
      kind & 8 == 0 ? .ip(address) : .name("name\(byte() % 8).local", port: address.port)
    let types: [CandidateType] = [.host, .serverReflexive, .peerReflexive, .relay]
    agent.addRemoteCandidate(
      Candidate(
        foundation: "1", component: kind & 16 == 0 ? 1 : 2, transport: transport, priority: priority, address: place,
        type: types[Int(kind >> 6)], usernameFragment: kind & 32 == 0 ? nil : "peer\(byte() % 4)"), now: now)
  }

  private mutating func receiveNoise() {
    let count = Int(byte()) % 64
    let noise = ByteBuffer(bytes: input.prefix(count))
    input = input.dropFirst(count)
    agent.receive(noise, on: route(), now: now)
  }

  /// A check of the peer, with what it should have and perhaps what it should not.
  private mutating func receiveRequest() {
    let (route, bits, priority) = (route(), byte(), byte())
    let own = agent.localCredentials
    let id = STUNTransactionID(using: &random)
    var writer = STUNWriter(.request, transactionID: id)
    writer.append(.username, text: "\(own.usernameFragment):peer0")
    if bits & 1 == 0 { writer.append(.priority, integer: UInt32(priority) << 22) }
    if bits & 2 != 0 { writer.append(.useCandidate) }
    if bits & 4 != 0 { writer.append(.iceControlling, integer: UInt64(priority) << 56) }
    if bits & 8 != 0 { writer.append(.iceControlled, integer: UInt64(priority) << 56) }
    if bits & 0x70 == 0x10 { writer.append(STUNAttributeType(rawValue: 0x7FFE), integer: UInt32(0)) }
    var request = writer.finish(key: own.password.utf8)
    if bits & 0x80 != 0 { request.setInteger(byte(), at: 20 + Int(byte()) % 64) }
    agent.receive(request, on: route, now: now)
  }

  /// An answer to something the agent asked, a peer or a server.
  private mutating func receiveResponse() {
    guard !requests.isEmpty else { return }
    let (message, asked) = requests.remove(at: Int(byte()) % requests.count)
    let bits = byte()
    var writer = STUNWriter(bits & 3 == 3 ? .errorResponse : .successResponse, transactionID: message.transactionID)
    if bits & 3 == 3 {
      let codes = [487, 400, 401, 420, 500]
      writer.append(STUNErrorCode(code: codes[Int(byte()) % codes.count], reason: ""))
    } else {
      writer.append(xorMappedAddress: bits & 4 == 0 ? asked.local : address())
    }
    let fragment = message.username.map { String($0.prefix { $0 != ":" }) }
    let key = fragment.map { Self.password(of: $0).utf8 }
    let response = key.map { writer.finish(key: $0) } ?? writer.finish()
    agent.receive(response, on: bits & 0xF8 == 8 ? route() : asked, now: now)
  }

  private mutating func changeConnection() {
    let choice = byte()
    guard choice & 3 != 0, !attempts.isEmpty else {
      var route = route()
      route.transport = .tcp
      if choice & 4 == 0 {
        agent.connectionAccepted(route, now: now)
      } else {
        agent.connectionClosed(route, now: now)
      }
      return
    }
    let asked = attempts.remove(at: Int(byte()) % attempts.count)
    if choice & 3 == 1 {
      agent.connectionClosed(asked, now: now)
    } else {
      var actual = asked
      actual.local.port = 10_000 + UInt16(byte())
      agent.connected(asked, as: actual, now: now)
    }
  }

  private mutating func resolve() {
    guard let name = names.popLast() else { return }
    agent.resolved(name, to: byte() & 1 == 0 ? [address(), address()] : [], now: now)
  }

  // MARK: Output

  @discardableResult
  private mutating func drain() -> Int {
    var count = 0
    while let output = agent.pollOutput() {
      count += 1
      switch output {
      case .transmit(let datagram, let route):
        guard let message = try? STUNMessage(parsing: datagram), message.messageClass == .request else { continue }
        requests.append((message, route))
        if requests.count > Self.remembered { requests.removeFirst() }
      case .connect(let route):
        attempts.append(route)
        if attempts.count > Self.remembered { attempts.removeFirst() }
      case .resolve(let name):
        names.append(name)
        if names.count > Self.remembered { names.removeFirst() }
      case .disconnect(let route): attempts.removeAll { $0 == route }
      case .event: break
      }
    }
    return count
  }

  private func check() throws(Failure) {
    func require(_ condition: Bool, _ text: String) throws(Failure) {
      if !condition { throw Failure(description: text) }
    }
    try require(agent.localCandidates.count <= 96, "\(agent.localCandidates.count) local candidates")
    try require(
      (agent.mediaRoute == nil) == (agent.selectedPair == nil), "a route for media without a pair, or the reverse")
    if agent.mediaRoute != nil {
      try require(
        [.connected, .completed, .disconnected].contains(agent.connectionState),
        "media while \(agent.connectionState)")
    } else {
      try require(
        ![.connected, .completed].contains(agent.connectionState), "\(agent.connectionState) without a way for media")
    }
  }

  /// Ten minutes pass: at most Ta's number of transactions, their retransmissions, and consent's.
  private mutating func rest() throws(Failure) {
    let end = now + .minutes(10)
    var steps = 0
    while let deadline = agent.nextDeadline, deadline <= end {
      steps += 1
      guard steps < 50_000 else { throw Failure(description: "time stands still at \(now): \(deadline)") }
      now = max(now, deadline)
      agent.handleTimeout(now: now)
      guard drain() < 500 else { throw Failure(description: "hundreds of outputs at once") }
    }
    try check()
    guard agent.mediaRoute == nil else { throw Failure(description: "media goes on without consent") }
    agent.close()
    drain()
    guard agent.nextDeadline == nil else { throw Failure(description: "a closed agent has a deadline") }
  }
}
