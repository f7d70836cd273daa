internal import NIOCore

/// The client's side of a request over UDP: when to send it again, and when to give up (RFC 8489 section 6.2.1).
struct STUNTransaction {
  let id: STUNTransactionID
  /// Sent again bit by bit.
  let datagram: ByteBuffer
  let sentAt: NIODeadline
  let expiresAt: NIODeadline
  private(set) var transmissions = 1
  private(set) var retransmitAt: NIODeadline
  private var interval: TimeAmount
  private let longestInterval: TimeAmount

  /// - Parameters:
  ///   - timeout: RTO, the time to the first retransmission, doubled with each up to `longestInterval`.
  ///   - lifetime: when no response is waited for any more.
  init(
    id: STUNTransactionID, datagram: ByteBuffer, now: NIODeadline, timeout: TimeAmount, longestInterval: TimeAmount,
    lifetime: TimeAmount
  ) {
    self.id = id
    self.datagram = datagram
    sentAt = now
    expiresAt = now + lifetime
    retransmitAt = now + timeout
    interval = timeout
    self.longestInterval = max(timeout, longestInterval)
  }

  /// When ``retransmitted(_:)`` or the end is due.
  var nextDeadline: NIODeadline { min(retransmitAt, expiresAt) }

  /// Notes that it was sent again.
  mutating func retransmitted(_ now: NIODeadline) {
    transmissions += 1
    interval = min(interval * 2, longestInterval)
    retransmitAt = now + interval
  }

  /// The round-trip time, if the response can only belong to the one transmission there was (Karn's rule).
  func roundTripTime(_ now: NIODeadline) -> TimeAmount? {
    transmissions == 1 ? now - sentAt : nil
  }
}
