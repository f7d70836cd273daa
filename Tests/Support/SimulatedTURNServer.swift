public import ICE
public import NIOCore

/// A TURN server (RFC 8656) on a simulated network, over UDP and streams, with long-term credentials: what a client sees of
/// coturn and its like, and of their troubles.
public final class SimulatedTURNServer: SimulatedEndpoint {
  /// Troubles and bounds, to be changed at any time.
  public struct Behaviour: Sendable {
    /// User names and passwords; nil asks for none.
    public var users: [String: String]? = ["alice": "secret"]
    public var realm = "example.org"
    public var nonceLifetime: TimeAmount?
    /// Whether it offers SHA-256 and hides user names (RFC 8489 section 9.2).
    public var usesSHA256 = false
    public var lifetime: UInt32 = 600
    /// Answers this instead of doing what is asked, if authentic.
    public var refuses: @Sendable (STUNMethod) -> STUNErrorCode? = { _ in nil }
    /// Where clients are sent to.
    public var alternate: TransportAddress?
    public var relaysIPv6 = true
    public var relaysIPv4 = true
    /// Whether it answers 440 to those who want both.
    public var rejectsAdditionalFamily = false
    /// The number by which it knows ADDITIONAL-ADDRESS-FAMILY.
    public var additionalAddressFamily = STUNAttributeType.additionalAddressFamily
    /// Whether responses are signed with a wrong key.
    public var forgesResponses = false

    public init() {}
  }

  public var behaviour = Behaviour()
  public let host: SimulatedHost
  /// Where it listens: UDP and TCP.
  public let addresses: [TransportAddress]
  /// Where it listens for TLS, of which only the connection is simulated.
  public let secureAddresses: [TransportAddress]
  /// Requests that were authentic, or needed not to be.
  public private(set) var requests: [STUNMethod: Int] = [:]
  public private(set) var errors: [Int: Int] = [:]
  public private(set) var sendIndications = 0
  public private(set) var channelMessages = 0
  /// Datagrams to or from peers without a permission, or on channels that nobody bound.
  public private(set) var refused = 0
  public internal(set) var allocations: [TURNClient: SimulatedTURNAllocation] = [:]
  private var nonces: [String: NIODeadline] = [:]
  private var framing: [ObjectIdentifier: ByteBuffer] = [:]
  private var nextPort: UInt16 = 49_152
  private unowned let network: SimulatedNetwork

  /// Adds a host of its own to the network.
  /// - Parameter ips: at most one a family; ports are ignored.
  public init(at ips: [TransportAddress], on network: SimulatedNetwork) {
    self.network = network
    addresses = ips.map { $0.with(port: 3478) }
    secureAddresses = ips.map { $0.with(port: 5349) }
    host = network.addHost(ips)
    host.listeners = Set(addresses + secureAddresses)
    host.endpoint = self
  }

  /// Forgets everything, as after a crash.
  public func restart() {
    allocations = [:]
    nonces = [:]
  }

  // MARK: - The network

  public var nextDeadline: NIODeadline? { nil }
  public func handleTimeout(now: NIODeadline) {}

  public func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) {
    if addresses.contains(local) {
      return receive(datagram, from: .datagrams(remote, at: local), now: now)
    }
    for (client, allocation) in allocations where allocation.relayed.contains(local) {
      relay(datagram, from: remote, to: client, allocation, now: now)
    }
  }

  public func receive(_ bytes: ByteBuffer, on stream: SimulatedStream, now: NIODeadline) {
    let id = ObjectIdentifier(stream)
    var pending = framing[id] ?? ByteBuffer()
    pending.writeImmutableBuffer(bytes)
    while let type = pending.getInteger(at: pending.readerIndex, as: UInt16.self),
      let length = pending.getInteger(at: pending.readerIndex + 2, as: UInt16.self)
    {
      let whole = type < 0x4000 ? 20 + Int(length) : 4 + (Int(length) + 3) & ~3
      guard let message = pending.readSlice(length: whole) else { break }
      receive(message, from: .stream(stream), now: now)
    }
    framing[id] = pending
  }

  public func closed(_ stream: SimulatedStream, error: String?, now: NIODeadline) {
    allocations[.stream(stream)] = nil
    framing[ObjectIdentifier(stream)] = nil
  }

  private func send(_ message: ByteBuffer, to client: TURNClient) {
    switch client {
    case .datagrams(let remote, let local): host.send(message, from: local, to: remote)
    case .stream(let stream): stream.send(message)
    }
  }

  // MARK: - From clients

  private func receive(_ message: ByteBuffer, from client: TURNClient, now: NIODeadline) {
    if let first = message.getInteger(at: message.readerIndex, as: UInt16.self), first >= 0x4000 {
      return receiveChannelData(message, from: client, now: now)
    }
    guard let message = try? STUNMessage(parsing: message) else { return }
    switch (message.messageClass, message.method) {
    case (.request, .binding):
      var writer = STUNWriter(.successResponse, transactionID: message.transactionID)
      writer.append(xorMappedAddress: client.address)
      send(writer.finish(), to: client)
    case (.request, _): answer(message, from: client, now: now)
    case (.indication, .send):
      sendIndications += 1
      guard let peer = message.xoredAddress(of: .xorPeerAddress), let data = message.bytes(of: .data) else { return }
      send(data, to: peer, for: client, now: now)
    default: break
    }
  }

  private func receiveChannelData(_ message: ByteBuffer, from client: TURNClient, now: NIODeadline) {
    var message = message
    channelMessages += 1
    guard let (number, length) = message.readMultipleIntegers(as: (UInt16, UInt16).self),
      let data = message.readSlice(length: Int(length)),
      let channel = allocations[client]?.channels[number], channel.expires > now
    else {
      refused += 1
      return
    }
    send(data, to: channel.peer, for: client, now: now)
  }

  private func send(_ data: ByteBuffer, to peer: TransportAddress, for client: TURNClient, now: NIODeadline) {
    guard let allocation = allocations[client], allocation.expires > now,
      let relayed = allocation.relayed.first(where: { $0.family == peer.family }), allocation.permits(peer, now: now)
    else {
      refused += 1
      return
    }
    host.send(data, from: relayed, to: peer)
  }

  // MARK: - From peers

  private func relay(
    _ data: ByteBuffer, from peer: TransportAddress, to client: TURNClient, _ allocation: SimulatedTURNAllocation,
    now: NIODeadline
  ) {
    guard allocation.expires > now, allocation.permits(peer, now: now) else {
      refused += 1
      return
    }
    if let number = allocation.channels.first(where: { $0.value.peer == peer && $0.value.expires > now })?.key {
      var message = ByteBuffer(integer: number)
      message.writeInteger(UInt16(data.readableBytes))
      message.writeImmutableBuffer(data)
      if case .stream = client { message.writeRepeatingByte(0, count: -data.readableBytes & 3) }
      send(message, to: client)
    } else {
      var writer = STUNWriter(.indication, method: .data, transactionID: makeID())
      writer.append(.xorPeerAddress, xored: peer)
      writer.append(data: data)
      send(writer.finish(fingerprint: false), to: client)
    }
  }

  private func makeID() -> STUNTransactionID {
    var random = SeededGenerator(seed: UInt64(network.random(in: 0...Int.max)))
    return STUNTransactionID(using: &random)
  }

  // MARK: - Requests

  private func answer(_ request: STUNMessage, from client: TURNClient, now: NIODeadline) {
    let credential: Credential?
    switch authenticate(request, now: now) {
    case .success(let found): credential = found
    case .failure(let challenge): return fail(request, challenge.error, from: client, credential: nil, now: now)
    }
    requests[request.method, default: 0] += 1
    if let error = behaviour.refuses(request.method) {
      return fail(request, error, from: client, credential: credential, now: now)
    }
    var writer = STUNWriter(.successResponse, method: request.method, transactionID: request.transactionID)
    if let error = perform(request, for: client, user: credential?.user, now: now, answer: &writer) {
      return fail(request, error, from: client, credential: credential, now: now)
    }
    finish(writer, credential, to: client)
  }

  private func perform(
    _ request: STUNMessage, for client: TURNClient, user: String?, now: NIODeadline, answer: inout STUNWriter
  ) -> STUNErrorCode? {
    let allocation = allocations[client].flatMap { $0.expires > now ? $0 : nil }
    if request.method == .allocate {
      if allocation != nil { return STUNErrorCode(code: 437, reason: "Allocation Mismatch") }
      return allocate(request, for: client, user: user, now: now, answer: &answer)
    }
    guard var allocation else { return STUNErrorCode(code: 437, reason: "Allocation Mismatch") }
    guard allocation.user == user else { return STUNErrorCode(code: 441, reason: "Wrong Credentials") }
    let peer = request.xoredAddress(of: .xorPeerAddress)
    switch (request.method, peer) {
    case (.refresh, _):
      let lifetime = min(request.lifetime ?? behaviour.lifetime, behaviour.lifetime)
      allocation.expires = now + .seconds(Int64(lifetime))
      answer.append(.lifetime, integer: lifetime)
    case (.createPermission, let peer?): allocation.permissions[peer.with(port: 0)] = now + .minutes(5)
    case (.channelBind, let peer?):
      guard let number = request.channelNumber, (0x4000...0x4FFF).contains(number),
        allocation.channels.allSatisfy({ ($0.key == number) == ($0.value.peer == peer) })
      else { return .badRequest }
      allocation.permissions[peer.with(port: 0)] = now + .minutes(5)
      allocation.channels[number] = (peer, now + .minutes(10))
    default: return .badRequest
    }
    allocations[client] = allocation.expires > now ? allocation : nil
    return nil
  }

  private func allocate(
    _ request: STUNMessage, for client: TURNClient, user: String?, now: NIODeadline, answer: inout STUNWriter
  ) -> STUNErrorCode? {
    guard request.bytes(of: .requestedTransport)?.readableBytesView.first == 17 else {
      return STUNErrorCode(code: 442, reason: "Unsupported Transport Protocol")
    }
    let wantsOnlyIPv6 = request.bytes(of: .requestedAddressFamily)?.readableBytesView.first == 2
    let wantsBoth = request.bytes(of: behaviour.additionalAddressFamily) != nil
    let families: [TransportAddress.Family] = wantsOnlyIPv6 ? [.v6] : wantsBoth ? [.v4, .v6] : [.v4]
    let possible = families.filter { $0 == .v4 ? behaviour.relaysIPv4 : behaviour.relaysIPv6 }
    guard let first = families.first, possible.contains(first), !(wantsBoth && behaviour.rejectsAdditionalFamily) else {
      return STUNErrorCode(code: 440, reason: "Address Family not Supported")
    }
    var relayed: [TransportAddress] = []
    for family in possible {
      guard let ip = addresses.first(where: { $0.family == family }) else { continue }
      nextPort += 1
      relayed.append(ip.with(port: nextPort))
    }
    allocations[client] = SimulatedTURNAllocation(
      user: user, relayed: relayed, expires: now + .seconds(Int64(behaviour.lifetime)))
    for address in relayed { answer.append(.xorRelayedAddress, xored: address) }
    answer.append(.lifetime, integer: behaviour.lifetime)
    answer.append(xorMappedAddress: client.address)
    return nil
  }

  private func fail(
    _ request: STUNMessage, _ error: STUNErrorCode, from client: TURNClient, credential: Credential?, now: NIODeadline
  ) {
    errors[error.code, default: 0] += 1
    var writer = STUNWriter(.errorResponse, method: request.method, transactionID: request.transactionID)
    writer.append(error)
    if error.code == 401 || error.code == 438 {
      let nonce = (behaviour.usesSHA256 ? "obMatJos2wAAA" : "") + "nonce-\(nonces.count)"
      nonces[nonce] = now
      writer.append(.nonce, text: nonce)
      writer.append(.realm, text: behaviour.realm)
      if behaviour.usesSHA256 { writer.append(.passwordAlgorithms, bytes: [0, 1, 0, 0, 0, 2, 0, 0]) }
    }
    if error.code == 300, let alternate = behaviour.alternate { writer.append(.alternateServer, plain: alternate) }
    finish(writer, credential, to: client)
  }

  private func finish(_ writer: consuming STUNWriter, _ credential: Credential?, to client: TURNClient) {
    guard let credential else { return send(writer.finish(fingerprint: false), to: client) }
    let key = behaviour.forgesResponses ? Array(credential.key.reversed()) : credential.key
    let integrity: STUNIntegrity = behaviour.usesSHA256 ? .sha256 : .sha1
    send(writer.finish(key: key, integrity: integrity, fingerprint: false), to: client)
  }

  // MARK: - Credentials

  private struct Credential {
    let user: String
    let key: [UInt8]
  }

  private struct Challenge: Error {
    let error: STUNErrorCode
  }

  private func authenticate(_ request: STUNMessage, now: NIODeadline) -> Result<Credential?, Challenge> {
    guard let users = behaviour.users else { return .success(nil) }
    guard request.hasMessageIntegrity, let nonce = request.text(of: .nonce) else {
      return .failure(Challenge(error: .unauthenticated))
    }
    let isFresh = nonces[nonce].map { issued in behaviour.nonceLifetime.map { now < issued + $0 } ?? true } ?? false
    guard isFresh else { return .failure(Challenge(error: STUNErrorCode(code: 438, reason: "Stale Nonce"))) }
    let user = users.keys.first { name in
      guard behaviour.usesSHA256 else { return request.username == name }
      let hash = STUNLongTermKey.userhash(username: name, realm: behaviour.realm)
      return request.bytes(of: .userhash).map { Array($0.readableBytesView) } == hash
    }
    guard let user, let password = users[user] else { return .failure(Challenge(error: .unauthenticated)) }
    let key = STUNLongTermKey.make(
      username: user, realm: behaviour.realm, password: password, behaviour.usesSHA256 ? .sha256 : .md5)
    guard request.isAuthentic(key: key, behaviour.usesSHA256 ? .sha256 : .sha1) else {
      return .failure(Challenge(error: .unauthenticated))
    }
    return .success(Credential(user: user, key: key))
  }
}
