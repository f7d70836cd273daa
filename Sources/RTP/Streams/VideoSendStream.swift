import Frames
import NIOCore

/// One VP8 stream of ours: frames in, RTP packets out; answers NACKs.
final class VideoSendStream {
  /// Between two key frames asked for; one on its way answers the requests that come meanwhile.
  static let keyFrameInterval = TimeAmount.milliseconds(300)

  private(set) var parameters: VideoSendParameters
  private var header: HeaderWriter
  private var retransmissionHeader: HeaderWriter?
  private let timestampOffset: UInt32
  private var packetizer: VP8Packetizer
  private var history = PacketHistory()
  private var sequence: SequenceNumber
  private var retransmissionSequence: SequenceNumber
  private var reporter: SenderReporter
  private var lastKeyFrameRequest: NIODeadline?
  private var commands: [SSRC: UInt8] = [:]
  private(set) var counters = MediaStatistics.Sender()

  /// - Parameter generator: gives the random starts of sequence numbers, timestamps and PictureIDs (RFC 3550 §5.1).
  init(_ parameters: VideoSendParameters, using generator: inout some RandomNumberGenerator) {
    self.parameters = parameters
    (header, retransmissionHeader) = Self.headers(parameters)
    sequence = SequenceNumber(.random(in: 0...0x7FFF, using: &generator))
    retransmissionSequence = SequenceNumber(.random(in: 0...0x7FFF, using: &generator))
    timestampOffset = .random(in: 0...UInt32.max, using: &generator)
    packetizer = VP8Packetizer(pictureID: .random(in: 0...0x7FFF, using: &generator))
    reporter = SenderReporter(ssrc: parameters.ssrc, clockRate: ClockRate.video)
    counters.mid = parameters.mid
    counters.isVideo = true
    counters.ssrc = parameters.ssrc
  }

  private static func headers(_ parameters: VideoSendParameters) -> (media: HeaderWriter, repair: HeaderWriter?) {
    var extensions = parameters.extensions
    extensions.audioLevel = nil
    let repair = parameters.retransmission.map {
      HeaderWriter(ssrc: $0.ssrc, payloadType: $0.payloadType, mid: parameters.mid, extensions: extensions)
    }
    if repair == nil {
      // A packet sent again must be the same to the bit, for SRTP encrypts both with the same keystream: so nothing may
      // be written into it at the time of sending.
      extensions.transportSequence = nil
      extensions.absoluteSendTime = nil
    }
    let media = HeaderWriter(
      ssrc: parameters.ssrc, payloadType: parameters.payloadType, mid: parameters.mid, extensions: extensions)
    return (media, repair)
  }

  /// Goes on under other parameters, of the same SSRC, with the numbers where they are. What was sent before can not be
  /// sent again.
  func update(_ parameters: VideoSendParameters) {
    self.parameters = parameters
    (header, retransmissionHeader) = Self.headers(parameters)
    history = PacketHistory()
  }

  /// Gives the packets of a frame, in order.
  func send(_ frame: EncodedVideoFrame, now: NIODeadline, _ body: (OutgoingPacket) -> Void) {
    let timestamp = RTPTimestamp(frame.timestamp &+ timestampOffset)
    let size = min(max(parameters.maximumPacketSize, 576), 1400)
    // Room for the original sequence number, so that the packet fits when it is sent again.
    let most = size - max(header.length, (retransmissionHeader?.length ?? 0) + 2)
    packetizer.packetize(frame.payload, maximumPayload: most) { fragment in
      history.append(sequence: sequence, timestamp: timestamp, fragment: fragment, now: now)
      var packet = header.begin(
        kind: .video, isMarked: fragment.isLast, sequence: sequence, timestamp: timestamp,
        payloadLength: fragment.length)
      packet.bytes.write(fragment)
      sequence = sequence.advanced(by: 1)
      reporter.sent(payload: fragment.length)
      body(packet)
    }
    reporter.sentFrame(timestamp, captured: frame.time)
    counters.framesSent += 1
  }

  /// Answers a NACK with the packets it names, as far as they are remembered and not just sent.
  func resend(
    _ sequences: [SequenceNumber], roundTrip: TimeAmount, now: NIODeadline, _ body: (OutgoingPacket) -> Void
  ) {
    for wanted in sequences {
      guard let entry = history.resend(wanted, interval: roundTrip, now: now) else { continue }
      counters.packetsRetransmitted += 1
      guard let retransmissionHeader else {
        var packet = header.begin(
          kind: .retransmission, isMarked: entry.fragment.isLast, sequence: entry.sequence, timestamp: entry.timestamp,
          payloadLength: entry.fragment.length)
        packet.bytes.write(entry.fragment)
        body(packet)
        continue
      }
      var packet = retransmissionHeader.begin(
        kind: .retransmission, isMarked: entry.fragment.isLast, sequence: retransmissionSequence,
        timestamp: entry.timestamp, payloadLength: entry.fragment.length + 2)
      // RFC 4588 §4: the original sequence number, then the original payload.
      packet.bytes.writeInteger(entry.sequence.rawValue)
      packet.bytes.write(entry.fragment)
      retransmissionSequence = retransmissionSequence.advanced(by: 1)
      body(packet)
    }
  }

  /// The peer asked for a key frame.
  /// - Parameter command: sender and number of a full intra request, whose repetitions do not count (RFC 5104 §4.3.1.2).
  /// - Returns: whether to make one.
  func keyFrameRequested(command: (sender: SSRC, sequence: UInt8)? = nil, now: NIODeadline) -> Bool {
    if let command {
      // Peers change their SSRC rarely; one that does all the time has only its repetitions counted.
      if commands.count > 16 { commands.removeAll() }
      guard commands.updateValue(command.sequence, forKey: command.sender) != command.sequence else { return false }
    }
    if let lastKeyFrameRequest, now - lastKeyFrameRequest < Self.keyFrameInterval { return false }
    lastKeyFrameRequest = now
    counters.keyFramesRequested += 1
    return true
  }

  /// Whether a block is about this stream or its repairs.
  func owns(_ ssrc: SSRC) -> Bool { ssrc == parameters.ssrc || ssrc == parameters.retransmission?.ssrc }

  func received(_ block: ReportBlock) {
    guard block.ssrc == parameters.ssrc else { return }
    counters.fractionLost = Double(block.fractionLost) / 256
    counters.packetsLost = Int(block.packetsLost)
  }

  /// A report on this stream; `nil` before the first frame.
  func makeSenderReport(now: NIODeadline) -> SenderReport? { reporter.makeReport(now: now) }

  var statistics: MediaStatistics.Sender { reporter.counted(counters) }
}

extension ByteBuffer {
  fileprivate mutating func write(_ fragment: VP8Packetizer.Fragment) {
    writeInteger(fragment.descriptor)
    writeImmutableBuffer(fragment.bytes)
  }
}
