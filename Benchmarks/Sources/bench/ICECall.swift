import ICE
import NIOCore

/// Two ICE transports joined by a perfect network without time, the left one through a TURN server if so wanted.
final class ICECall {
  let left: ICETransport
  private let right: ICETransport
  let leftBase = TransportAddress(v4: 0xC000_0201, port: 5000)
  private let rightBase = TransportAddress(v4: 0xC000_0202, port: 5000)
  let turn = TransportAddress(v4: 0xC633_6401, port: 3478)
  private let relayed = TransportAddress(v4: 0xC633_6401, port: 50_000)
  private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private var underWay: [(datagram: ByteBuffer, from: TransportAddress, to: TransportAddress)] = []
  private var channel: UInt16?

  init(throughRelay: Bool) throws {
    var configuration = ICEAgent.Configuration()
    if throughRelay { configuration.transportPolicy = .relay }
    left = ICETransport(configuration: configuration, role: .controlling)
    right = ICETransport(role: .controlled)
    left.addLocalAddress(leftBase, now: now)
    right.addLocalAddress(rightBase, now: now)
    if throughRelay { left.addServer(try ICEServer(uri: "turn:192.0.2.9"), addresses: [turn], now: now) }
    for transport in [left, right] { transport.endOfLocalAddresses(now: now) }
    left.setRemoteCredentials(right.localCredentials, now: now)
    right.setRemoteCredentials(left.localCredentials, now: now)
    // Also until the channel is bound, which the first datagram asks for.
    for _ in 0..<200 {
      drain()
      now = now + .milliseconds(20)
      for transport in [left, right] { transport.handleTimeout(now: now) }
      left.send(ByteBuffer(integer: UInt8(20)), now: now)
      right.send(ByteBuffer(integer: UInt8(20)), now: now)
    }
    drain()
  }

  /// A datagram of the right side as it comes to the left one's socket.
  func incoming(_ payload: ByteBuffer) -> (datagram: ByteBuffer, from: TransportAddress) {
    guard let channel else { return (payload, rightBase) }
    var datagram = ByteBuffer(integer: channel)
    datagram.writeInteger(UInt16(payload.readableBytes))
    datagram.writeImmutableBuffer(payload)
    return (datagram, turn)
  }

  private func drain() {
    collect()
    while !underWay.isEmpty {
      let (datagram, from, to) = underWay.removeFirst()
      switch to {
      case turn: serve(datagram)
      case relayed: relay(datagram, from: from)
      case leftBase: _ = left.receive(datagram, from: from, to: to, now: now)
      default: _ = right.receive(datagram, from: from, to: to, now: now)
      }
      collect()
    }
  }

  private func collect() {
    for (transport, other) in [(left, right), (right, left)] {
      while let output = transport.pollOutput() {
        switch output {
        case .perform(.datagram(let datagram, let from, let to)): underWay.append((datagram, from, to))
        case .event(.localCandidate(let candidate)): other.addRemoteCandidate(candidate, now: now)
        default: break
        }
      }
    }
  }

  // MARK: - The server

  private func serve(_ datagram: ByteBuffer) {
    if datagram.getInteger(at: datagram.readerIndex, as: UInt16.self) == channel {
      let data = datagram.getSlice(at: datagram.readerIndex + 4, length: datagram.readableBytes - 4)
      return underWay.append((data ?? datagram, relayed, rightBase))
    }
    guard let message = try? STUNMessage(parsing: datagram) else { return }
    if message.messageClass == .indication {
      if let data = message.bytes(of: .data) { underWay.append((data, relayed, rightBase)) }
      return
    }
    var writer = STUNWriter(.successResponse, method: message.method, transactionID: message.transactionID)
    writer.append(xorMappedAddress: leftBase)
    if message.method == .allocate { writer.append(.xorRelayedAddress, xored: relayed) }
    if message.method == .channelBind { channel = message.channelNumber }
    underWay.append((writer.finish(), turn, leftBase))
  }

  private func relay(_ datagram: ByteBuffer, from peer: TransportAddress) {
    if channel != nil {
      let (framed, from) = incoming(datagram)
      return underWay.append((framed, from, leftBase))
    }
    var random = SystemRandomNumberGenerator()
    var writer = STUNWriter(.indication, method: .data, transactionID: STUNTransactionID(using: &random))
    writer.append(.xorPeerAddress, xored: peer)
    writer.append(data: datagram)
    underWay.append((writer.finish(), turn, leftBase))
  }
}
