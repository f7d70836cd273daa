internal import DequeModule
internal import NIOCore

/// The way to one TURN server, and the allocation there: which of our addresses and which of the server's work together,
/// and what is done when something fails. Sans-IO, like its owner ``ICETransport``.
///
/// All pairs of our addresses and the server's are tried, the next when the one before has not answered for a moment (as
/// RFC 8305 does with connections): a machine has addresses that lead nowhere, such as those of its containers.
final class Relay {
  private(set) var server: ICEServer
  private(set) var state = State.idle
  private(set) var attempts: [Attempt] = []
  private var outputs: Deque<Output> = []
  private let addresses: [TransportAddress]
  private let random: any RandomNumberGenerator
  private let makeStreamID: () -> StreamID

  private var locals: [TransportAddress] = []
  private var untried: Deque<Way> = []
  private var nextAttemptAt: NIODeadline?
  private var beganAt: NIODeadline?
  /// The least time from there to the next beginning.
  private var pause = Limit.restart.first
  private var allocatedAt: NIODeadline?
  private var lostAt: NIODeadline?
  /// Whether the server has asked for patience.
  private var isBusy = false
  /// Whether the credentials are others than the attempts under way were begun with.
  private var hasNewCredentials = false
  /// Where the server has sent us to, by what name.
  private var redirection: (address: TransportAddress, name: String)?
  private var redirections = 0
  /// Of the attempts that have ended.
  private var pastStatistics = RelayStatistics()
  private var mismatches = 0
  /// What went wrong last, for people, and what they were told last.
  private var problem = "it gives no answer"
  private var reported: String?

  /// - Parameters:
  ///   - addresses: of the server's name, best first.
  ///   - makeStreamID: gives a new name for a stream.
  init(
    _ server: ICEServer, addresses: [TransportAddress], random: any RandomNumberGenerator,
    makeStreamID: @escaping () -> StreamID
  ) {
    self.server = server
    self.addresses = addresses
    self.random = random
    self.makeStreamID = makeStreamID
  }

  func pollOutput() -> Output? { outputs.popFirst() }

  var statistics: RelayStatistics {
    attempts.reduce(into: pastStatistics) { $0 += $1.allocation.statistics }
  }

  /// Whether there is nothing that may still give a candidate soon.
  var isSettled: Bool { state != .trying }

  /// The addresses there is an allocation for.
  var relayed: [TransportAddress] { state == .allocated ? attempts.first?.allocation.relayed ?? [] : [] }

  var nextDeadline: NIODeadline? {
    var earliest: NIODeadline?
    if case .failed(let again) = state { earliest.consider(again) }
    earliest.consider(nextAttemptAt)
    for attempt in attempts { earliest.consider(attempt.connectsUntil ?? attempt.allocation.nextDeadline) }
    return earliest
  }

  func handleTimeout(now: NIODeadline) {
    if case .failed(let again?) = state, now >= again { begin(now: now) }
    for index in attempts.indices.reversed() where attempts.indices.contains(index) {
      if let until = attempts[index].connectsUntil {
        if now >= until { closed(attemptAt: index, error: "no connection in time", now: now) }
      } else {
        attempts[index].allocation.handleTimeout(now: now)
        collect(from: index, now: now)
      }
    }
    if let nextAttemptAt, now >= nextAttemptAt { attemptNext(now: now) }
  }

  // MARK: - Beginning

  /// Tells which of our addresses there are, best first.
  func use(_ locals: [TransportAddress], now: NIODeadline) {
    let added = locals.filter { !self.locals.contains($0) }
    self.locals = locals
    let wasAllocated = state == .allocated
    for index in attempts.indices.reversed() where !locals.contains(attempts[index].way.local) {
      abandon(attemptAt: index)
    }
    switch state {
    case .idle, .failed: if !added.isEmpty { begin(now: now) }
    case .trying where wasAllocated: begin(now: now)
    case .trying:
      untried.removeAll { !locals.contains($0.local) }
      let new = ways(to: redirection.map { [$0.address] } ?? addresses, from: added)
      untried.append(contentsOf: new.prefix(Limit.attempts))
      if attempts.isEmpty { attemptNext(now: now) }
    case .allocated: break
    }
  }

  /// Paths are looked for anew: finds out whether the server still knows the allocation, or asks it again if it has
  /// refused or was silent.
  func check(now: NIODeadline) {
    switch state {
    case .allocated:
      attempts[0].allocation.probe(now: now)
      collect(from: 0, now: now)
    case .failed(again: nil): begin(now: now)
    case .failed(let again?) where !isBusy: state = .failed(again: min(again, restartTime(now)))
    case .failed, .idle, .trying: break
    }
  }

  /// Takes credentials for attempts to come, and tries again if the last were refused. The allocation there is keeps those it
  /// was made with: with others the server would take us for somebody else (RFC 8656 section 7.2: 441).
  func renewCredentials(of server: ICEServer, now: NIODeadline) {
    guard server != self.server else { return }
    self.server = server
    hasNewCredentials = true
    if state == .failed(again: nil) { begin(now: now) }
  }

  /// Gives the allocation back.
  func close(now: NIODeadline) {
    for index in attempts.indices.reversed() {
      attempts[index].allocation.close(now: now)
      collect(from: index, now: now)
      abandon(attemptAt: index)
    }
    untried = []
    nextAttemptAt = nil
    state = .idle
  }

  private func begin(now: NIODeadline) {
    if beganAt != nil { pause = min(pause * 2, Limit.restart.last) }
    beganAt = now
    isBusy = false
    hasNewCredentials = false
    redirection = nil
    redirections = 0
    mismatches = 0
    tryAll(ways(to: addresses, from: locals), now: now)
  }

  private func tryAll(_ ways: [Way], now: NIODeadline) {
    guard !ways.isEmpty else {
      if redirection == nil { state = .idle } else { fail(again: retryTime(now)) }
      return
    }
    state = .trying
    untried = Deque(ways.prefix(Limit.attempts))
    attemptNext(now: now)
  }

  /// Each of the server's addresses with the best of ours, then with the second best, and so on.
  private func ways(to remotes: [TransportAddress], from locals: [TransportAddress]) -> [Way] {
    let columns = remotes.map { remote in
      locals.filter {
        $0.family == remote.family && $0.isLoopback == remote.isLoopback && $0.isLinkLocal == remote.isLinkLocal
      }.map { Way(local: $0, remote: remote) }
    }
    return (0..<(columns.map(\.count).max() ?? 0)).flatMap { row in columns.filter { row < $0.count }.map { $0[row] } }
  }

  private func attemptNext(now: NIODeadline) {
    nextAttemptAt = nil
    guard let way = untried.popFirst() else {
      if attempts.isEmpty { fail(again: retryTime(now)) }
      return
    }
    if !untried.isEmpty { nextAttemptAt = now + Limit.stagger }
    let credentials = server.username.flatMap { name in server.credential.map { (name, $0) } }
    let isReliable = server.transport != .udp
    let allocation = TURNAllocation(credentials: credentials, isReliable: isReliable, random: random)
    let stream = isReliable ? makeStreamID() : nil
    attempts.append(
      Attempt(
        way: way, stream: stream, connectsUntil: isReliable ? now + Limit.connecting : nil, allocation: allocation))
    if let stream {
      let name = server.transport == .tls ? redirection?.name ?? server.host : nil
      outputs.append(
        .perform(.openStream(stream, from: way.local.with(port: 0), to: way.remote, tls: name)))
    } else {
      allocation.start(now: now)
      collect(from: attempts.count - 1, now: now)
    }
  }

  // MARK: - What comes in

  /// Whether a datagram on this way is of the server's.
  func index(of way: Way) -> Int? {
    attempts.firstIndex { $0.stream == nil && $0.way == way }
  }

  func index(of stream: StreamID) -> Int? {
    attempts.firstIndex { $0.stream == stream }
  }

  func streamOpened(attemptAt index: Int, now: NIODeadline) {
    attempts[index].connectsUntil = nil
    settle(onAttemptAt: index)
    attempts[0].allocation.start(now: now)
    collect(from: 0, now: now)
  }

  /// Says that a stream of ours is closed.
  func closed(attemptAt index: Int, error: String?, now: NIODeadline) {
    let attempt = attempts[index]
    problem = "\(attempt.way.remote): \(error ?? "the server closed the connection")"
    let wasAllocated = state == .allocated
    abandon(attemptAt: index)
    if wasAllocated { lose(now) } else { attemptNext(now: now) }
  }

  /// Takes bytes of a stream of ours.
  /// - Parameter deliver: called for each datagram of a peer.
  func received(
    _ bytes: ByteBuffer, attemptAt index: Int, now: NIODeadline,
    deliver: (_ peer: TransportAddress, _ datagram: ByteBuffer) -> Void
  ) {
    let stream = attempts[index].stream
    attempts[index].deframer.append(bytes)
    do {
      // Each message may end the attempt, or make it the only one.
      while let stream, let index = self.index(of: stream), let message = try attempts[index].deframer.next() {
        if let (peer, datagram) = received(message: message, attemptAt: index, now: now) { deliver(peer, datagram) }
      }
    } catch {
      guard let stream, let index = self.index(of: stream) else { return }
      closed(attemptAt: index, error: "what it sends is not TURN", now: now)
    }
  }

  /// Takes a whole message of the server's.
  /// - Returns: the datagram of a peer in it.
  func received(
    message: ByteBuffer, attemptAt index: Int, now: NIODeadline
  ) -> (peer: TransportAddress, datagram: ByteBuffer)? {
    let allocation = attempts[index].allocation
    if let first = message.getInteger(at: message.readerIndex, as: UInt8.self),
      ChannelData.isChannelData(firstByte: first)
    {
      var datagram = message
      return allocation.unwrapChannelData(&datagram).map { ($0, datagram) }
    }
    guard let message = try? STUNMessage(parsing: message) else {
      allocation.statistics.discarded += 1
      return nil
    }
    let isAnswer = allocation.expects(message)
    let data = allocation.receive(message, now: now)
    if isAnswer { settle(onAttemptAt: index) }
    collect(from: isAnswer ? 0 : index, now: now)
    return data
  }

  /// The server answers there: the other attempts end.
  private func settle(onAttemptAt winner: Int) {
    for index in attempts.indices.reversed() where index != winner { abandon(attemptAt: index) }
    nextAttemptAt = nil
  }

  // MARK: - What goes out

  /// Sends a datagram to a peer from the allocation, if there is one.
  func send(_ datagram: ByteBuffer, to peer: TransportAddress, wantsChannel: Bool, now: NIODeadline) {
    guard state == .allocated, !attempts.isEmpty else { return }
    attempts[0].allocation.send(datagram, to: peer, wantsChannel: wantsChannel, now: now)
    collect(from: 0, now: now)
  }

  private func collect(from index: Int, now: NIODeadline) {
    let attempt = attempts[index]
    while let output = attempt.allocation.pollOutput() {
      switch output {
      case .transmit(let message, let mayDrop):
        let action: ICETransport.Action =
          if let stream = attempt.stream {
            .stream(stream, message, mayDrop: mayDrop)
          } else {
            .datagram(message, from: attempt.way.local, to: attempt.way.remote)
          }
        outputs.append(.perform(action))
      case .event(.allocated(let relayed, let mapped)):
        state = .allocated
        allocatedAt = now
        reported = nil
        outputs.append(.allocated(relayed, mapped: mapped, server: attempt.way.remote))
      case .event(.ended(let ending)):
        if let index = attempts.firstIndex(where: { $0.allocation === attempt.allocation }) {
          ended(attemptAt: index, ending, now: now)
        }
      }
    }
  }

  // MARK: - What ends

  private func ended(attemptAt index: Int, _ ending: TURNAllocation.Ending, now: NIODeadline) {
    let way = attempts[index].way
    let wasAllocated = state == .allocated
    problem = "\(way.remote): \(ending.text)"
    abandon(attemptAt: index)
    switch ending {
    case .busy:
      isBusy = true
      fail(again: now + Limit.retry)
    // A server that did take the credentials may have forgotten its nonce, no more.
    case .refused where wasAllocated: lose(now)
    case .refused: fail(again: hasNewCredentials ? restartTime(now) : nil)
    case .mismatch where !wasAllocated && mismatches < Limit.mismatches:
      mismatches += 1
      // A new connection has another port. Of a socket there is no second.
      if server.transport != .udp { untried.prepend(way) }
      attemptNext(now: now)
    case .redirected(let address, let name) where redirections < Limit.redirections:
      redirections += 1
      redirection = (address, name ?? redirection?.name ?? server.host)
      tryAll(ways(to: [address], from: locals), now: now)
    case .unreachable where !wasAllocated: attemptNext(now: now)
    case .mismatch, .unreachable, .redirected: if wasAllocated { lose(now) } else { fail(again: retryTime(now)) }
    }
  }

  /// The allocation is gone: another is made.
  private func lose(_ now: NIODeadline) {
    lostAt = now
    if let allocatedAt, now - allocatedAt >= Limit.restart.last { pause = Limit.restart.first }
    fail(again: restartTime(now))
  }

  /// At once, but not in a whirl.
  private func restartTime(_ now: NIODeadline) -> NIODeadline {
    max(now, (beganAt ?? now) + pause)
  }

  private func retryTime(_ now: NIODeadline) -> NIODeadline {
    if let lostAt, now < lostAt + Limit.retry { return restartTime(now) }
    return now + Limit.retry
  }

  private func fail(again: NIODeadline?) {
    state = .failed(again: again)
    untried = []
    if problem != reported { outputs.append(.problem(problem)) }
    reported = problem
  }

  /// Drops an attempt, and tells if its allocation is lost by that.
  private func abandon(attemptAt index: Int) {
    let attempt = attempts.remove(at: index)
    attempt.allocation.end()
    pastStatistics += attempt.allocation.statistics
    if let stream = attempt.stream { outputs.append(.perform(.closeStream(stream))) }
    if state == .allocated {
      state = .trying
      outputs.append(.lost(attempt.allocation.relayed))
    }
  }
}
