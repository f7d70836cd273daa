import Frames
import ICE
import NIOCore
import RTP
import TestSupport

@testable import PeerConnection

#if canImport(Glibc)
  import Glibc
#endif

/// Makes real time pass along with virtual time while a DTLS handshake is under way, since OpenSSL's retransmission timer
/// looks at the wall clock. A handshake without loss takes some milliseconds.
final class HandshakeClock {
  private let network: SimulatedNetwork
  private var last: NIODeadline

  init(_ network: SimulatedNetwork) {
    self.network = network
    last = network.now
  }

  var now: NIODeadline { network.now }

  func keepUp(_ session: Session) {
    if session.secure.timeLeft() != nil, now > last {
      usleep(UInt32(clamping: min((now - last).nanoseconds / 1000, 5_000_000)))
    }
    last = now
  }
}

/// One side of a simulated call: a session, its host, and all it gave out.
final class SimulatedPeer: SimulatedEndpoint {
  let name: String
  let session: Session
  let host: SimulatedHost
  weak var other: SimulatedPeer?
  var tamper: (ByteBuffer) -> [ByteBuffer] = { [$0] }
  var sendsMedia = false
  /// Tells candidates with an index and an empty mid, as pion does.
  var leavesMidEmpty = false
  private(set) var events: [PeerConnectionEvent] = []
  private(set) var pictures: [EncodedVideoFrame] = []
  private(set) var sounds: [ReceivedAudioPacket] = []
  private(set) var serverProblems: [String] = []
  /// What it may use of servers; set before the first description.
  var servers: [(ICEServer, [TransportAddress])] = []
  private let address: TransportAddress
  private let sockets: SimulatedSockets
  private let clock: HandshakeClock
  private var hasGathered = false
  /// Frames made so far; each carries its number.
  private var pictureCount: UInt32 = 0
  private var soundCount: UInt32 = 0
  private var isKeyFrameDue = true

  init(
    _ name: String, address: TransportAddress, host: SimulatedHost, clock: HandshakeClock, seed: UInt64,
    configuration: PeerConnectionConfiguration
  ) throws {
    self.name = name
    self.address = address
    self.host = host
    self.clock = clock
    sockets = SimulatedSockets(host)
    session = Session(
      configuration: configuration, certificate: try Certificate(), random: SeededGenerator(seed: seed))
    host.endpoint = self
  }

  // MARK: - On the network

  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline) {
    clock.keepUp(session)
    session.receive(datagram, local: local, remote: remote, now: now)
    drain()
  }

  func handleTimeout(now: NIODeadline) {
    clock.keepUp(session)
    session.handleTimeout(now: now)
    drain()
  }

  var nextDeadline: NIODeadline? { session.nextDeadline(now: clock.now) }

  func connected(_ stream: SimulatedStream, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    session.streamOpened(id, local: stream.local, now: now)
    drain()
  }

  func accepted(_ stream: SimulatedStream, now: NIODeadline) {
    sockets.accept(stream, as: session.streamAccepted(local: stream.local, remote: stream.remote, now: now))
    drain()
  }

  func receive(_ bytes: ByteBuffer, on stream: SimulatedStream, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    clock.keepUp(session)
    session.streamReceived(id, bytes, now: now)
    drain()
  }

  func closed(_ stream: SimulatedStream, error: String?, now: NIODeadline) {
    guard let id = sockets.id(of: stream) else { return }
    sockets.forget(stream)
    session.streamClosed(id, error: error, now: now)
    drain()
  }

  /// Takes a datagram as if it came from the other side.
  func inject(_ datagram: ByteBuffer) {
    guard let other else { return }
    receive(datagram, from: other.address, to: address, now: clock.now)
  }

  // MARK: - Signaling

  func addTracks() throws {
    for kind in TrackKind.allCases { try session.addTrack(kind, streamID: "stream-\(name)") }
    drain()
  }

  /// Makes and applies the description that fits the state.
  func setLocal() throws -> Description {
    let description = try session.setLocalDescription(nil, now: clock.now)
    if !hasGathered {
      hasGathered = true
      session.addLocalAddress(address, now: clock.now)
      for (server, addresses) in servers { session.addServer(server, addresses: addresses, now: clock.now) }
      session.endOfLocalAddresses(now: clock.now)
    }
    drain()
    return description
  }

  func setRemote(_ description: Description, rollingBack: Bool = false) throws {
    try session.setRemoteDescription(description, rollingBack: rollingBack, now: clock.now)
    drain()
  }

  func restartICE() throws {
    try session.restartICE()
    drain()
  }

  func rollBack() throws {
    _ = try session.setLocalDescription(Description(type: .rollback, sdp: ""), now: clock.now)
    drain()
  }

  func close() {
    sendsMedia = false
    session.close(now: clock.now)
    drain()
  }

  // MARK: - Media

  /// The numbers of the pictures that arrived, in their order.
  var pictureNumbers: [UInt32] {
    pictures.map { $0.payload.getInteger(at: $0.payload.readerIndex + 10, as: UInt32.self) ?? .max }
  }

  /// A frame that looks like VP8 as far as its tag goes (RFC 6386 section 9.1): the lowest bit is 0 for a key frame.
  func sendPicture() {
    var payload = ByteBuffer(bytes: [isKeyFrameDue ? 0x10 : 0x11, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01])
    payload.writeInteger(pictureCount)
    payload.writeRepeatingByte(UInt8(truncatingIfNeeded: pictureCount), count: isKeyFrameDue ? 6000 : 1800)
    let frame = EncodedVideoFrame(
      payload: payload, isKeyFrame: isKeyFrameDue, timestamp: pictureCount &* 3000, time: clock.now)
    isKeyFrameDue = false
    pictureCount += 1
    session.send(video: frame, now: clock.now)
    drain()
  }

  func sendSound() {
    var payload = ByteBuffer()
    payload.writeInteger(soundCount)
    payload.writeRepeatingByte(0x55, count: 60)
    let frame = EncodedAudioFrame(payload: payload, timestamp: soundCount &* 960, level: 30, time: clock.now)
    soundCount += 1
    session.send(audio: frame, now: clock.now)
    drain()
  }

  // MARK: - What the session gave out

  func has(_ event: PeerConnectionEvent) -> Bool { events.contains(event) }

  var keyFrameRequests: Int { events.count { if case .keyFrameRequested = $0 { true } else { false } } }

  var tracks: [RemoteTrack] { events.compactMap { if case .track(let track) = $0 { track } else { nil } } }

  var failure: PeerConnectionError? {
    events.lazy.compactMap { if case .failure(let error) = $0 { error } else { nil } }.first
  }

  private func drain() {
    while let output = session.pollOutput() {
      switch output {
      case .perform(.datagram(let datagram, let local, let remote)):
        for datagram in tamper(datagram) { host.send(datagram, from: local, to: remote) }
      case .perform(let action): sockets.perform(action)
      case .serverProblem(let server, let problem): serverProblems.append("\(server): \(problem)")
      case .video(let frame): pictures.append(frame)
      case .audio(let packet): sounds.append(packet)
      case .event(let event):
        events.append(event)
        if case .keyFrameRequested = event { isKeyFrameDue = true }
        if case .iceCandidate(let candidate) = event { tell(candidate) }
      }
    }
  }

  /// Signaling takes no time: the other side has the candidate at once.
  private func tell(_ candidate: CandidateDescription) {
    guard let other, other.session.jsep.state != .closed else { return }
    var candidate = candidate
    if leavesMidEmpty { candidate.sdpMid = "" }
    try? other.session.addICECandidate(candidate, now: clock.now)
    other.drain()
  }
}
