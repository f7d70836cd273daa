import Frames
import NIOCore

/// One Opus stream of ours: encoded frames in, RTP packets out.
final class AudioSendStream {
  private(set) var parameters: AudioSendParameters
  private var header: HeaderWriter
  private let timestampOffset: UInt32
  private var sequence: SequenceNumber
  private var reporter: SenderReporter
  private var nextTimestamp: UInt32?
  private var counters = MediaStatistics.Sender()

  /// - Parameter generator: gives the random starts of sequence numbers and timestamps (RFC 3550 §5.1).
  init(_ parameters: AudioSendParameters, using generator: inout some RandomNumberGenerator) {
    self.parameters = parameters
    header = Self.header(parameters)
    sequence = SequenceNumber(.random(in: 0...0x7FFF, using: &generator))
    timestampOffset = .random(in: 0...UInt32.max, using: &generator)
    reporter = SenderReporter(ssrc: parameters.ssrc, clockRate: ClockRate.audio)
    counters.mid = parameters.mid
    counters.ssrc = parameters.ssrc
  }

  private static func header(_ parameters: AudioSendParameters) -> HeaderWriter {
    HeaderWriter(
      ssrc: parameters.ssrc, payloadType: parameters.payloadType, mid: parameters.mid, extensions: parameters.extensions
    )
  }

  /// Goes on under other parameters, of the same SSRC, with the numbers where they are.
  func update(_ parameters: AudioSendParameters) {
    self.parameters = parameters
    header = Self.header(parameters)
  }

  /// The packet of a frame.
  func send(_ frame: EncodedAudioFrame) -> OutgoingPacket {
    let timestamp = RTPTimestamp(frame.timestamp &+ timestampOffset)
    let length = frame.payload.readableBytes
    // RFC 3551 §4.1: the marker starts a talk spurt, after a pause.
    var packet = header.begin(
      kind: .audio, isMarked: frame.timestamp != nextTimestamp, sequence: sequence, timestamp: timestamp,
      audioLevel: frame.level, payloadLength: length)
    packet.bytes.writeImmutableBuffer(frame.payload)
    sequence = sequence.advanced(by: 1)
    nextTimestamp = frame.timestamp &+ UInt32(OpusPacket.samples(frame.payload) ?? AudioFormat.periodSamples)
    reporter.sent(payload: length)
    reporter.sentFrame(timestamp, captured: frame.time)
    counters.framesSent += 1
    return packet
  }

  func received(_ block: ReportBlock) {
    guard block.ssrc == parameters.ssrc else { return }
    counters.fractionLost = Double(block.fractionLost) / 256
    counters.packetsLost = Int(block.packetsLost)
  }

  /// A report on this stream; `nil` before the first frame.
  func makeSenderReport(now: NIODeadline) -> SenderReport? { reporter.makeReport(now: now) }

  var statistics: MediaStatistics.Sender { reporter.counted(counters) }
}
