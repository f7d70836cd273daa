public import Logging
public import NIOCore

/// Tries a TURN server as a call would use it: two agents of ours may use nothing but it, and connect to each other through
/// it, in at one relayed address and out at the other.
public final class RelayProbe {
  /// What became of the call through the relay.
  public struct Report: Sendable {
    /// Where the server relays for us; empty if it does not.
    public var relayed: [TransportAddress] = []
    /// From the first packet to the relayed address.
    public var allocationTime: TimeAmount?
    /// From there until packets went through both ways; nil if they never did.
    public var loopTime: TimeAmount?
    /// What the server or the network said against it.
    public var problems: [String] = []

    /// Nothing has worked yet.
    public init() {}
  }

  /// One of the two agents, with sockets of its own.
  private final class Side {
    let transport: ICETransport
    var sockets: ICESockets?

    init(role: ICEAgent.Role) {
      var configuration = ICEAgent.Configuration()
      configuration.transportPolicy = .relay
      transport = ICETransport(configuration: configuration, role: role)
    }
  }

  private static let patience = TimeAmount.seconds(15)

  private let server: ICEServer
  private let eventLoop: any EventLoop
  private let sides = [Side(role: .controlling), Side(role: .controlled)]
  private let promise: EventLoopPromise<Report>
  private var report = Report()
  private let begin = NIODeadline.now()
  private var timer: Scheduled<Void>?
  private var isFinished = false

  /// - Parameters:
  ///   - addresses: of the server.
  ///   - interfaces: the addresses of ours to go out from.
  ///   - options: of a call's sockets; TCP to peers is not used.
  public static func run(
    _ server: ICEServer, addresses: [TransportAddress], interfaces: [NetworkInterface],
    options: ICESockets.Options = .init(), eventLoop: any EventLoop, logger: Logger
  ) async throws -> Report {
    try await eventLoop.flatSubmit {
      let probe = RelayProbe(server, eventLoop: eventLoop)
      probe.start(addresses, interfaces, options, logger: logger)
      return probe.promise.futureResult
    }.get()
  }

  private init(_ server: ICEServer, eventLoop: any EventLoop) {
    self.server = server
    self.eventLoop = eventLoop
    promise = eventLoop.makePromise()
  }

  private func start(
    _ addresses: [TransportAddress], _ interfaces: [NetworkInterface], _ options: ICESockets.Options, logger: Logger
  ) {
    var options = options
    options.usesTCP = false
    let now = NIODeadline.now()
    for (side, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
      let sockets = ICESockets(
        options: options, eventLoop: eventLoop, logger: logger, callbacks: callbacks(for: side.transport))
      side.sockets = sockets
      side.transport.setRemoteCredentials(other.transport.localCredentials, now: now)
      for case .udp(let local, _) in sockets.use(interfaces) { side.transport.addLocalAddress(local, now: now) }
      side.transport.addServer(server, addresses: addresses, now: now)
      side.transport.endOfLocalAddresses(now: now)
    }
    drain()
  }

  private func callbacks(for transport: ICETransport) -> ICESockets.Callbacks {
    let settled = { [weak self] in self?.drain() ?? () }
    return ICESockets.Callbacks(
      received: { _ = transport.receive($0, from: $1, to: $2, now: .now()) },
      streams: StreamSockets.Callbacks(
        opened: { transport.streamOpened($0, local: $1, now: .now()) }, accepted: { _, _ in nil },
        received: { transport.streamReceived($0, $1, now: .now()) { _ in } },
        closed: { transport.streamClosed($0, error: $1, now: .now()) }, settled: settled),
      resolved: { transport.resolved($0, to: $1, now: .now()) })
  }

  // MARK: - Driving both

  private func drain() {
    guard !isFinished else { return }
    var isDone = false
    while !isDone {
      isDone = true
      for (index, side) in sides.enumerated() {
        while let output = side.transport.pollOutput() {
          isDone = false
          take(output, of: side, other: sides[1 - index])
        }
      }
    }
    for side in sides { side.sockets?.flush() }
    if hasEnded { finish() } else { setTimer() }
  }

  private func take(_ output: ICETransport.Output, of side: Side, other: Side) {
    switch output {
    case .perform(let action): side.sockets?.perform(action)
    case .serverProblem(_, let text):
      if !report.problems.contains(text) { report.problems.append(text) }
    case .event(.localCandidate(let candidate)):
      if side === sides[0], case .ip(let address) = candidate.address, !report.relayed.contains(address) {
        report.relayed.append(address)
        report.allocationTime = report.allocationTime ?? NIODeadline.now() - begin
      }
      other.transport.addRemoteCandidate(candidate, now: .now())
    case .event: break
    }
  }

  private var isConnected: Bool {
    sides.allSatisfy { [.connected, .completed].contains($0.transport.connectionState) }
  }

  private var hasEnded: Bool {
    isConnected || NIODeadline.now() - begin >= Self.patience
      || sides.allSatisfy { $0.transport.gatheringState == .complete && $0.transport.localCandidates.isEmpty }
  }

  private func setTimer() {
    timer?.cancel()
    let deadline = sides.compactMap(\.transport.nextDeadline).min() ?? .distantFuture
    // The timer keeps the probe alive.
    timer = eventLoop.assumeIsolated().scheduleTask(deadline: min(deadline, begin + Self.patience)) {
      for side in self.sides { side.transport.handleTimeout(now: .now()) }
      self.drain()
    }
  }

  private func finish() {
    isFinished = true
    timer?.cancel()
    if isConnected, let allocated = report.allocationTime {
      report.loopTime = NIODeadline.now() - begin - allocated
    }
    for side in sides {
      // Gives the allocations back.
      side.transport.close(now: .now())
      while let output = side.transport.pollOutput() {
        if case .perform(let action) = output { side.sockets?.perform(action) }
      }
      side.sockets?.flush()
      side.sockets?.close()
    }
    promise.succeed(report)
  }
}
