internal import DequeModule
internal import Frames
internal import ICE
internal import NIOCore
internal import RTP
internal import SDP

/// What the driver has to do for a session.
enum SessionOutput {
  /// What the sockets have to do.
  case perform(ICETransport.Action)
  /// A STUN or TURN server is of no use, for a reason a person can read; the call goes on.
  case serverProblem(ICEServer, String)
  case event(PeerConnectionEvent)
  /// Hand to the receiver now.
  case video(EncodedVideoFrame)
  case audio(ReceivedAudioPacket)
}

/// A whole peer connection without sockets, clock and threads: offer/answer (``JSEP``), ICE, DTLS, SRTP and RTP joined over
/// one BUNDLE transport. Datagrams, frames, descriptions and the time go in; ``pollOutput()`` and ``nextDeadline(now:)``
/// give what is to be done. After any call, outputs are to be drained.
///
/// The certificate and the handshake draw from OpenSSL's random source; all else comes from the given one.
final class Session {
  /// Candidates of the peer that come before its description.
  static let maximumHeldCandidates = 64

  let configuration: PeerConnectionConfiguration
  let certificate: Certificate
  let cname: String
  var random: RandomSource
  var jsep: JSEP
  let ice: ICETransport
  let secure: SecureTransport
  private(set) var media: MediaTransport
  private let streamSeed: UInt64
  /// Whether ``PeerConnectionEvent/negotiationNeeded`` was raised and no agreement came since.
  var isNegotiationNeeded = false

  var outputs: Deque<SessionOutput> = []
  var mediaOutput = MediaOutput()
  /// ICE credentials of an offer that restarts ICE and has yet to be applied.
  var nextCredentials: ICECredentials?
  /// Section and kind of the streams that are set up, and the sections that frames go out on.
  var streamMids: [String: TrackKind] = [:]
  var sendingMid: [TrackKind: String] = [:]

  /// The section whose transport carries everything; nil before the first agreement.
  var transportMid: String?
  /// Who the peer is; nil before the first agreement.
  var negotiatedTransport: NegotiatedTransport?
  var heldCandidates: [CandidateDescription] = []

  private(set) var connectionState = ConnectionState.new
  private(set) var iceConnectionState = ICEConnectionState.new
  private(set) var iceGatheringState = ICEGatheringState.new
  private var announcedSignalingState = SignalingState.stable
  private var failure: PeerConnectionError?
  private var isClosedByPeer = false

  var discardedDatagrams = 0
  var framesDroppedUnsent = 0
  private(set) var datagramsSent = 0
  private(set) var datagramsReceived = 0
  private(set) var bytesSent = 0
  private(set) var bytesReceived = 0

  init(
    configuration: PeerConnectionConfiguration, certificate: Certificate, random: any RandomNumberGenerator
  ) {
    var random = RandomSource(random)
    self.configuration = configuration
    self.certificate = certificate
    cname = configuration.cname ?? String(random.next(), radix: 36)
    jsep = JSEP(sessionID: random.next())
    streamSeed = random.next()
    media = Self.makeStreams(configuration, cname: cname, seed: streamSeed, usesReducedSizeRTCP: true)
    secure = SecureTransport(certificate: certificate, mtu: configuration.mtu)
    var ice = ICEAgent.Configuration()
    ice.transportPolicy = configuration.iceTransportPolicy == .relay ? .relay : .all
    self.ice = ICETransport(configuration: ice, role: .controlled, random: random)
    self.random = random
  }

  private static func makeStreams(
    _ configuration: PeerConnectionConfiguration, cname: String, seed: UInt64, usesReducedSizeRTCP: Bool
  ) -> MediaTransport {
    var streams = MediaTransport.Configuration(cname: cname, seed: seed)
    streams.bitrate = BitrateLimits(
      minimum: configuration.minimumBitrate, start: configuration.initialBitrate, maximum: configuration.maximumBitrate)
    streams.usesReducedSizeRTCP = usesReducedSizeRTCP
    return MediaTransport(streams)
  }

  /// Goes without reduced-size RTCP, which the peer does not know (RFC 5506 section 5). Only before the first stream.
  func useCompoundRTCP() {
    media = Self.makeStreams(configuration, cname: cname, seed: streamSeed, usesReducedSizeRTCP: false)
  }

  // MARK: - Inputs

  /// Takes a datagram of any kind (RFC 7983) and of any content.
  func receive(_ datagram: consuming ByteBuffer, local: TransportAddress, remote: TransportAddress, now: NIODeadline) {
    guard jsep.state != .closed else { return }
    datagramsReceived += 1
    bytesReceived += datagram.readableBytes
    switch ice.receive(datagram, from: remote, to: local, now: now) {
    case .consumed: break
    case .discarded: discardedDatagrams += 1
    case .application(let datagram): receiveApplication(datagram, now: now)
    }
    drain(now: now)
  }

  /// Says that a TCP connection of ours is open; see ``ICETransport/streamOpened(_:local:now:)``.
  func streamOpened(_ id: StreamID, local: TransportAddress, now: NIODeadline) {
    ice.streamOpened(id, local: local, now: now)
    drain(now: now)
  }

  /// Says that the peer has connected; see ``ICETransport/streamAccepted(local:remote:now:)``.
  func streamAccepted(local: TransportAddress, remote: TransportAddress, now: NIODeadline) -> StreamID? {
    defer { drain(now: now) }
    return ice.streamAccepted(local: local, remote: remote, now: now)
  }

  /// Takes bytes of a TCP connection as they come.
  func streamReceived(_ id: StreamID, _ bytes: ByteBuffer, now: NIODeadline) {
    guard jsep.state != .closed else { return }
    bytesReceived += bytes.readableBytes
    ice.streamReceived(id, bytes, now: now) { datagram in
      datagramsReceived += 1
      receiveApplication(datagram, now: now)
    }
    drain(now: now)
  }

  /// Says that a TCP connection has ended; see ``ICETransport/streamClosed(_:error:now:)``.
  func streamClosed(_ id: StreamID, error: String?, now: NIODeadline) {
    ice.streamClosed(id, error: error, now: now)
    drain(now: now)
  }

  /// Takes what the peer has sent us, by its first byte (RFC 7983).
  private func receiveApplication(_ datagram: consuming ByteBuffer, now: NIODeadline) {
    switch datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) ?? 255 {
    case 20...63: secure.receiveDTLS(datagram)
    case 128...191: receiveMedia(datagram, now: now)
    default: discardedDatagrams += 1
    }
  }

  /// To be called at ``nextDeadline(now:)``.
  func handleTimeout(now: NIODeadline) {
    guard jsep.state != .closed else { return }
    ice.handleTimeout(now: now)
    if let left = secure.timeLeft(), left <= .zero { secure.handleTimeout() }
    drain(now: now)
  }

  /// Says goodbye and stops. What is still to be sent comes out of ``pollOutput()``.
  func close(now: NIODeadline) {
    guard jsep.state != .closed else { return }
    media.close()
    drain(now: now)
    secure.close()
    drainDTLS(now: now)
    ice.close(now: now)
    drainICE()
    jsep.close()
    noteSignalingState()
    noteConnectionState()
  }

  // MARK: - Outputs

  /// The next thing to be done; nil when all is done for now.
  func pollOutput() -> SessionOutput? { outputs.popFirst() }

  /// When ``handleTimeout(now:)`` is to be called at the latest; nil when nothing is under way.
  func nextDeadline(now: NIODeadline) -> NIODeadline? {
    guard jsep.state != .closed else { return nil }
    var earliest = ice.nextDeadline
    if let left = secure.timeLeft() { earliest = min(earliest ?? .distantFuture, now + left) }
    if secure.isConnected, let deadline = media.nextDeadline { earliest = min(earliest ?? .distantFuture, deadline) }
    return earliest
  }

  func emit(_ event: PeerConnectionEvent) {
    outputs.append(.event(event))
  }

  /// Sends a datagram to the peer if there is a path.
  func transmit(_ datagram: ByteBuffer, now: NIODeadline) {
    ice.send(datagram, now: now)
  }

  /// Carries what each part gave out to where it belongs.
  func drain(now: NIODeadline) {
    drainICE()
    drainDTLS(now: now)
    drainMedia(now: now)
    drainICE()
    noteConnectionState()
  }

  private func drainICE() {
    while let output = ice.pollOutput() {
      switch output {
      case .perform(let action):
        count(action)
        outputs.append(.perform(action))
      case .event(let event): handle(event)
      case .serverProblem(let server, let problem): outputs.append(.serverProblem(server, problem))
      }
    }
  }

  private func count(_ action: ICETransport.Action) {
    switch action {
    case .datagram(let bytes, _, _), .stream(_, let bytes, _):
      datagramsSent += 1
      bytesSent += bytes.readableBytes
    case .openStream, .closeStream, .resolve: break
    }
  }

  private func handle(_ event: ICEAgent.Event) {
    switch event {
    case .localCandidate(let candidate): announce(candidate)
    case .gatheringStateChange(let state):
      iceGatheringState = ICEGatheringState(rawValue: state.rawValue) ?? .new
      if state == .complete { announceEndOfCandidates() }
      emit(.iceGatheringStateChange(iceGatheringState))
    case .connectionStateChange(let state):
      iceConnectionState = ICEConnectionState(rawValue: state.rawValue) ?? .new
      emit(.iceConnectionStateChange(iceConnectionState))
      // Not for good: a restart may find another way.
      if state == .failed {
        noteConnectionState()
        emit(.failure(iceFailure))
      }
    case .selectedPairChange: startHandshake()
    case .roleChange: break
    }
  }

  private func drainDTLS(now: NIODeadline) {
    // Without a path the handshake waits in its queue.
    while ice.canSend, let datagram = secure.nextDatagram() { transmit(datagram, now: now) }
    while let event = secure.nextEvent() {
      switch event {
      case .connected:
        // Frames sent before there were keys are gone, so the first that goes out has to be a key frame.
        if let mid = sendingMid[.video] { emit(.keyFrameRequested(mid: mid)) }
      case .closedByPeer: isClosedByPeer = true
      case .failed(let error): fail(error)
      }
    }
  }

  // MARK: - States

  /// Ends the connection for good, for the first reason there is.
  func fail(_ error: PeerConnectionError) {
    guard failure == nil else { return }
    failure = error
    noteConnectionState()
    emit(.failure(error))
  }

  private var iceFailure: PeerConnectionError {
    let statistics = ice.statistics
    if secure.isConnected { return .iceFailed("the peer has not answered for 30 seconds") }
    return .iceFailed(
      "no path was found: \(statistics.requestsSent) checks sent, \(statistics.requestsReceived) received, "
        + "\(statistics.responsesReceived) answered")
  }

  func noteSignalingState() {
    guard jsep.state != announcedSignalingState else { return }
    announcedSignalingState = jsep.state
    emit(.signalingStateChange(jsep.state))
  }

  private func noteConnectionState() {
    let state = currentConnectionState
    guard state != connectionState else { return }
    connectionState = state
    emit(.connectionStateChange(state))
  }

  /// ICE and DTLS in one word (W3C `RTCPeerConnectionState`). A peer that said close_notify is gone for good.
  private var currentConnectionState: ConnectionState {
    if jsep.state == .closed || isClosedByPeer { return .closed }
    if failure != nil { return .failed }
    switch iceConnectionState {
    case .failed: return .failed
    case .disconnected: return .disconnected
    case .connected, .completed: return secure.isConnected ? .connected : .connecting
    case .checking: return .connecting
    case .new, .closed: return .new
    }
  }
}
