import Frames
import ICE
import NIOCore
import RTP
import TestSupport

@testable import PeerConnection

#if canImport(Glibc)
  import Glibc
#endif

/// One side of a simulated call: a session, its address, and all it gave out.
final class SimulatedPeer {
  let name: String
  let session: Session
  let address: TransportAddress
  fileprivate(set) var events: [PeerConnectionEvent] = []
  fileprivate(set) var videoFrames: [EncodedVideoFrame] = []
  fileprivate(set) var audioPackets: [ReceivedAudioPacket] = []
  fileprivate(set) var candidates: [CandidateDescription] = []
  /// Frames made so far; each carries its number.
  fileprivate var videoCount: UInt32 = 0
  fileprivate var audioCount: UInt32 = 0
  fileprivate var isKeyFrameDue = true
  var sendsMedia = false

  init(
    _ name: String, ip: UInt32, seed: UInt64, configuration: PeerConnectionConfiguration = .init()
  ) throws {
    self.name = name
    address = TransportAddress(v4: ip, port: 5000)
    session = Session(
      configuration: configuration, certificate: try Certificate(), random: SeededGenerator(seed: seed))
  }

  func addTracks() throws {
    for kind in TrackKind.allCases { try session.addTrack(kind, streamID: "stream-\(name)") }
  }

  /// The numbers of the pictures that arrived, in their order.
  var videoNumbers: [UInt32] {
    videoFrames.map { $0.payload.getInteger(at: $0.payload.readerIndex + 10, as: UInt32.self) ?? .max }
  }

  func has(_ event: PeerConnectionEvent) -> Bool { events.contains(event) }
  func count(where isWanted: (PeerConnectionEvent) -> Bool) -> Int { events.count(where: isWanted) }

  var failure: PeerConnectionError? {
    events.lazy.compactMap { if case .failure(let error) = $0 { error } else { nil } }.first
  }

  fileprivate func sendVideo(now: NIODeadline) {
    var payload = ByteBuffer()
    // The tag of a VP8 frame (RFC 6386 section 9.1), of which only the lowest bit is looked at: 0 for a key frame.
    payload.writeBytes([isKeyFrameDue ? 0x10 : 0x11, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01])
    payload.writeInteger(videoCount)
    payload.writeRepeatingByte(UInt8(truncatingIfNeeded: videoCount), count: isKeyFrameDue ? 6000 : 1800)
    let frame = EncodedVideoFrame(
      payload: payload, isKeyFrame: isKeyFrameDue, timestamp: videoCount &* 3000, time: now)
    isKeyFrameDue = false
    videoCount += 1
    session.send(video: frame, now: now)
  }

  fileprivate func sendAudio(now: NIODeadline) {
    var payload = ByteBuffer()
    payload.writeInteger(audioCount)
    payload.writeRepeatingByte(0x55, count: 60)
    session.send(
      audio: EncodedAudioFrame(payload: payload, timestamp: audioCount &* 960, level: 30, time: now), now: now)
    audioCount += 1
  }
}

/// Two sessions and the network between them in virtual time. Only while a DTLS handshake is under way does real time have
/// to pass along, since OpenSSL's retransmission timer looks at the wall clock.
final class SimulatedCall {
  let caller: SimulatedPeer
  let callee: SimulatedPeer
  private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  var delay = TimeAmount.milliseconds(2)
  /// Share of media packets that get lost, 0...1.
  var loss = 0.0
  /// Looks at each datagram on its way, and gives what arrives in its stead.
  var tamper: (ByteBuffer) -> [ByteBuffer] = { [$0] }
  private var random: SeededGenerator
  private var inFlight: [Flight] = []
  private var nextVideo: NIODeadline
  private var nextAudio: NIODeadline

  private struct Flight {
    var arrival: NIODeadline
    var datagram: ByteBuffer
    var receiver: SimulatedPeer
    var sender: TransportAddress
  }

  init(seed: UInt64 = 1, configuration: PeerConnectionConfiguration = .init()) throws {
    random = SeededGenerator(seed: seed)
    caller = try SimulatedPeer("caller", ip: 0xC000_0201, seed: seed * 2, configuration: configuration)
    callee = try SimulatedPeer("callee", ip: 0xC000_0202, seed: seed * 2 + 1, configuration: configuration)
    nextVideo = now
    nextAudio = now
  }

  var peers: [SimulatedPeer] { [caller, callee] }

  /// Both with sound and picture, one round of offer and answer.
  func negotiate() throws {
    try caller.addTracks()
    let offer = try offer(caller)
    try callee.session.setRemoteDescription(offer, rollingBack: false, now: now)
    try callee.addTracks()
    try accept(answer(callee), by: caller)
  }

  func offer(_ peer: SimulatedPeer) throws -> Description {
    let offer = try peer.session.setLocalDescription(nil, now: now)
    gather(peer)
    return offer
  }

  func answer(_ peer: SimulatedPeer) throws -> Description {
    let answer = try peer.session.setLocalDescription(nil, now: now)
    gather(peer)
    return answer
  }

  func accept(_ description: Description, by peer: SimulatedPeer, rollingBack: Bool = false) throws {
    try peer.session.setRemoteDescription(description, rollingBack: rollingBack, now: now)
    drain()
  }

  private func gather(_ peer: SimulatedPeer) {
    peer.session.addLocalAddresses([peer.address], now: now)
    peer.session.endOfLocalAddresses(now: now)
    drain()
  }

  /// Gives each peer the candidates of the other that it has not got yet.
  func trickle() throws {
    for (from, to) in [(caller, callee), (callee, caller)] {
      for candidate in from.candidates { try to.session.addICECandidate(candidate, now: now) }
      from.candidates = []
    }
    drain()
  }

  func startMedia() {
    for peer in peers { peer.sendsMedia = true }
    nextVideo = now
    nextAudio = now
  }

  /// Negotiates and runs until both are connected.
  func connect() throws {
    try negotiate()
    try run(for: .seconds(20)) { self.peers.allSatisfy { $0.session.connectionState == .connected } }
  }

  /// Hands a datagram to a peer as if it came from the other.
  func inject(_ datagram: ByteBuffer, into peer: SimulatedPeer) {
    let sender = peer === caller ? callee.address : caller.address
    peer.session.receive(datagram, local: peer.address, remote: sender, now: now)
    drain()
  }

  /// Lets time go by until the condition holds or the time is over.
  func run(for duration: TimeAmount, until isDone: () -> Bool = { false }) throws {
    let end = now + duration
    drain()
    while !isDone() {
      try trickle()
      let next = min(nextTime ?? end, end)
      advance(to: next)
      if now >= end { return }
    }
  }

  private var nextTime: NIODeadline? {
    var times = inFlight.map(\.arrival) + peers.compactMap { $0.session.nextDeadline(now: now) }
    if peers.contains(where: \.sendsMedia) { times += [nextVideo, nextAudio] }
    return times.min()
  }

  private func advance(to time: NIODeadline) {
    let isShakingHands = peers.contains { $0.session.secure.timeLeft() != nil }
    if isShakingHands, time > now { usleep(UInt32(clamping: (time - now).nanoseconds / 1000)) }
    now = max(now, time)
    let arrived = inFlight.filter { $0.arrival <= now }
    inFlight.removeAll { $0.arrival <= now }
    for flight in arrived {
      flight.receiver.session.receive(
        flight.datagram, local: flight.receiver.address, remote: flight.sender, now: now)
    }
    for peer in peers { peer.session.handleTimeout(now: now) }
    if now >= nextVideo {
      for peer in peers where peer.sendsMedia { peer.sendVideo(now: now) }
      nextVideo = now + .milliseconds(33)
    }
    if now >= nextAudio {
      for peer in peers where peer.sendsMedia { peer.sendAudio(now: now) }
      nextAudio = now + .milliseconds(20)
    }
    drain()
  }

  /// Takes everything the sessions have to say.
  func drain() {
    for peer in peers {
      while let output = peer.session.pollOutput() { handle(output, of: peer) }
    }
  }

  private func handle(_ output: SessionOutput, of peer: SimulatedPeer) {
    switch output {
    case .transmit(let datagram, let local, let remote):
      let isMedia = (datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) ?? 0) >= 128
      if isMedia, Double.random(in: 0..<1, using: &random) < loss { return }
      guard let receiver = peers.first(where: { $0.address == remote }) else { return }
      for datagram in tamper(datagram) {
        inFlight.append(Flight(arrival: now + delay, datagram: datagram, receiver: receiver, sender: local))
      }
    case .event(let event):
      peer.events.append(event)
      if case .iceCandidate(let candidate) = event { peer.candidates.append(candidate) }
      if case .keyFrameRequested = event { peer.isKeyFrameDue = true }
    case .video(let frame): peer.videoFrames.append(frame)
    case .audio(let packet): peer.audioPackets.append(packet)
    }
  }
}
