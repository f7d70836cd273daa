import Logging
import NIOCore
import PeerConnection
import SDP
import Signaling

/// The offer/answer exchange of a call, step by step on its peer connection.
extension CallController {
  /// One stream for both tracks, or a page shows only one of them.
  private static let streamID = "glyphone"

  /// Puts a step behind those under way; the first of a call makes the connection.
  func negotiate(_ id: CallMachine.CallID, _ step: NegotiationStep) {
    guard call?.id == id else { return }
    if call?.peer == nil {
      do {
        try connect(id)
      } catch {
        return failNegotiation(id, "\(error)")
      }
    }
    call?.peer?.steps.yield(step)
  }

  private func connect(_ id: CallMachine.CallID) throws(PeerConnectionError) {
    guard let call else { return }
    var settings = configuration.connection
    settings.certificate = try identity()
    settings.iceServers = serversOfServer.joined(to: settings.iceServers, now: .now())
    let connection = try PeerConnection(
      configuration: settings, eventLoop: eventLoop, receiver: call.pipeline, logger: logger)
    let (steps, continuation) = AsyncStream<NegotiationStep>.makeStream(bufferingPolicy: .bufferingOldest(256))
    self.call?.peer = CallConnection.Peer(connection: connection, steps: continuation)
    call.outlet.connect(connection)
    Task { for await step in steps { await self.perform(step, id, connection) } }
    Task { for await event in connection.events { self.take(event, id, connection) } }
  }

  /// Closes the connection of the present call, if it has one; the devices stay open.
  func disconnect() {
    guard let peer = call?.peer else { return }
    call?.outlet.connect(nil)
    call?.peer = nil
    peer.steps.finish()
    Task { await peer.connection.close() }
  }

  private func perform(
    _ step: NegotiationStep, _ id: CallMachine.CallID, _ connection: PeerConnection
  ) async {
    do {
      switch step {
      case .makeOffer(let peer):
        try await addTracks(to: connection)
        let offer = try await connection.setLocalDescription(try await connection.createOffer())
        guard isCurrent(connection) else { return }
        send(offer: offer.sdp, to: peer)
      case .takeOffer(let peer, let sdp):
        // Whether an offer of ours gives way, the machine has decided.
        try await connection.setRemoteDescription(Description(type: .offer, sdp: sdp), rollingBack: true)
        if call?.peer?.isDescriptionSent == false { try await addTracks(to: connection) }
        let answer = try await connection.setLocalDescription(try await connection.createAnswer())
        guard isCurrent(connection) else { return }
        call?.peer?.sentOffer = nil
        sendAnswer(answer.sdp, to: peer)
        releaseCandidates(to: peer)
      case .takeAnswer(let sdp):
        guard await connection.signalingState == .haveLocalOffer else { return }
        try await connection.setRemoteDescription(Description(type: .answer, sdp: sdp))
        call?.peer?.sentOffer = nil
      case .restart(let peer): try await restart(connection, peer)
      case .addCandidate(let candidate): await add(candidate, to: connection)
      }
    } catch {
      if isCurrent(connection) { failNegotiation(id, "\(error)") }
    }
  }

  /// Restarts ICE: the offer has new credentials, and media keep their path until a better one is found.
  private func restart(_ connection: PeerConnection, _ peer: String) async throws {
    switch await connection.signalingState {
    case .stable:
      try await connection.restartICE()
      guard isCurrent(connection) else { return }
      holdCandidates()
      let offer = try await connection.setLocalDescription(try await connection.createOffer())
      guard isCurrent(connection) else { return }
      send(offer: offer.sdp, to: peer)
    case .haveLocalOffer:
      // The offer, or its answer, went down with a connection to the server: once more, with all that belongs to it.
      guard isCurrent(connection), let offer = call?.peer?.sentOffer else { return }
      sendOffer(offer, to: peer)
      for candidate in call?.peer?.sentCandidates ?? [] { sendCandidate(ICECandidateInit(candidate), to: peer) }
    case .haveRemoteOffer, .closed: break
    }
  }

  private func send(offer: String, to peer: String) {
    call?.peer?.sentOffer = offer
    sendOffer(offer, to: peer)
    releaseCandidates(to: peer)
  }

  private func addTracks(to connection: PeerConnection) async throws {
    // Tracks we do not have are received all the same.
    guard let devices = call?.pipeline.devices else { return }
    for (kind, isThere) in [(TrackKind.audio, devices.microphone != nil), (.video, devices.camera != nil)] {
      if isThere {
        try await connection.addTrack(kind, streamID: Self.streamID)
      } else if await connection.signalingState != .haveRemoteOffer {
        try await connection.addTransceiver(kind, direction: .recvonly, streamID: nil)
      }
    }
  }

  /// A candidate that cannot be used costs one path, not the call.
  private func add(_ candidate: CandidateDescription, to connection: PeerConnection) async {
    do {
      try await connection.addICECandidate(candidate)
    } catch {
      logger.warning("candidate ignored", metadata: ["candidate": "\(candidate.candidate)", "reason": "\(error)"])
    }
  }

  private func take(_ event: PeerConnectionEvent, _ id: CallMachine.CallID, _ connection: PeerConnection) {
    guard isCurrent(connection) else { return }
    switch event {
    case .iceCandidate(let candidate): send(candidate)
    case .connectionStateChange(.connected): transportChanged(id, .connected)
    case .connectionStateChange(.disconnected):
      // It may be our own network that is gone, and with it the connection to the server.
      signaling.checkConnection()
      transportChanged(id, .interrupted)
    case .networkChange:
      signaling.checkConnection()
      transportChanged(id, .networkChanged)
    case .failure(.iceFailed(let text)): transportChanged(id, .lost(text))
    case .failure(let error): transportChanged(id, .failed("\(error)"))
    case .connectionStateChange(.closed): transportChanged(id, .closed)
    case .keyFrameRequested: call?.pipeline.requestKeyFrame()
    case .targetBitrate(let bitrate): call?.pipeline.setBitrate(bitrate)
    default: break
    }
  }

  private func send(_ candidate: CandidateDescription) {
    guard call?.peer?.isDescriptionSent == true else {
      call?.peer?.heldCandidates.append(candidate)
      return
    }
    call?.peer?.sentCandidates.append(candidate)
    sendCandidate(ICECandidateInit(candidate), to: peerName)
  }

  private func holdCandidates() {
    call?.peer?.isDescriptionSent = false
    call?.peer?.sentCandidates = []
  }

  private func releaseCandidates(to peer: String) {
    call?.peer?.isDescriptionSent = true
    let held = call?.peer?.heldCandidates ?? []
    call?.peer?.heldCandidates = []
    for candidate in held { send(candidate) }
  }

  private func isCurrent(_ connection: PeerConnection) -> Bool { call?.peer?.connection === connection }
}

extension CandidateDescription {
  init(_ candidate: ICECandidateInit) {
    self.init(
      candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex,
      usernameFragment: candidate.usernameFragment)
  }
}

extension ICECandidateInit {
  init(_ candidate: CandidateDescription) {
    self.init(
      candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex,
      usernameFragment: candidate.usernameFragment)
  }
}
