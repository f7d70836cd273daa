import ICE
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// The driver, on real sockets over the loopback interface.
@Suite struct SocketTests {
  /// What a peer connection does with an agent and its sockets, in small.
  private actor Driver {
    nonisolated let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    private let agent: ICEAgent
    private var sockets: UDPSockets?
    private var timer: Scheduled<Void>?
    private let candidates: AsyncStream<Candidate>.Continuation
    private let selected: AsyncStream<ICEAgent.SelectedPair>.Continuation
    private let media: AsyncStream<String>.Continuation
    nonisolated let localCandidates: AsyncStream<Candidate>
    nonisolated let selectedPairs: AsyncStream<ICEAgent.SelectedPair>
    nonisolated let received: AsyncStream<String>

    init(_ role: ICEAgent.Role, loop: any EventLoop) {
      self.loop = loop
      agent = ICEAgent(role: role)
      (localCandidates, candidates) = AsyncStream.makeStream()
      (selectedPairs, selected) = AsyncStream.makeStream()
      (received, media) = AsyncStream.makeStream()
    }

    func open(_ interfaces: [NetworkInterface], portRange: ClosedRange<UInt16>? = nil) throws -> [TransportAddress] {
      let sockets = UDPSockets(
        portRange: portRange, eventLoop: loop,
        receive: { [weak self] datagram, remote, local in
          self?.assumeIsolated { $0.receive(datagram, from: remote, to: local) }
        }, readComplete: { [weak self] in self?.assumeIsolated { $0.drain() } })
      self.sockets = sockets
      for interface in interfaces { agent.addLocalAddress(try sockets.open(on: interface), now: .now()) }
      agent.endOfLocalAddresses(now: .now())
      drain()
      return sockets.localAddresses
    }

    var credentials: ICECredentials { agent.localCredentials }

    func setRemote(_ credentials: ICECredentials) {
      agent.setRemoteCredentials(credentials, now: .now())
      drain()
    }

    func add(_ candidate: Candidate) {
      agent.addRemoteCandidate(candidate, now: .now())
      drain()
    }

    /// Sends media over the selected pair, and to a place that can't be reached before.
    func send(_ texts: [String]) {
      guard let path = agent.mediaRoute else { return }
      for text in texts {
        sockets?.send(ByteBuffer(string: text), from: path.local, to: path.remote)
      }
      sockets?.flush()
    }

    func send(_ text: String, to remote: TransportAddress) {
      guard let local = sockets?.localAddresses.first(where: { $0.family == remote.family }) else { return }
      sockets?.send(ByteBuffer(string: text), from: local, to: remote)
      sockets?.flush()
    }

    func close() async throws {
      agent.close()
      timer?.cancel()
      try await sockets?.close().get()
      try await sockets?.close().get()
    }

    private func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress) {
      if STUNMessage.isSTUN(datagram) {
        agent.receive(datagram, on: Route(local: local, remote: remote), now: .now())
      } else {
        media.yield(String(buffer: datagram))
      }
    }

    private func drain() {
      while let output = agent.pollOutput() {
        switch output {
        case .transmit(let datagram, let route): sockets?.send(datagram, from: route.local, to: route.remote)
        case .event(.localCandidate(let candidate)): candidates.yield(candidate)
        case .event(.selectedPairChange(.some(let pair))): selected.yield(pair)
        case .event, .connect, .disconnect, .resolve: break
        }
      }
      sockets?.flush()
      timer?.cancel()
      timer = agent.nextDeadline.map { deadline in
        loop.scheduleTask(deadline: deadline) { [weak self] in self?.assumeIsolated { $0.timeout() } }
      }
    }

    private func timeout() {
      agent.handleTimeout(now: .now())
      drain()
    }
  }

  private static func connected(_ interfaces: [NetworkInterface]) async throws -> (Driver, Driver) {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let (left, right) = (Driver(.controlling, loop: loop), Driver(.controlled, loop: loop))
    for (from, to) in [(left, right), (right, left)] {
      Task {
        for await candidate in from.localCandidates { await to.add(candidate) }
      }
    }
    _ = try await left.open(interfaces)
    _ = try await right.open(interfaces)
    await left.setRemote(right.credentials)
    await right.setRemote(left.credentials)
    for side in [left, right] {
      for await pair in side.selectedPairs where pair.isNominated { break }
    }
    return (left, right)
  }

  private static func loopback() throws -> [NetworkInterface] {
    try NetworkInterface.usable(includeLoopback: true).filter(\.address.isLoopback)
  }

  @Test(.timeLimit(.minutes(1))) func connectsAndCarriesMedia() async throws {
    let (left, right) = try await Self.connected(try Self.loopback())
    let texts = (0..<100).map { "packet \($0) " + String(repeating: "x", count: 1200) }
    await left.send(texts)
    var received: [String] = []
    for await text in right.received {
      received.append(text)
      if received.count == texts.count { break }
    }
    #expect(received == texts)
    try await left.close()
    try await right.close()
  }

  /// A datagram nobody can carry, or that nobody listens for, is the network's business: the socket stays.
  @Test(.timeLimit(.minutes(1))) func survivesDestinationsThatCannotBeReached() async throws {
    let (left, right) = try await Self.connected(try Self.loopback().filter { $0.address.family == .v4 })
    await left.send("to no listener", to: address("127.0.0.1", 9))
    await left.send("to no route", to: address("240.0.0.1", 9))
    await left.send("to everybody", to: address("255.255.255.255", 9))
    await left.send(String(repeating: "too long", count: 10_000), to: address("127.0.0.1", 9))
    await left.send(["still there"])
    for await text in right.received {
      #expect(text == "still there")
      break
    }
    try await left.close()
    try await right.close()
  }

  @Test func takesPortsOfTheRange() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let v4 = try Self.loopback().filter { $0.address.family == .v4 }
    let range: ClosedRange<UInt16> = 47_310...47_313
    var drivers: [Driver] = []
    var ports: Set<UInt16> = []
    for _ in range {
      let driver = Driver(.controlling, loop: loop)
      drivers.append(driver)
      ports.formUnion(try await driver.open(v4, portRange: range).map(\.port))
    }
    #expect(ports == Set(range))
    await #expect(throws: IOError.self) {
      try await Driver(.controlling, loop: loop).open(v4, portRange: range)
    }
    for driver in drivers { try await driver.close() }
    // Closed ports are free again.
    let again = Driver(.controlling, loop: loop)
    #expect(try await again.open(v4, portRange: range).count == 1)
    try await again.close()
  }

  @Test func interfacesAreUsable() throws {
    let all = try NetworkInterface.usable(includeLoopback: true)
    #expect(all.contains { $0.address.isLoopback })
    let some = try NetworkInterface.usable()
    #expect(!some.isEmpty)
    let hasOthers = some.contains { !$0.address.isLoopback }
    #expect(!hasOthers || some.allSatisfy { !$0.address.isLoopback })
  }
}
