import ArgumentParser
import Frames
import NIOCore
import RTP

/// Two media transports joined by a perfect network in virtual time: packetizing, headers, history, reports, feedback,
/// reordering and assembly of both sides, without encryption and sockets.
struct TransportBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transport", abstract: "CPU a packet in the RTP machinery of both sides.")

  @Option(help: "Seconds of the call, in virtual time.")
  var seconds = 60

  func run() throws {
    var call = SimulatedCall()
    let began = Bench.cpuSeconds
    for frame in 0..<seconds * 30 { try call.step(frame) }
    let time = Bench.cpuSeconds - began
    let each = PictureBenchmark.text(time * 1e6 / Double(call.packets), 2)
    print(
      "RTP and RTCP of both sides: \(each) us a packet, \(call.packets) packets, \(call.delivered) pictures delivered")
  }
}

private struct SimulatedCall {
  private let sender = MediaTransport(.init(cname: "sender", seed: 1))
  private let receiver = MediaTransport(.init(cname: "receiver", seed: 2))
  private var output = MediaOutput()
  private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private let payload = ByteBuffer(repeating: 0x5A, count: 4000)
  private let keyFrame: ByteBuffer
  private(set) var packets = 0
  private(set) var delivered = 0

  init() {
    let extensions = HeaderExtensionMap(mid: 1, transportSequence: 2, absoluteSendTime: 3)
    sender.setVideoSender(
      mid: "0",
      VideoSendParameters(
        mid: "0", ssrc: SSRC(1), payloadType: PayloadType(96),
        retransmission: .init(ssrc: SSRC(2), payloadType: PayloadType(97)), extensions: extensions))
    receiver.setVideoReceiver(
      mid: "0",
      VideoReceiveParameters(
        mid: "0", payloadTypes: [PayloadType(96)], retransmissionTypes: [PayloadType(97): PayloadType(96)],
        ssrc: SSRC(1), retransmissionSSRC: SSRC(2), extensions: extensions))
    // A VP8 key frame begins with an even byte (RFC 6386 section 9.1).
    var first = ByteBuffer(bytes: [0x50, 0x01, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01])
    first.writeRepeatingByte(0, count: 8000)
    keyFrame = first
  }

  /// One picture and the 33 ms around it, in steps of a millisecond.
  mutating func step(_ number: Int) throws {
    let frame = EncodedVideoFrame(
      payload: number == 0 ? keyFrame : payload, isKeyFrame: number == 0, timestamp: UInt32(number * 3000), time: now)
    sender.send(video: frame, mid: "0", now: now)
    for _ in 0..<33 {
      try carry(from: sender, to: receiver)
      try carry(from: receiver, to: sender)
      now = now + .milliseconds(1)
    }
  }

  private mutating func carry(from one: MediaTransport, to other: MediaTransport) throws {
    output.removeAll()
    one.poll(now: now, into: &output)
    for packet in output.rtp { try other.receiveRTP(packet, now: now) }
    for packet in output.rtcp { try other.receiveRTCP(packet, now: now) }
    packets += output.rtp.count + output.rtcp.count
    for case .video in output.events { delivered += 1 }
  }
}
