import ICE
import Logging
import NIOCore

/// One ICE transport with sockets, timer and path monitor, and the echo on top.
actor ProbePeer {
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private nonisolated let executor: any SerialExecutor
  private nonisolated let eventLoop: any EventLoop
  private let logger: Logger
  private var transport: ICETransport?
  private var sockets: ICESockets?
  private var monitor: PathMonitor?
  private var exchange = Exchange()
  private var timer: Scheduled<Void>?

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    executor = eventLoop.executor
    var logger = Logger(label: "ice-probe") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .debug
    self.logger = logger
  }

  /// Opens sockets and closes them, as a call before would have, and says that commands may come.
  func getReady() async throws {
    let sockets = makeSockets(nil)
    let monitor = PathMonitor(
      eventLoop: eventLoop, logger: logger, list: { try NetworkInterface.usable() }, changed: { _ in })
    _ = sockets.use(try monitor.start())
    monitor.stop()
    try await sockets.close().get()
    Report.write("ready")
  }

  /// Has a command obeyed on the event loop, after those before it; nobody waits for that.
  nonisolated func take(_ command: Command) {
    eventLoop.execute {
      self.assumeIsolated { peer in
        do { try peer.obey(command) } catch { Report.problem("\(error)") }
        peer.drain()
      }
    }
  }

  private func obey(_ command: Command) throws {
    switch command.do {
    case "credentials": try takeCredentials(command)
    case "candidate":
      if let candidate = try Candidate.parse(command.candidate ?? "") {
        transport?.addRemoteCandidate(candidate, usernameFragment: command.ufrag, now: .now())
      }
    case "restart": restart()
    case "send": send(command)
    default: Report.write("cannot", ["do": command.do])
    }
  }

  func close() async {
    transport?.close(now: .now())
    drain()
    timer?.cancel()
    monitor?.stop()
    try? await sockets?.close().get()
  }

  // MARK: Beginning

  func start(_ command: Command) async throws {
    var configuration = ICEAgent.Configuration()
    configuration.transportPolicy = command.policy == "relay" ? .relay : .all
    let transport = ICETransport(
      configuration: configuration, role: command.role == "controlling" ? .controlling : .controlled)
    self.transport = transport
    tellCredentials()
    let sockets = makeSockets(command)
    self.sockets = sockets
    let monitor = PathMonitor(
      eventLoop: eventLoop, logger: logger, list: { try NetworkInterface.usable() },
      changed: { [weak self] interfaces in self?.assumeIsolated { $0.networkChanged(to: interfaces) } })
    self.monitor = monitor
    apply(sockets.use(try monitor.start()))
    drain()
    for server in command.servers ?? [] {
      let server = try ICEServer(uri: server.url, username: server.username, credential: server.credential)
      transport.addServer(server, addresses: try await server.resolve(), now: .now())
      drain()
    }
    transport.endOfLocalAddresses(now: .now())
    drain()
  }

  private func makeSockets(_ command: Command?) -> ICESockets {
    var options = ICESockets.Options()
    options.usesTCP = command?.tcp ?? false
    options.hidesAddresses = command?.hides ?? false
    options.tlsRoots = command?.roots
    return ICESockets(
      options: options, eventLoop: eventLoop, logger: logger,
      callbacks: .init(
        received: { [weak self] datagram, remote, local in
          self?.assumeIsolated { $0.receive(datagram, from: remote, to: local) }
        },
        streams: .init(
          opened: { [weak self] id, local in
            self?.assumeIsolated { $0.transport?.streamOpened(id, local: local, now: .now()) }
          },
          accepted: { [weak self] local, remote in
            self?.assumeIsolated { $0.transport?.streamAccepted(local: local, remote: remote, now: .now()) }
          },
          received: { [weak self] id, bytes in self?.assumeIsolated { $0.receive(bytes, on: id) } },
          closed: { [weak self] id, problem in
            self?.assumeIsolated { $0.transport?.streamClosed(id, error: problem, now: .now()) }
          },
          settled: { [weak self] in self?.assumeIsolated { $0.drain() } }),
        resolved: { [weak self] name, addresses in
          self?.assumeIsolated { $0.transport?.resolved(name, to: addresses, now: .now()) }
        }))
  }

  // MARK: Generations

  private func takeCredentials(_ command: Command) throws {
    let old = transport?.localCredentials
    let credentials = try ICECredentials(usernameFragment: command.ufrag ?? "", password: command.pwd ?? "")
    transport?.setRemoteCredentials(credentials, now: .now())
    // The other has restarted, so we did.
    if let old, transport?.localCredentials != old { tellCredentials() }
  }

  private func restart() {
    transport?.restart(now: .now())
    tellCredentials()
  }

  private func networkChanged(to interfaces: [NetworkInterface]) {
    guard let sockets else { return }
    Report.write("network", ["addresses": interfaces.map { "\($0.name) \($0.address.ip)" }])
    apply(sockets.use(interfaces))
    restart()
    drain()
  }

  private func apply(_ changes: [ICESockets.AddressChange]) {
    for change in changes {
      switch change {
      case .udp(let address, let name): transport?.addLocalAddress(address, name: name, now: .now())
      case .tcp(let address, let isPassive): transport?.addTCPAddress(address, isPassive: isPassive, now: .now())
      case .removed(let address): transport?.removeLocalAddress(address, now: .now())
      }
    }
  }

  // MARK: Datagrams

  private func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress) {
    if case .application(let datagram)? = transport?.receive(datagram, from: remote, to: local, now: .now()) {
      deliver(datagram)
    }
  }

  private func receive(_ bytes: ByteBuffer, on stream: StreamID) {
    transport?.streamReceived(stream, bytes, now: .now()) { deliver($0) }
  }

  private func deliver(_ datagram: ByteBuffer) {
    if let echo = exchange.take(datagram) { transport?.send(echo, now: .now()) }
  }

  private func send(_ command: Command) {
    exchange.begin(count: command.count ?? 0)
    let size = command.size ?? 100
    let interval = TimeAmount.nanoseconds(Int64((command.interval ?? 20) * 1e6))
    eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) { [weak self] task in
      guard let self else { return task.cancel() }
      assumeIsolated { peer in
        if let datagram = peer.exchange.nextDatagram(size: size) {
          peer.transport?.send(datagram, now: .now())
          peer.drain()
        } else {
          task.cancel()
          peer.eventLoop.scheduleTask(in: .seconds(1)) { [weak peer] in peer?.assumeIsolated { $0.exchange.report() } }
        }
      }
    }
  }

  // MARK: Outputs

  private func drain() {
    var news: [ICETransport.Output] = []
    while let output = transport?.pollOutput() {
      if case .perform(let action) = output { sockets?.perform(action) } else { news.append(output) }
    }
    // A line takes longer than a datagram: the other side does not wait for the script.
    sockets?.flush()
    for case .event(let event) in news { tell(event) }
    for case .serverProblem(let server, let text) in news { Report.problem("\(server): \(text)") }
    setTimer()
  }

  private func setTimer() {
    timer?.cancel()
    timer = transport?.nextDeadline.map { deadline in
      eventLoop.scheduleTask(deadline: deadline) { [weak self] in
        self?.assumeIsolated { peer in
          peer.transport?.handleTimeout(now: .now())
          peer.drain()
        }
      }
    }
  }

  private func tellCredentials() {
    guard let credentials = transport?.localCredentials else { return }
    Report.write("credentials", ["ufrag": credentials.usernameFragment, "pwd": credentials.password])
  }

  private func tell(_ event: ICEAgent.Event) {
    switch event {
    case .localCandidate(let candidate): tell(candidate: candidate.attribute)
    case .gatheringStateChange(.complete): tell(candidate: "")
    case .connectionStateChange(let state): Report.write("state", ["state": state.rawValue])
    case .selectedPairChange(let pair?):
      Report.write("pair", ["local": Self.text(pair.local), "remote": Self.text(pair.remote)])
    case .gatheringStateChange, .selectedPairChange, .roleChange: break
    }
  }

  private func tell(candidate: String) {
    Report.write("candidate", ["candidate": candidate, "ufrag": transport?.localCredentials.usernameFragment ?? ""])
  }

  private static func text(_ candidate: Candidate) -> String {
    let address = candidate.transportAddress.map(String.init(describing:)) ?? "?"
    return "\(candidate.type.rawValue) \(address) \(candidate.transport == .udp ? "udp" : "tcp")"
  }
}
