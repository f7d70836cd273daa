import ICE
import Logging
import NIOCore

/// One ICE transport with sockets, timer and the echo on top.
actor ProbePeer {
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private nonisolated let executor: any SerialExecutor
  private nonisolated let eventLoop: any EventLoop
  private let logger = Logger(label: "ice-probe")
  private var transport: ICETransport?
  private var sockets: UDPSockets?
  private var exchange = Exchange()
  private var timer: Scheduled<Void>?

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    executor = eventLoop.executor
  }

  func obey(_ command: Command) async throws {
    switch command.do {
    case "start": try await start(command)
    case "credentials":
      let old = transport?.localCredentials
      transport?.setRemoteCredentials(
        try ICECredentials(usernameFragment: command.ufrag ?? "", password: command.pwd ?? ""), now: .now())
      // The other has restarted, so we did.
      if let old, transport?.localCredentials != old { tellCredentials() }
    case "candidate":
      if let candidate = try Candidate.parse(command.candidate ?? "") {
        transport?.addRemoteCandidate(candidate, usernameFragment: command.ufrag, now: .now())
      }
    case "restart":
      transport?.restart(now: .now())
      tellCredentials()
    case "send": send(command)
    default: Report.write("cannot", ["do": command.do])
    }
    drain()
  }

  func close() async {
    transport?.close(now: .now())
    drain()
    timer?.cancel()
    try? await sockets?.close().get()
  }

  private func start(_ command: Command) async throws {
    let transport = ICETransport(role: command.role == "controlling" ? .controlling : .controlled)
    self.transport = transport
    tellCredentials()
    let sockets = try await UDPSockets.open(
      on: NetworkInterface.usable(), eventLoop: eventLoop, logger: logger,
      receive: { [weak self] datagram, remote, local in
        self?.assumeIsolated { $0.receive(datagram, from: remote, to: local) }
      },
      readComplete: { [weak self] in self?.assumeIsolated { $0.drain() } })
    self.sockets = sockets
    for address in sockets.localAddresses { transport.addLocalAddress(address, now: .now()) }
    drain()
    for server in command.servers ?? [] {
      let server = try ICEServer(uri: server.url, username: server.username, credential: server.credential)
      transport.addServer(server, addresses: try await server.resolve(), now: .now())
    }
    transport.endOfLocalAddresses(now: .now())
  }

  private func tellCredentials() {
    guard let credentials = transport?.localCredentials else { return }
    Report.write("credentials", ["ufrag": credentials.usernameFragment, "pwd": credentials.password])
  }

  private func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress) {
    guard let transport else { return }
    switch transport.receive(datagram, from: remote, to: local, now: .now()) {
    case .application(let datagram): deliver(datagram)
    case .discarded: deliver(datagram)
    case .consumed: break
    }
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

  private func drain() {
    while let output = transport?.pollOutput() {
      switch output {
      case .perform(.datagram(let datagram, let local, let remote)): sockets?.send(datagram, from: local, to: remote)
      case .perform: break
      case .event(let event): tell(event)
      case .serverProblem(let server, let text): Report.problem("\(server): \(text)")
      }
    }
    setTimer()
  }

  private func setTimer() {
    timer?.cancel()
    guard let deadline = transport?.nextDeadline else { return }
    timer = eventLoop.scheduleTask(deadline: deadline) { [weak self] in
      self?.assumeIsolated { peer in
        peer.transport?.handleTimeout(now: .now())
        peer.drain()
      }
    }
  }

  private func tell(_ event: ICEAgent.Event) {
    switch event {
    case .localCandidate(let candidate): tell(candidate: candidate.attribute)
    case .gatheringStateChange(.complete): tell(candidate: "")
    case .connectionStateChange(let state): Report.write("state", ["state": state.rawValue])
    case .selectedPairChange(let pair?): Report.write("pair", ["local": Self.text(pair.local), "remote": Self.text(pair.remote)])
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
