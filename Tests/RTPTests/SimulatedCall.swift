import Frames
import NIOCore
import TestSupport

@testable import RTP

/// How a simulated path treats packets.
struct Path {
  var delay = TimeAmount.milliseconds(25)
  /// Added to the delay, anything up to this; so packets overtake each other.
  var jitter = TimeAmount.zero
  /// Share of the packets lost and doubled.
  var loss = 0.0
  var duplication = 0.0
}

/// Two ends joined by two lossy paths, in virtual time. `caller` sends 30 frames and 50 sound packets a second;
/// `callee` receives.
final class SimulatedCall {
  static let start: Int64 = 10_000

  let caller: MediaTransport
  let callee: MediaTransport
  var there: Path
  var back: Path
  private(set) var time = SimulatedCall.start
  /// Decides over single packets of the caller's before chance does: `true` loses one.
  var losing: (RTPPacket) -> Bool = { _ in false }
  /// Whether the caller sends anything.
  var isSending = true
  private var frameBytes = 4000
  private(set) var framesSent: [UInt32: ByteBuffer] = [:]
  private(set) var framesReceived: [EncodedVideoFrame] = []
  private(set) var audioReceived: [ReceivedAudioPacket] = []
  private(set) var keyFrameRequests = 0
  private(set) var bitrates: [Int] = []
  private(set) var ended: [String] = []
  private(set) var errors: [RTPError] = []
  private(set) var rtcpSizes: [Int] = []
  var onAudio: (ReceivedAudioPacket) -> Void = { _ in }

  private struct Flight {
    let arrival: Int64
    let order: Int
    let toCallee: Bool
    let isRTCP: Bool
    let bytes: ByteBuffer
  }
  private var flying: [Flight] = []
  private var order = 0
  private var generator: SeededGenerator
  private var output = MediaOutput()
  private var frameNumber = 0
  private var isKeyFrameDue = true

  static let extensions = HeaderExtensionMap(mid: 4, transportSequence: 3, absoluteSendTime: 2, audioLevel: 1)

  init(
    seed: UInt64, there: Path = Path(), back: Path = Path(), usesRetransmission: Bool = true,
    configure: (inout MediaTransport.Configuration) -> Void = { _ in }
  ) {
    var configuration = MediaTransport.Configuration(cname: "caller", seed: seed)
    configure(&configuration)
    caller = MediaTransport(configuration)
    configuration.cname = "callee"
    configuration.seed = seed &+ 1
    callee = MediaTransport(configuration)
    self.there = there
    self.back = back
    generator = SeededGenerator(seed: seed &+ 2)
    let retransmission = VideoSendParameters.Retransmission(ssrc: SSRC(1001), payloadType: PayloadType(97))
    caller.setVideoSender(
      mid: "v",
      VideoSendParameters(
        mid: "v", ssrc: SSRC(1000), payloadType: PayloadType(96),
        retransmission: usesRetransmission ? retransmission : nil, extensions: Self.extensions))
    caller.setAudioSender(
      mid: "a",
      AudioSendParameters(mid: "a", ssrc: SSRC(2000), payloadType: PayloadType(111), extensions: Self.extensions))
    callee.setVideoReceiver(
      mid: "v",
      VideoReceiveParameters(
        mid: "v", payloadTypes: [PayloadType(96)], retransmissionTypes: [PayloadType(97): PayloadType(96)],
        extensions: Self.extensions))
    callee.setAudioReceiver(
      mid: "a", AudioReceiveParameters(mid: "a", payloadTypes: [PayloadType(111)], extensions: Self.extensions))
  }

  var now: NIODeadline { .at(milliseconds: time) }

  func run(milliseconds: Int64) {
    for _ in 0..<milliseconds {
      time += 1
      if isSending { sendMedia() }
      deliver()
      drain(caller, isCaller: true)
      drain(callee, isCaller: false)
    }
  }

  private func sendMedia() {
    let elapsed = time - Self.start
    if elapsed % 33 == 0 {
      var payload = ByteBuffer()
      // The lowest bit of a VP8 frame says what it is; the rest is noise to compare.
      payload.writeInteger(isKeyFrameDue ? UInt8(0x10) : UInt8(0x11))
      payload.writeInteger(UInt32(frameNumber))
      let size = isKeyFrameDue ? frameBytes * 4 : frameBytes
      for _ in 0..<size / 8 { payload.writeInteger(generator.next()) }
      let timestamp = UInt32(elapsed * 90)
      framesSent[UInt32(frameNumber)] = payload
      caller.send(
        video: EncodedVideoFrame(payload: payload, isKeyFrame: isKeyFrameDue, timestamp: timestamp, time: now),
        mid: "v", now: now)
      frameNumber += 1
      isKeyFrameDue = false
    }
    if elapsed % 20 == 0 {
      var payload = ByteBuffer(bytes: [0x78])
      payload.writeInteger(UInt32(elapsed / 20))
      caller.send(
        audio: EncodedAudioFrame(
          payload: payload, timestamp: UInt32(elapsed * 48), level: 20, time: now),
        mid: "a", now: now)
    }
  }

  private func deliver() {
    guard flying.contains(where: { $0.arrival <= time * 1_000_000 }) else { return }
    let due = flying.filter { $0.arrival <= time * 1_000_000 }.sorted {
      ($0.arrival, $0.order) < ($1.arrival, $1.order)
    }
    flying.removeAll { $0.arrival <= time * 1_000_000 }
    for flight in due {
      let end = flight.toCallee ? callee : caller
      do throws(RTPError) {
        if flight.isRTCP {
          try end.receiveRTCP(flight.bytes, now: now)
        } else {
          try end.receiveRTP(flight.bytes, now: now)
        }
      } catch {
        errors.append(error)
      }
    }
  }

  private func drain(_ end: MediaTransport, isCaller: Bool) {
    while let deadline = end.nextDeadline, deadline <= now {
      end.poll(now: now, into: &output)
      for packet in output.rtp { launch(packet, toCallee: isCaller, isRTCP: false) }
      for packet in output.rtcp {
        rtcpSizes.append(packet.readableBytes)
        launch(packet, toCallee: isCaller, isRTCP: true)
      }
      for event in output.events { handle(event) }
      output.removeAll()
    }
  }

  private func launch(_ packet: ByteBuffer, toCallee: Bool, isRTCP: Bool) {
    let path = toCallee ? there : back
    if toCallee, !isRTCP, let parsed = try? RTPPacket(parsing: packet), losing(parsed) { return }
    if Double.random(in: 0..<1, using: &generator) < path.loss { return }
    let copies = Double.random(in: 0..<1, using: &generator) < path.duplication ? 2 : 1
    for _ in 0..<copies {
      let jitter = Int64.random(in: 0...max(path.jitter.nanoseconds, 0), using: &generator)
      order += 1
      flying.append(
        Flight(
          arrival: time * 1_000_000 + path.delay.nanoseconds + jitter, order: order, toCallee: toCallee,
          isRTCP: isRTCP, bytes: packet))
    }
  }

  private func handle(_ event: MediaEvent) {
    switch event {
    case .video(_, let frame): framesReceived.append(frame)
    case .audio(_, let packet):
      audioReceived.append(packet)
      onAudio(packet)
    case .keyFrameRequested:
      keyFrameRequests += 1
      isKeyFrameDue = true
    case .targetBitrate(let bitrate):
      bitrates.append(bitrate)
      // As an encoder would, with room for sound and repairs.
      frameBytes = min(4000, bitrate / 8 / 30 * 3 / 4)
    case .ended(let mid): ended.append(mid)
    }
  }

  /// Numbers of the frames received, in order, each compared to what was sent.
  func receivedNumbers() -> [UInt32] {
    framesReceived.compactMap { frame in
      guard let number = frame.payload.getInteger(at: frame.payload.readerIndex + 1, as: UInt32.self),
        framesSent[number] == frame.payload
      else { return nil }
      return number
    }
  }
}
