internal import ICE
internal import Logging
internal import NIOCore

// Between the session on one side and sockets, timer, events and receiver on the other.
extension PeerConnection {
  /// Opens the sockets and asks the STUN servers; the first time only.
  func beginGathering() {
    guard !hasBegunGathering else { return }
    hasBegunGathering = true
    Task { await gather() }
  }

  private func gather() async {
    do {
      let sockets = try await openSockets()
      guard session.jsep.state != .closed else {
        try? await sockets.close().get()
        return
      }
      self.sockets = sockets
      for address in sockets.localAddresses { session.addLocalAddress(address, now: .now()) }
      drain()
      for server in configuration.iceServers where server.kind == .stun && server.transport == .udp {
        do {
          session.addServer(server, addresses: try await server.resolve(), now: .now())
          drain()
        } catch {
          logger.warning("STUN server \(server): \(error)")
        }
      }
      session.endOfLocalAddresses(now: .now())
    } catch {
      session.fail(.system("\(error)"))
    }
    drain()
  }

  private func openSockets() async throws -> UDPSockets {
    try await UDPSockets.open(
      on: NetworkInterface.usable(includeLoopback: configuration.includesLoopback),
      portRange: configuration.portRange, eventLoop: eventLoop, logger: logger,
      receive: { [weak self] datagram, remote, local in
        self?.assumeIsolated { $0.session.receive(datagram, local: local, remote: remote, now: .now()) }
      },
      readComplete: { [weak self] in
        self?.assumeIsolated { $0.drain() }
      })
  }

  /// Carries out everything the session wants done, and sets the timer to when it wants to be called again.
  func drain() {
    while let output = session.pollOutput() {
      switch output {
      case .perform(.datagram(let datagram, let local, let remote)): sockets?.send(datagram, from: local, to: remote)
      case .perform: break
      case .serverProblem(let server, let problem): logger.warning("\(server): \(problem)")
      case .video(let frame): receiver.receive(video: frame)
      case .audio(let packet): receiver.receive(audio: packet)
      case .event(let event):
        log(event)
        continuation.yield(event)
      }
    }
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
