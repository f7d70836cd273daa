internal import NIOCore

@testable internal import ICE

/// The whole transport - agent, relays, streams - between a peer and servers that do whatever the fuzzer thinks of, at
/// times of its choice, with the right keys or without.
func fuzzTransport(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var script = Script(data, count)
  let world = World(isControlling: script.flag())
  while !script.isAtEnd { world.step(&script) }
  world.end()
  return 0
}

private final class World {
  static let remote = credentials("peer", "thePasswordOfThePeer22")
  static let remotes: [TransportAddress] = [
    address("192.0.2.7", 7000), address("2001:db8::7", 7000), address("198.51.100.9", 9), address("192.168.0.7", 7007),
  ]
  static let locals: [TransportAddress] = [address("10.0.0.1", 5000), address("2001:db8::1", 5000)]
  static let tcp: [TransportAddress] = [address("10.0.0.1", 9), address("10.0.0.1", 6000)]
  static let servers: [TransportAddress] = [
    address("203.0.113.1", 3478), address("203.0.113.2", 3478), address("203.0.113.3", 443),
    address("2001:db8::53", 3478),
  ]
  static let uris = [
    "stun:203.0.113.1", "turn:203.0.113.2?transport=udp", "turns:203.0.113.3:443", "turn:[2001:db8::53]?transport=tcp",
  ]
  static let attributes: [STUNAttributeType] = [
    .mappedAddress, .username, .errorCode, .unknownAttributes, .channelNumber, .lifetime, .xorPeerAddress, .data,
    .realm,
    .nonce, .xorRelayedAddress, .passwordAlgorithm, .xorMappedAddress, .priority, .useCandidate, .passwordAlgorithms,
    .alternateServer, .iceControlled, .iceControlling, .init(rawValue: 0x7FFF),
  ]
  static let methods: [STUNMethod] = [.binding, .allocate, .refresh, .send, .data, .createPermission, .channelBind]
  static let codes = [300, 400, 401, 403, 420, 437, 438, 441, 442, 443, 486, 487, 500, 508]
  static let longTermKey = STUNLongTermKey.make(username: "user", realm: "realm", password: "pass")

  let transport: ICETransport
  var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  /// The last requests we saw, with where they were sent from and to.
  var requests: [(id: STUNTransactionID, method: STUNMethod, local: TransportAddress, remote: TransportAddress)] = []
  var streams: [StreamID] = []
  var names: [String] = []

  init(isControlling: Bool) {
    transport = ICETransport(role: isControlling ? .controlling : .controlled, random: FixedGenerator())
    for local in Self.locals { transport.addLocalAddress(local, now: now) }
    transport.setRemoteCredentials(Self.remote, now: now)
    drain()
  }

  static func address(_ ip: String, _ port: UInt16) -> TransportAddress {
    guard let address = TransportAddress(ip, port: port) else { fail(ip) }
    return address
  }

  static func credentials(_ fragment: String, _ password: String) -> ICECredentials {
    guard let credentials = try? ICECredentials(usernameFragment: fragment, password: password) else {
      fail(fragment)
    }
    return credentials
  }

  func step(_ script: inout Script) {
    switch script.number(below: 16) {
    case 0: wait(.milliseconds(Int64(script.number(UInt16.self))))
    case 1: waitForDeadlines(1 + script.number(below: 8))
    case 2: receive(script.piece(), &script)
    case 3: receive(request(&script), &script)
    case 4, 5: answer(&script)
    case 6: addCandidate(&script)
    case 7: restart(&script)
    case 8: changeLocal(&script)
    case 9: changeStream(&script)
    case 10: useStream(&script)
    case 11: _ = transport.send(script.piece(), now: now)
    case 12: if !names.isEmpty { transport.resolved(script.pick(names), to: [script.pick(Self.remotes)], now: now) }
    case 13: addServer(&script)
    case 14: relay(&script)
    default: transport.endOfLocalAddresses(now: now)
    }
    drain()
  }

  func end() {
    waitForDeadlines(50)
    transport.close(now: now)
    drain()
    check(transport.nextDeadline == nil, "a closed transport wants to be called")
  }

  // MARK: Time

  private func wait(_ time: TimeAmount) {
    now = now + time
    transport.handleTimeout(now: now)
  }

  /// A machine that wants to be called again and again at one time would keep the program's loop busy for ever.
  private func waitForDeadlines(_ count: Int) {
    var calls = 0
    for _ in 0..<count {
      guard let deadline = transport.nextDeadline else { return }
      calls = deadline <= now ? calls + 1 : 0
      check(calls < 100, "the deadline does not move")
      now = max(now, deadline)
      transport.handleTimeout(now: now)
      drain()
    }
  }

  private func drain() {
    var count = 0
    while let output = transport.pollOutput() {
      count += 1
      check(count < 10_000, "a flood of outputs")
      switch output {
      case .perform(.datagram(let datagram, let local, let remote)): note(datagram, from: local, to: remote)
      case .perform(.stream(_, let frame, _)): note(frame, from: Self.locals[0], to: Self.servers[1])
      case .perform(.openStream(let id, _, _, _)): streams = (streams + [id]).suffix(8)
      case .perform(.resolve(let name)): names = (names + [name]).suffix(8)
      case .perform(.closeStream), .event, .serverProblem: break
      }
    }
  }

  private func note(_ datagram: ByteBuffer, from local: TransportAddress, to remote: TransportAddress) {
    guard STUNMessage.isSTUN(datagram) else { return }
    guard let message = try? STUNMessage(parsing: datagram) else { fail("our own STUN is malformed") }
    guard message.messageClass == .request else { return }
    requests = (requests + [(message.transactionID, message.method, local, remote)]).suffix(16)
  }

  // MARK: What comes in

  private func receive(_ datagram: ByteBuffer, _ script: inout Script) {
    let remote = script.pick(Self.remotes + Self.servers)
    _ = transport.receive(datagram, from: remote, to: script.pick(Self.locals), now: now)
  }

  /// A check of the peer's, authentic or nearly so.
  private func request(_ script: inout Script) -> ByteBuffer {
    var random = FixedGenerator()
    for _ in 0..<script.number(below: 4) { _ = random.next() }
    var writer = STUNWriter(.request, method: .binding, transactionID: STUNTransactionID(using: &random))
    let ours = transport.localCredentials
    writer.append(.username, text: "\(ours.usernameFragment):\(Self.remote.usernameFragment)")
    let choices = script.number(UInt8.self)
    if choices & 1 != 0 { writer.append(.priority, integer: script.number(UInt32.self)) }
    if choices & 2 != 0 { writer.append(.useCandidate) }
    if choices & 4 != 0 { writer.append(.iceControlling, integer: script.number(UInt64.self)) }
    if choices & 8 != 0 { writer.append(.iceControlled, integer: script.number(UInt64.self)) }
    if choices & 16 != 0 { appendAnything(to: &writer, &script) }
    return writer.finish(key: choices & 32 == 0 ? Array(ours.password.utf8) : nil, fingerprint: choices & 64 == 0)
  }

  /// An answer to one of the last requests, of a peer or a server, from where it was sent to or elsewhere.
  private func answer(_ script: inout Script) {
    guard !requests.isEmpty else { return }
    let request = script.pick(requests)
    let choices = script.number(UInt8.self)
    var writer = STUNWriter(
      choices & 1 == 0 ? .successResponse : .errorResponse, method: request.method, transactionID: request.id)
    if choices & 1 == 1 { writer.append(STUNErrorCode(code: script.pick(Self.codes), reason: "no")) }
    if choices & 2 != 0 { writer.append(xorMappedAddress: script.flag() ? request.local : script.pick(Self.remotes)) }
    if choices & 4 != 0 { writer.append(.xorRelayedAddress, xored: Self.address("203.0.113.99", 50_000)) }
    if choices & 8 != 0 { writer.append(.lifetime, integer: UInt32(script.number(UInt16.self))) }
    if choices & 16 != 0 {
      writer.append(.realm, text: "realm")
      writer.append(.nonce, text: "nonce\(script.number(below: 3))")
    }
    if choices & 32 != 0 { appendAnything(to: &writer, &script) }
    let isServers = Self.servers.contains(request.remote)
    let key = isServers ? Self.longTermKey : Array(Self.remote.password.utf8)
    let datagram = writer.finish(key: choices & 64 == 0 ? key : nil)
    let remote = choices & 128 == 0 ? request.remote : script.pick(Self.remotes)
    _ = transport.receive(datagram, from: remote, to: request.local, now: now)
    if isServers, let stream = streams.last { transport.streamReceived(stream, datagram, now: now) { _ in } }
  }

  private func appendAnything(to writer: inout STUNWriter, _ script: inout Script) {
    writer.append(script.pick(Self.attributes), bytes: script.piece().readableBytesView)
  }

  /// What a TURN server passes on: data and ChannelData.
  private func relay(_ script: inout Script) {
    var random = FixedGenerator()
    if script.flag() {
      var writer = STUNWriter(.indication, method: .data, transactionID: STUNTransactionID(using: &random))
      writer.append(.xorPeerAddress, xored: script.pick(Self.remotes))
      writer.append(data: script.flag() ? request(&script) : script.piece())
      receive(writer.finish(), &script)
    } else {
      let piece = script.piece()
      var frame = ByteBuffer()
      frame.writeMultipleIntegers(0x4000 + UInt16(script.number(below: 4)), UInt16(piece.readableBytes))
      frame.writeImmutableBuffer(piece)
      receive(frame, &script)
    }
  }

  // MARK: What the application and the driver do

  private func addCandidate(_ script: inout Script) {
    let remote = script.pick(Self.remotes)
    let types: [CandidateType] = [.host, .serverReflexive, .peerReflexive, .relay]
    let transports: [Candidate.Transport] = [.udp, .tcp(type: "passive"), .tcp(type: "active"), .tcp(type: "so")]
    let candidate = Candidate(
      foundation: "1", transport: script.pick(transports), priority: script.number(UInt32.self),
      address: script.flag() ? .ip(remote) : .name("b2d7c3aa-c5c5-4b9c-8f2e-d2f6a1d7e5a1.local", port: 7000),
      type: script.pick(types))
    transport.addRemoteCandidate(candidate, usernameFragment: script.flag() ? "peer" : nil, now: now)
  }

  private func restart(_ script: inout Script) {
    switch script.number(below: 4) {
    case 0: transport.restart(now: now)
    case 1: transport.setRemoteCredentials(Self.credentials("another", "thePasswordOfAnotherPeer"), now: now)
    case 2: transport.undoRestart(now: now)
    default: transport.setRemoteCredentials(Self.remote, now: now)
    }
  }

  private func changeLocal(_ script: inout Script) {
    switch script.number(below: 4) {
    case 0: transport.addLocalAddress(script.pick(Self.locals), now: now)
    case 1: transport.removeLocalAddress(script.pick(Self.locals + Self.tcp), now: now)
    case 2: transport.addTCPAddress(Self.tcp[0], isPassive: false, now: now)
    default: transport.addTCPAddress(Self.tcp[1], isPassive: true, now: now)
    }
  }

  private func addServer(_ script: inout Script) {
    let index = script.number(below: Self.uris.count)
    guard let server = try? ICEServer(uri: Self.uris[index], username: "user", credential: "pass") else {
      fail(Self.uris[index])
    }
    transport.addServer(server, addresses: [Self.servers[index]], now: now)
  }

  private func changeStream(_ script: inout Script) {
    if script.number(below: 4) == 0 {
      let accepted = transport.streamAccepted(local: Self.tcp[1], remote: script.pick(Self.remotes), now: now)
      if let accepted { streams = (streams + [accepted]).suffix(8) }
    } else if !streams.isEmpty {
      let stream = script.pick(streams)
      if script.flag() {
        transport.streamOpened(stream, local: Self.address("10.0.0.1", 40_000), now: now)
      } else {
        transport.streamClosed(stream, error: script.flag() ? "refused" : nil, now: now)
      }
    }
  }

  private func useStream(_ script: inout Script) {
    guard !streams.isEmpty else { return }
    let stream = script.pick(streams)
    var bytes = script.flag() ? request(&script) : script.piece()
    if script.flag() {  // with the framing of RFC 4571
      let framed = ByteBuffer(integer: UInt16(clamping: bytes.readableBytes))
      bytes = ByteBuffer(bytes: Array(framed.readableBytesView) + Array(bytes.readableBytesView))
    }
    transport.streamReceived(stream, bytes, now: now) { _ in }
  }
}
