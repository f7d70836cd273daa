import Frames
import NIOCore

/// One VP8 stream of the peer's: puts packets in order, asks for missing ones and for key frames, and gives whole frames
/// at their playout time.
final class VideoReceiveStream {
  /// Between two requests for a key frame.
  static let keyFrameInterval = TimeAmount.milliseconds(500)

  let ssrc: SSRC
  private let usesNACK: Bool
  private var reception = ReceptionStatistics(clockRate: ClockRate.video)
  private var filter = DuplicateFilter()
  private var nack = NACKGenerator()
  private var buffer = VideoFrameBuffer()
  private(set) var clock = ClockMapping(clockRate: ClockRate.video)
  private(set) var lastArrival: NIODeadline?
  /// The frame given last, for lip sync.
  private(set) var lastPlayout: LipSync.Playout?

  private var isKeyFrameWanted = false
  private var lastKeyFrameRequest: NIODeadline?
  private var duplicates = 0
  private var recovered = 0
  private var nacksSent = 0
  private var keyFramesRequested = 0

  /// - Parameter usesNACK: whether missing packets can be asked for.
  init(ssrc: SSRC, usesNACK: Bool) {
    self.ssrc = ssrc
    self.usesNACK = usesNACK
  }

  /// By how much the picture is delayed to wait for the sound.
  var lipSyncDelay: TimeAmount {
    get { buffer.lipSyncDelay }
    set { buffer.lipSyncDelay = newValue }
  }

  /// Takes a packet of this stream.
  /// - Throws: ``RTPError`` when its payload is no VP8. It counts as received nevertheless.
  func receive(_ packet: RTPPacket, now: NIODeadline) throws(RTPError) {
    lastArrival = now
    let verdict = reception.received(
      packet.sequenceNumber, timestamp: packet.timestamp, size: packet.payload.readableBytes, now: now)
    switch verdict {
    case .rejected: return
    case .restarted(let sequence):
      filter = DuplicateFilter()
      nack = NACKGenerator()
      buffer.reset()
      try take(packet, sequence, now: now)
    case .accepted(let sequence):
      try take(packet, sequence, now: now)
    }
  }

  /// Takes a packet that repeats one of this stream (RFC 4588), already unwrapped.
  func receiveRepeated(_ packet: RTPPacket, now: NIODeadline) throws(RTPError) {
    guard let sequence = reception.unwrap(packet.sequenceNumber) else { return }
    if try take(packet, sequence, now: now) { recovered += 1 }
  }

  @discardableResult
  private func take(_ packet: RTPPacket, _ sequence: Int64, now: NIODeadline) throws(RTPError) -> Bool {
    guard filter.insert(sequence) else {
      duplicates += 1
      return false
    }
    nack.received(sequence, now: now)
    var packet = packet
    guard packet.payload.readableBytes > 0 else {
      buffer.insert(packet, sequence: sequence, descriptor: nil, now: now)
      return true
    }
    let descriptor = try VP8PayloadDescriptor(reading: &packet.payload)
    buffer.insert(packet, sequence: sequence, descriptor: descriptor, now: now)
    return true
  }

  func receive(_ report: SenderReport, now: NIODeadline) {
    reception.received(report, now: now)
    clock.received(report)
  }

  /// The decoder cannot go on.
  func requestKeyFrame() { isKeyFrameWanted = true }

  /// What the stream wants of its sender.
  enum Request: Sendable, Equatable {
    case packets([SequenceNumber])
    case keyFrame
  }

  /// Gives the frames to show now and the requests to send.
  func poll(
    now: NIODeadline, roundTrip: TimeAmount, frame: (EncodedVideoFrame) -> Void, request: (Request) -> Void
  ) {
    buffer.poll(now: now) {
      if $0.isKeyFrame { isKeyFrameWanted = false }
      lastPlayout = LipSync.Playout(timestamp: RTPTimestamp($0.timestamp), time: $0.time)
      frame($0)
    }
    if let useful = buffer.firstUseful { nack.forget(before: useful) }
    var missing: [SequenceNumber] = []
    nack.poll(now: now, roundTrip: roundTrip, into: &missing)
    if usesNACK, !missing.isEmpty {
      nacksSent += 1
      request(.packets(missing))
    }
    if nack.takeGivenUp() { isKeyFrameWanted = true }
    guard isKeyFrameWanted || buffer.needsKeyFrame(now: now, roundTrip: roundTrip) else { return }
    let interval = max(Self.keyFrameInterval, roundTrip * 2)
    if let lastKeyFrameRequest, now - lastKeyFrameRequest < interval { return }
    lastKeyFrameRequest = now
    keyFramesRequested += 1
    request(.keyFrame)
  }

  /// When `poll` is to be called next at the latest.
  func nextDeadline(roundTrip: TimeAmount) -> NIODeadline? {
    var deadline = buffer.nextDeadline
    if let due = nack.nextDeadline(roundTrip: roundTrip) { deadline = deadline.map { min($0, due) } ?? due }
    if isKeyFrameWanted, let lastKeyFrameRequest {
      let due = lastKeyFrameRequest + max(Self.keyFrameInterval, roundTrip * 2)
      deadline = deadline.map { min($0, due) } ?? due
    }
    return deadline
  }

  /// A report on everything since the last one.
  func makeReportBlock(now: NIODeadline) -> ReportBlock? { reception.makeReportBlock(ssrc: ssrc, now: now) }

  func count(into counters: inout MediaStatistics.Receiver) {
    counters.ssrc = ssrc
    counters.duplicates = duplicates
    counters.packetsRecovered = recovered
    counters.nacksSent = nacksSent
    counters.keyFramesRequested = keyFramesRequested
    counters.framesReceived = buffer.framesReleased
    counters.framesDropped = buffer.framesDropped
    counters.playoutDelay = Double(buffer.playoutDelay.nanoseconds) / 1e9
    reception.count(into: &counters)
  }
}
