internal import DequeModule
internal import NIOCore

/// An allocation on a TURN server (RFC 8656) over one 5-tuple: one UDP socket, or one TCP or TLS stream.
///
/// It is sans-IO: the server's messages and the time go in; messages for it, events and the next deadline come out. After
/// every call drain ``pollOutput()``.
final class TURNAllocation {
  let isReliable: Bool
  private(set) var nextDeadline: NIODeadline?
  private(set) var relayed: [TransportAddress] = []

  // Shared by the files of this folder; nobody else writes them.
  var statistics = RelayStatistics()
  var outputs: Deque<Output> = []
  var authentication: TURNAuthentication?
  var requests: [Request] = []
  var permissions: [Permission] = []
  var channels: [Channel] = []
  var nextChannelNumber = ChannelData.numbers.lowerBound
  var frames = FrameBuffers()
  var hasEnded = false
  var refreshAt: NIODeadline?
  /// Whether an allocation of before was given back to make room for this one.
  var hasReleased = false
  /// What the server is asked for: less, as it refuses more.
  var families = Families.both
  /// Whether anything was sent since the last look at ``keepaliveAt``.
  var hasSent = false
  private var keepaliveAt: NIODeadline?
  private var expiresAt: NIODeadline?
  private var random: any RandomNumberGenerator

  /// - Parameters:
  ///   - credentials: user name and password; nil for a server that asks for none.
  ///   - isReliable: whether what is sent arrives: on a stream nothing is sent again.
  init(
    credentials: (username: String, password: String)?, isReliable: Bool, random: any RandomNumberGenerator
  ) {
    authentication = credentials.map { TURNAuthentication(username: $0.username, password: $0.password) }
    self.isReliable = isReliable
    self.random = random
  }

  func pollOutput() -> Output? { outputs.popFirst() }

  /// Asks the server.
  func start(now: NIODeadline) {
    send(.allocate, now: now)
    updateDeadline()
  }

  /// Finds out whether the allocation is still there: the server may have begun anew, a NAT may have forgotten us, a stream
  /// may be dead without a word. If so it ends. Over UDP silence says nothing: the server is out of reach for now, and
  /// another allocation would be, too.
  func probe(now: NIODeadline) {
    guard !hasEnded, !relayed.isEmpty, !requests.contains(where: { $0.purpose == .probe }) else { return }
    send(.probe, now: now)
    updateDeadline()
  }

  /// Gives the allocation back (RFC 8656 section 8). There is no time left to send that again.
  func close(now: NIODeadline) {
    guard !hasEnded else { return }
    if !relayed.isEmpty { send(.release, now: now) }
    end()
  }

  /// Whether a message answers a request of ours.
  func expects(_ message: STUNMessage) -> Bool {
    requests.contains { $0.transaction.id == message.transactionID }
  }

  /// Takes a message of the server's.
  /// - Returns: the peer's datagram, if it is a Data indication.
  func receive(
    _ message: STUNMessage, now: NIODeadline
  ) -> (peer: TransportAddress, datagram: ByteBuffer)? {
    guard !hasEnded else { return nil }
    switch message.messageClass {
    case .indication: return unwrap(message)
    case .request: statistics.discarded += 1
    case .successResponse, .errorResponse:
      handleResponse(message, now: now)
      updateDeadline()
    }
    return nil
  }

  /// Does what is due. May be called early or late.
  func handleTimeout(now: NIODeadline) {
    guard !hasEnded else { return }
    if let expiresAt, now >= expiresAt { return end(.unreachable) }
    serviceRequests(now)
    if let refreshAt, now >= refreshAt {
      self.refreshAt = nil
      send(.refresh, now: now)
    }
    servicePermissions(now)
    serviceChannels(now)
    keepAlive(now)
    updateDeadline()
  }

  /// Keeps the NAT's mapping while nothing else does.
  private func keepAlive(_ now: NIODeadline) {
    guard let keepaliveAt, now >= keepaliveAt else { return }
    if !hasSent {
      let indication = STUNWriter(.indication, transactionID: makeTransactionID())
      transmit(indication.finish(fingerprint: false))
    }
    self.keepaliveAt = now + Limit.silence
    hasSent = false
  }

  // MARK: - Requests

  func makeTransactionID() -> STUNTransactionID { STUNTransactionID(using: &random) }

  func send(_ purpose: Purpose, staleNonces: Int = 0, now: NIODeadline) {
    let id = makeTransactionID()
    let datagram = message(for: purpose, id: id)
    let isAuthenticated = authentication?.isReady ?? false
    let lifetime = lifetime(of: purpose)
    let isUrgent = purpose == .allocate || purpose == .probe
    let transaction = STUNTransaction(
      id: id, datagram: datagram, now: now, timeout: isReliable ? lifetime : Limit.retransmissionTimeout,
      longestInterval: isUrgent ? Limit.urgentInterval : lifetime, lifetime: lifetime)
    requests.append(
      Request(
        purpose: purpose, transaction: transaction, isAuthenticated: isAuthenticated, staleNonces: staleNonces))
    transmit(datagram)
  }

  /// How long an answer is waited for.
  private func lifetime(of purpose: Purpose) -> TimeAmount {
    switch purpose {
    case .allocate: Limit.allocating
    case .probe where isReliable: Limit.probing
    case .probe, .refresh, .release, .permission, .channel: Limit.transaction
    }
  }

  private func message(for purpose: Purpose, id: STUNTransactionID) -> ByteBuffer {
    var writer = STUNWriter(.request, method: purpose.method, transactionID: id)
    switch purpose {
    case .allocate:
      writer.append(.requestedTransport, integer: UInt32(17) << 24)  // UDP
      for attribute in families.attributes { writer.append(attribute, integer: UInt32(2) << 24) }
    case .refresh, .probe: break
    case .release: writer.append(.lifetime, integer: UInt32(0))
    case .permission(let ip): writer.append(.xorPeerAddress, xored: ip)
    case .channel(let number, let peer):
      writer.append(.channelNumber, integer: UInt32(number) << 16)
      writer.append(.xorPeerAddress, xored: peer)
    }
    return authentication?.finish(writer) ?? writer.finish(fingerprint: false)
  }

  func transmit(_ message: ByteBuffer) {
    hasSent = true
    outputs.append(.transmit(message, mayDrop: false))
  }

  private func serviceRequests(_ now: NIODeadline) {
    for index in requests.indices.reversed() {
      let request = requests[index]
      if now >= request.transaction.expiresAt {
        requests.remove(at: index)
        timedOut(request.purpose, now: now)
        if hasEnded { return }
      } else if now >= request.transaction.retransmitAt {
        requests[index].transaction.retransmitted(now)
        transmit(request.transaction.datagram)
      }
    }
  }

  private func timedOut(_ purpose: Purpose, now: NIODeadline) {
    switch purpose {
    case .allocate: end(.unreachable)
    case .release: send(.allocate, now: now)
    // Nothing is lost on a stream: it is dead.
    case .refresh where isReliable, .probe where isReliable: end(.unreachable)
    case .refresh: refreshAt = now
    case .probe: break
    case .permission(let ip): permissions.removeAll { $0.ip == ip && !$0.grant.isInstalled }
    case .channel(let number, _): withChannel(number) { $0.grant = nil }
    }
  }

  // MARK: - Beginning and end

  /// Notes what a success response to Allocate gives.
  func allocated(_ response: STUNMessage, now: NIODeadline) {
    var relayed: [TransportAddress] = []
    for address in response.relayedAddresses
    where address.isUsable && !relayed.contains(where: { $0.family == address.family }) {
      relayed.append(address)
    }
    guard !relayed.isEmpty else { return end(.refused("the server gave no usable relayed address")) }
    self.relayed = relayed
    if !isReliable { keepaliveAt = now + Limit.silence }
    refreshed(lifetime: response.lifetime, now: now)
    outputs.append(.event(.allocated(relayed: relayed, mapped: response.mappedAddress)))
  }

  /// Notes how long the allocation lasts: it is refreshed a minute before the end, or at half time if that is sooner.
  func refreshed(lifetime: UInt32?, now: NIODeadline) {
    let granted = min(lifetime ?? Limit.defaultLifetime, Limit.longestLifetime)
    let lifetime = TimeAmount.seconds(Int64(max(granted, 2)))
    expiresAt = now + lifetime
    refreshAt = now + max(lifetime - Limit.refreshLead, .nanoseconds(lifetime.nanoseconds / 2))
  }

  /// Ends without a word to the server.
  func end(_ ending: Ending? = nil) {
    guard !hasEnded else { return }
    hasEnded = true
    requests = []
    permissions = []
    channels = []
    nextDeadline = nil
    if let ending { outputs.append(.event(.ended(ending))) }
  }

  func updateDeadline() {
    guard !hasEnded else { return }
    var earliest = expiresAt
    earliest.consider(refreshAt)
    earliest.consider(keepaliveAt)
    for request in requests { earliest.consider(request.transaction.nextDeadline) }
    for permission in permissions { earliest.consider(permission.grant.nextDeadline) }
    for channel in channels { earliest.consider(channel.grant?.nextDeadline) }
    nextDeadline = earliest
  }
}

extension TURNAllocation.Purpose {
  var method: STUNMethod {
    switch self {
    case .allocate: .allocate
    case .refresh, .probe, .release: .refresh
    case .permission: .createPermission
    case .channel: .channelBind
    }
  }
}
