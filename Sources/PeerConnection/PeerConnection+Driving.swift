internal import ICE
internal import Logging
internal import NIOCore

// Between the session on one side and sockets, timer, events and receiver on the other.
extension PeerConnection {
  /// Opens the sockets, asks the servers, and watches the network; the first time only.
  func beginGathering() {
    guard !hasBegunGathering else { return }
    hasBegunGathering = true
    let sockets = makeSockets()
    let monitor = makeMonitor()
    (self.sockets, self.monitor) = (sockets, monitor)
    do {
      use(try monitor.start(), sockets)
    } catch {
      session.fail(.system("can't list the network interfaces: \(error)"))
    }
    if sockets.localAddresses.isEmpty { session.fail(.system("no network address can be used")) }
    addServers()
  }

  private func makeSockets() -> ICESockets {
    var options = ICESockets.Options()
    options.portRange = configuration.portRange
    options.usesTCP = configuration.usesTCP && configuration.iceTransportPolicy == .all
    options.hidesAddresses = configuration.hidesAddresses
    options.tlsRoots = configuration.tlsRoots
    let session = session
    let streams = StreamSockets.Callbacks(
      opened: { session.streamOpened($0, local: $1, now: .now()) },
      accepted: { session.streamAccepted(local: $0, remote: $1, now: .now()) },
      received: { session.streamReceived($0, $1, now: .now()) },
      closed: { session.streamClosed($0, error: $1, now: .now()) },
      settled: { [weak self] in self?.assumeIsolated { $0.drain() } })
    return ICESockets(
      options: options, eventLoop: eventLoop, logger: logger,
      callbacks: ICESockets.Callbacks(
        received: { session.receive($0, local: $2, remote: $1, now: .now()) }, streams: streams,
        resolved: { session.resolved($0, to: $1, now: .now()) }))
  }

  private func makeMonitor() -> PathMonitor {
    PathMonitor(
      eventLoop: eventLoop, logger: logger,
      list: { [configuration] in
        try NetworkInterface.usable(includeLoopback: configuration.includesLoopback, names: configuration.interfaces)
      },
      changed: { [weak self] interfaces in self?.assumeIsolated { $0.networkChanged(to: interfaces) } })
  }

  /// The machine has other addresses than before. When it has none the sockets stay as they are: the network may come back
  /// as it was, and consent outlives a short absence.
  private func networkChanged(to interfaces: [NetworkInterface]) {
    let interfaces = interfaces.filter { configuration.includesLoopback || !$0.address.isLoopback }
    guard !interfaces.isEmpty, let sockets, use(interfaces, sockets) else { return }
    session.emit(.networkChange)
    drain()
    addServers()
  }

  /// - Returns: whether anything has changed.
  @discardableResult
  private func use(_ interfaces: [NetworkInterface], _ sockets: ICESockets) -> Bool {
    let changes = sockets.use(interfaces)
    for change in changes {
      switch change {
      case .udp(let address, let name): session.addLocalAddress(address, name: name, now: .now())
      case .tcp(let address, let isPassive): session.addTCPAddress(address, isPassive: isPassive, now: .now())
      case .removed(let address): session.removeLocalAddress(address, now: .now())
      }
    }
    return !changes.isEmpty
  }

  /// Looks up and adds the servers that are not known yet.
  func addServers() {
    let servers = configuration.iceServers.filter { serversFound.insert($0.description).inserted }
    lookups += 1
    Task { await add(servers) }
  }

  /// Looks all servers up at once: a slow name server must not hold up the others.
  private func add(_ servers: [ICEServer]) async {
    await withTaskGroup(of: (ICEServer, Result<[TransportAddress], ICEServerError>).self) { group in
      for server in servers {
        group.addTask {
          do throws(ICEServerError) { return (server, .success(try await server.resolve())) } catch {
            return (server, .failure(error))
          }
        }
      }
      for await (server, result) in group {
        switch result {
        case .success(let addresses):
          // Its credentials may have been renewed meanwhile.
          let known = configuration.iceServers.first { $0.description == server.description }
          session.addServer(known ?? server, addresses: addresses, now: .now())
        case .failure(let error):
          serversFound.remove(server.description)
          logger.warning("\(server): \(error)")
        }
        drain()
      }
    }
    lookups -= 1
    if lookups == 0 { session.endOfLocalAddresses(now: .now()) }
    drain()
  }

  /// Carries out everything the session wants done, and sets the timer to when it wants to be called again.
  func drain() {
    while let output = session.pollOutput() {
      switch output {
      case .perform(let action): sockets?.perform(action)
      case .serverProblem(let server, let problem): logger.warning("\(server): \(problem)")
      case .video(let frame): receiver.receive(video: frame)
      case .audio(let packet): receiver.receive(audio: packet)
      case .event(let event):
        log(event)
        continuation.yield(event)
      }
    }
    sockets?.flush()
    setTimer()
  }

  /// A timer that fires early does no harm, so it is replaced only by an earlier one: packets push the deadline back all
  /// the time.
  private func setTimer() {
    let now = NIODeadline.now()
    guard let deadline = session.nextDeadline(now: now) else { return }
    if let timer, timer.deadline <= deadline { return }
    timer?.task.cancel()
    let task = eventLoop.scheduleTask(deadline: deadline) { [weak self] in
      guard let self else { return }
      assumeIsolated { $0.timerFired() }
    }
    timer = (deadline, task)
  }

  private func timerFired() {
    timer = nil
    session.handleTimeout(now: .now())
    drain()
  }

  private func log(_ event: PeerConnectionEvent) {
    switch event {
    case .iceCandidate(let candidate): logger.debug("local candidate \(candidate.candidate)")
    case .targetBitrate(let rate): logger.debug("target bitrate \(rate)")
    case .keyFrameRequested(let mid): logger.debug("key frame requested on \(mid)")
    case .signalingStateChange(let state): logger.info("signaling state \(state.rawValue)")
    case .iceGatheringStateChange(let state): logger.debug("ICE gathering \(state.rawValue)")
    case .iceConnectionStateChange(let state): logger.info("ICE \(state.rawValue)")
    case .connectionStateChange(let state): logger.info("connection \(state.rawValue)")
    case .networkChange: logger.info("the network addresses changed")
    case .failure(let error): logger.error("connection failed: \(error)")
    case .negotiationNeeded: logger.debug("negotiation needed")
    case .track(let track): logger.info("remote \(track.kind.rawValue) track on \(track.mid)")
    case .trackRemoved(let track): logger.info("remote \(track.kind.rawValue) track on \(track.mid) ended")
    }
  }
}
