internal import DequeModule
internal import NIOCore
internal import SDP

/// DTLS and SRTP over one path: the association, the contexts keyed by it, and what came too early for either. Datagrams
/// in, plain packets out, and the other way round.
final class SecureTransport {
  enum Event {
    case connected
    case closedByPeer
    case failed(PeerConnectionError)
  }

  /// Datagrams kept until the peer's description tells whom to trust (DTLS), or until there are keys (SRTP).
  static let maximumHeldHandshake = 16
  static let maximumHeldMedia = 64

  private(set) var dtls: DTLSTransport?
  private(set) var authenticationFailures = 0
  private(set) var replayedPackets = 0
  /// Datagrams thrown away because they were malformed or too many came too early.
  private(set) var discarded = 0
  private let certificate: Certificate
  private let mtu: Int
  private var sender: SRTPContext?
  private var receiver: SRTPContext?
  private var heldHandshake: Deque<ByteBuffer> = []
  private var heldMedia: Deque<ByteBuffer> = []
  private var events: Deque<Event> = []

  init(certificate: Certificate, mtu: Int) {
    self.certificate = certificate
    self.mtu = mtu
  }

  /// Whether media can be sent and received.
  var isConnected: Bool { sender != nil }
  var profile: SRTPProfile? { dtls?.keys?.profile }

  /// Begins the handshake, once the peer's fingerprints and our role are known.
  func start(role: DTLSTransport.Role, fingerprints: [Fingerprint]) {
    guard dtls == nil else { return }
    do {
      let dtls = try DTLSTransport(certificate: certificate, role: role, fingerprints: fingerprints, mtu: mtu)
      self.dtls = dtls
      dtls.start()
      while let datagram = heldHandshake.popFirst() { receiveDTLS(datagram) }
      noteState()
    } catch {
      events.append(.failed(error))
    }
  }

  func receiveDTLS(_ datagram: ByteBuffer) {
    guard let dtls else {
      if heldHandshake.count < Self.maximumHeldHandshake { heldHandshake.append(datagram) } else { discarded += 1 }
      return
    }
    dtls.receive(datagram)
    noteState()
  }

  /// Decrypts a packet of the peer in place.
  /// - Returns: false if it is not to be used: forged, repeated, malformed, or kept until there are keys.
  func unprotect(_ packet: inout ByteBuffer, isRTCP: Bool) -> Bool {
    guard let receiver else {
      if heldMedia.count < Self.maximumHeldMedia { heldMedia.append(packet) } else { discarded += 1 }
      return false
    }
    do {
      if isRTCP { try receiver.unprotectRTCP(&packet) } else { try receiver.unprotectRTP(&packet) }
      return true
    } catch {
      switch error {
      case .authenticationFailed: authenticationFailures += 1
      case .replayed: replayedPackets += 1
      case .malformed, .tooManyStreams, .failed: discarded += 1
      }
      return false
    }
  }

  /// Encrypts a packet of ours in place.
  /// - Returns: false if there are no keys.
  func protect(_ packet: inout ByteBuffer, isRTCP: Bool) -> Bool {
    guard let sender else { return false }
    do {
      if isRTCP { try sender.protectRTCP(&packet) } else { try sender.protectRTP(&packet) }
      return true
    } catch {
      discarded += 1
      return false
    }
  }

  /// The next packet that came before the keys, still encrypted; nil while there are none.
  func nextHeldMedia() -> ByteBuffer? { isConnected ? heldMedia.popFirst() : nil }

  func nextDatagram() -> ByteBuffer? { dtls?.nextDatagram() }
  func nextEvent() -> Event? { events.popFirst() }
  func timeLeft() -> TimeAmount? { dtls?.timeLeft() }

  func handleTimeout() {
    dtls?.handleTimeout()
    noteState()
  }

  func close() {
    dtls?.close()
    sender = nil
    receiver = nil
    heldMedia.removeAll()
    heldHandshake.removeAll()
    lastState = .closed
  }

  private var lastState = DTLSTransport.State.new

  private func noteState() {
    guard let dtls, dtls.state != lastState else { return }
    lastState = dtls.state
    switch dtls.state {
    case .new, .connecting: break
    case .connected: install(dtls.keys)
    case .closed: events.append(.closedByPeer)
    case .failed(let error): events.append(.failed(error))
    }
  }

  private func install(_ keys: SRTPKeys?) {
    guard let keys else { return }
    do {
      sender = try SRTPContext(profile: keys.profile, key: keys.local, direction: .sending)
      receiver = try SRTPContext(profile: keys.profile, key: keys.remote, direction: .receiving)
      events.append(.connected)
    } catch {
      events.append(.failed(error))
    }
  }
}
