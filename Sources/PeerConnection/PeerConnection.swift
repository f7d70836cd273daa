public import Frames
public import ICE
public import Logging
public import NIOCore
internal import RTP
public import SDP
internal import Synchronization

/// A connection to one peer, shaped after W3C's `RTCPeerConnection`. It carries encoded frames and knows no codec.
///
/// This is the driver around the session, which holds all the protocol: it owns the sockets and one timer, and runs on one
/// event loop. Since that loop is the actor's executor and no operation suspends while it changes the session, operations
/// are carried out one after the other in the order they were called (the operations chain of RFC 9429 section 4.1.1):
/// none is lost and none sees another half done.
///
/// ``close()`` has to be called in the end; until then the sockets keep the connection alive.
public actor PeerConnection {
  /// What happens on the connection, in order. One consumer, who loses the oldest if he leaves more than 1024 unread; ends
  /// after ``close()``.
  public nonisolated let events: AsyncStream<PeerConnectionEvent>

  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private nonisolated let executor: any SerialExecutor
  nonisolated let eventLoop: any EventLoop
  private nonisolated let frameGate = FrameGate()
  private(set) var configuration: PeerConnectionConfiguration
  let session: Session
  let receiver: any MediaReceiver
  let logger: Logger
  let continuation: AsyncStream<PeerConnectionEvent>.Continuation
  var sockets: ICESockets?
  var monitor: PathMonitor?
  var hasBegunGathering = false
  /// URIs of servers that are looked up, or were found: those that were not are looked up again when the network changes.
  var serversFound: Set<String> = []
  /// Rounds of looking up that are under way.
  var lookups = 0
  var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

  private static let maximumUnreadEvents = 1024

  /// - Parameters:
  ///   - eventLoop: where everything runs: sockets, timer, callbacks of the receiver.
  ///   - receiver: takes the peer's media.
  /// - Throws: ``PeerConnectionError/system(_:)`` when no certificate can be made.
  public init(
    configuration: PeerConnectionConfiguration = PeerConnectionConfiguration(), eventLoop: any EventLoop,
    receiver: any MediaReceiver, logger: Logger
  ) throws(PeerConnectionError) {
    self.configuration = configuration
    self.eventLoop = eventLoop
    executor = eventLoop.executor
    self.receiver = receiver
    self.logger = logger
    (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.maximumUnreadEvents))
    Self.prepare()
    let certificate: Certificate
    if let given = configuration.certificate { certificate = given } else { certificate = try Certificate() }
    session = Session(
      configuration: configuration, certificate: certificate, random: SystemRandomNumberGenerator())
  }

  /// Does the slow part of the first connection beforehand: the self-tests of the cryptographic libraries, some 40 ms
  /// once in a process. Callable from any thread, of use at the start of a program; needless otherwise.
  public static func prepare() { SRTPContext.prepareLibrary() }

  // MARK: - Tracks

  /// Adds a track to be sent. It takes up a free section, also one that the peer has just offered, so that one round of
  /// offer and answer serves both directions. Raises ``PeerConnectionEvent/negotiationNeeded`` when an offer is needed.
  /// - Parameter streamID: the stream it belongs to (`a=msid`): the same for sound and picture; nil names none.
  /// - Throws: ``PeerConnectionError/closed``.
  public func addTrack(_ kind: TrackKind, streamID: String?) throws(PeerConnectionError) {
    try session.addTrack(kind, streamID: streamID)
    drain()
  }

  /// Stops sending tracks of this kind; the sections stay for receiving.
  public func removeTrack(_ kind: TrackKind) throws(PeerConnectionError) {
    try session.removeTrack(kind)
    drain()
  }

  /// Adds a section of its own, whatever sections there are.
  public func addTransceiver(
    _ kind: TrackKind, direction: MediaDirection, streamID: String?
  ) throws(PeerConnectionError) {
    try session.addTransceiver(kind, direction: direction, streamID: streamID)
    drain()
  }

  // MARK: - Offer and answer

  /// Makes an offer of the present transceivers (RFC 9429 section 5.2). Changes nothing.
  /// - Throws: ``PeerConnectionError/invalidState(_:)`` while an offer of the peer waits for its answer, or when there is
  ///   nothing to offer.
  public func createOffer() throws(PeerConnectionError) -> Description {
    try session.createOffer()
  }

  /// Answers the pending remote offer (RFC 9429 section 5.3). Changes nothing.
  /// - Throws: ``PeerConnectionError/invalidState(_:)`` when there is none.
  public func createAnswer() throws(PeerConnectionError) -> Description {
    try session.createAnswer()
  }

  /// Applies the description that ``createOffer()`` or ``createAnswer()`` gave last; nil makes and applies the one that
  /// fits the state, in one step. Gathering of candidates starts with the first.
  /// - Returns: what was applied.
  @discardableResult
  public func setLocalDescription(_ description: Description? = nil) throws(PeerConnectionError) -> Description {
    let applied = try session.setLocalDescription(description, now: .now())
    logger.debug("local \(applied.type.rawValue)", metadata: ["sdp": "\(applied.sdp)"])
    beginGathering()
    drain()
    return applied
  }

  /// Applies the peer's description.
  /// - Parameter rollingBack: whether an offer that meets our own pending one takes its place (the polite peer of perfect
  ///   negotiation). Otherwise it is refused, and ours stays.
  /// - Throws: ``PeerConnectionError/invalidState(_:)`` if it is not the peer's turn,
  ///   ``PeerConnectionError/invalidDescription(_:)`` naming what is wrong with it. Nothing is changed then.
  public func setRemoteDescription(
    _ description: Description, rollingBack: Bool = false
  ) throws(PeerConnectionError) {
    logger.debug("remote \(description.type.rawValue)", metadata: ["sdp": "\(description.sdp)"])
    try session.setRemoteDescription(description, rollingBack: rollingBack, now: .now())
    drain()
  }

  /// Takes a candidate of the peer, which may come before the description it belongs to.
  /// - Throws: ``PeerConnectionError/invalidDescription(_:)`` if it cannot be read. Candidates that are well-formed but of
  ///   no use (TCP, component 2, another generation) are dropped without an error.
  public func addICECandidate(_ candidate: CandidateDescription) throws(PeerConnectionError) {
    logger.debug("remote candidate \(candidate.candidate)")
    try session.addICECandidate(candidate, now: .now())
    drain()
  }

  /// Has the next offer begin a new generation of ICE, which looks for paths anew; media keep the present one until a better
  /// one is found. Raises ``PeerConnectionEvent/negotiationNeeded`` when stable.
  /// - Throws: ``PeerConnectionError/closed``.
  public func restartICE() throws(PeerConnectionError) {
    try session.restartICE()
    drain()
  }

  /// W3C `setConfiguration`, as far as a connection can be changed: its STUN and TURN servers. Those that are known already
  /// get these credentials: what was refused is tried again. New ones are asked, none is left.
  public func setICEServers(_ servers: [ICEServer]) {
    configuration.iceServers = servers
    for server in servers { session.renewCredentials(of: server, now: .now()) }
    drain()
    if hasBegunGathering { addServers() }
  }

  // MARK: - States

  public var signalingState: SignalingState { session.jsep.state }
  public var connectionState: ConnectionState { session.connectionState }

  /// A snapshot of all figures.
  public func statistics() -> PeerConnectionStatistics {
    var statistics = session.statistics()
    statistics.framesDroppedUnsent += frameGate.refused
    return statistics
  }

  /// Says goodbye (RTCP BYE, DTLS close_notify), closes the sockets and ends ``events``. May be called twice.
  public func close() async {
    session.close(now: .now())
    drain()
    timer?.task.cancel()
    timer = nil
    monitor?.stop()
    monitor = nil
    continuation.finish()
    let sockets = sockets
    self.sockets = nil
    try? await sockets?.close().get()
  }

  // MARK: - Media, from any thread

  /// Sends a picture, on the first video section agreed on. Returns at once; the picture is dropped, and counted, while
  /// there is no connection or the event loop is far behind.
  public nonisolated func send(video frame: EncodedVideoFrame) {
    guard frameGate.enter() else { return }
    eventLoop.execute { self.assumeIsolated { $0.send(frame) } }
  }

  /// Sends a sound packet in the same way.
  public nonisolated func send(audio frame: EncodedAudioFrame) {
    guard frameGate.enter() else { return }
    eventLoop.execute { self.assumeIsolated { $0.send(frame) } }
  }

  /// Asks the peer for a key frame; asking often does no harm.
  public nonisolated func requestKeyFrame() {
    eventLoop.execute {
      self.assumeIsolated { connection in
        connection.session.requestKeyFrame(now: .now())
        connection.drain()
      }
    }
  }

  /// Tells when a sample of the peer's is heard, so that pictures are shown in step with it (lip sync).
  /// - Parameters:
  ///   - timestamp: RTP timestamp of the sample.
  ///   - time: when it leaves the loudspeaker.
  public nonisolated func reportAudioPlayout(timestamp: UInt32, at time: NIODeadline) {
    eventLoop.execute {
      self.assumeIsolated { $0.session.reportAudioPlayout(timestamp: RTPTimestamp(timestamp), at: time) }
    }
  }

  private func send(_ frame: EncodedVideoFrame) {
    frameGate.leave()
    session.send(video: frame, now: .now())
    drain()
  }

  private func send(_ frame: EncodedAudioFrame) {
    frameGate.leave()
    session.send(audio: frame, now: .now())
    drain()
  }
}
