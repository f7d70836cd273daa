import DequeModule
import NIOCore

/// Spreads bursts, such as key frames, over time: packets leave at ``factor`` times the target rate. Sound does not
/// wait at all; packets sent again go before new pictures, but take turns with them, so that a peer that misses much
/// cannot hold up the key frame that would help it.
struct Pacer: Sendable {
  /// How much faster than the target rate queued packets leave, so that the queue is usually empty.
  static let factor = 2.5
  /// The queue is emptied within that time, whatever the target.
  static let longestWait = TimeAmount.milliseconds(500)
  /// Idle time that may be made up for with a burst.
  static let burst = TimeAmount.milliseconds(5)
  /// Packets to be sent again are dropped beyond that time's worth of the target rate: they would come too late.
  static let longestRepair = TimeAmount.milliseconds(250)
  /// Most packets queued; the newest is dropped when it is full.
  static let maximumPackets = 2048

  private var audio = Deque<OutgoingPacket>()
  private var retransmissions = Deque<OutgoingPacket>()
  private var video = Deque<OutgoingPacket>()
  private var isVideosTurn = false
  private var queuedBytes = 0
  private var repairBytes = 0
  private var targetBitrate: Int
  /// When the next paced packet may leave, in nanoseconds.
  private var nextSend: Int64 = 0
  private(set) var dropped = 0

  init(targetBitrate: Int) {
    self.targetBitrate = targetBitrate
  }

  var count: Int { audio.count + retransmissions.count + video.count }

  mutating func setTargetBitrate(_ bitrate: Int) {
    targetBitrate = max(1, bitrate)
  }

  mutating func enqueue(_ packet: OutgoingPacket) {
    guard count < Self.maximumPackets else {
      dropped += 1
      return
    }
    let size = packet.bytes.readableBytes
    switch packet.kind {
    case .audio: audio.append(packet)
    case .retransmission:
      let most = Int64(targetBitrate / 8) * Self.longestRepair.nanoseconds / .second
      guard repairBytes == 0 || Int64(repairBytes + size) <= most else {
        dropped += 1
        return
      }
      retransmissions.append(packet)
      repairBytes += size
      queuedBytes += size
    case .video:
      video.append(packet)
      queuedBytes += size
    }
  }

  /// Gives the packets that may leave now, in order.
  mutating func poll(now: NIODeadline, _ body: (inout OutgoingPacket) -> Void) {
    while var packet = audio.popFirst() { body(&packet) }
    nextSend = max(nextSend, now.nanoseconds - Self.burst.nanoseconds)
    while nextSend <= now.nanoseconds, var packet = nextPaced() {
      let size = packet.bytes.readableBytes
      nextSend += Int64(Double(size * 8) * 1e9 / rate)
      queuedBytes -= size
      body(&packet)
    }
  }

  private mutating func nextPaced() -> OutgoingPacket? {
    if isVideosTurn || retransmissions.isEmpty, let packet = video.popFirst() {
      isVideosTurn = false
      return packet
    }
    guard let packet = retransmissions.popFirst() else { return nil }
    isVideosTurn = true
    repairBytes -= packet.bytes.readableBytes
    return packet
  }

  /// When `poll` has something to give.
  var nextDeadline: NIODeadline? {
    if !audio.isEmpty { return .uptimeNanoseconds(0) }
    return retransmissions.isEmpty && video.isEmpty ? nil : NIODeadline(nanoseconds: nextSend)
  }

  /// Bits a second.
  private var rate: Double {
    let toEmptyInTime = Double(queuedBytes * 8) * 1e9 / Double(Self.longestWait.nanoseconds)
    return max(Double(targetBitrate) * Self.factor, toEmptyInTime)
  }
}
