import Frames
import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct RoutingTests {
  private static let extensions = HeaderExtensionMap(mid: 4)

  private func packet(_ ssrc: UInt32, type: UInt8, mid: String?, sequence: UInt16 = 1) -> ByteBuffer {
    let writer = HeaderWriter(
      ssrc: SSRC(ssrc), payloadType: PayloadType(type), mid: mid, extensions: Self.extensions)
    var outgoing = writer.begin(
      kind: .audio, isMarked: false, sequence: SequenceNumber(sequence),
      timestamp: RTPTimestamp(UInt32(sequence) * 960),
      payloadLength: 2)
    outgoing.bytes.writeBytes([0x78, 1])
    return outgoing.bytes
  }

  private func transport() -> MediaTransport {
    let transport = MediaTransport(.init(cname: "x", seed: 1))
    for mid in ["0", "1"] {
      transport.setAudioReceiver(
        mid: mid, AudioReceiveParameters(mid: mid, payloadTypes: [PayloadType(111)], extensions: Self.extensions))
    }
    transport.setAudioReceiver(
      mid: "2",
      AudioReceiveParameters(mid: "2", payloadTypes: [PayloadType(9)], ssrc: SSRC(50), extensions: Self.extensions))
    return transport
  }

  private func mids(_ transport: MediaTransport, now: NIODeadline = .at(milliseconds: 1)) -> [String] {
    var output = MediaOutput()
    transport.poll(now: now, into: &output)
    return output.events.compactMap { if case .audio(let mid, _) = $0 { mid } else { nil } }
  }

  @Test func bySourceThenMidThenType() throws {
    let transport = transport()
    let now = NIODeadline.at(milliseconds: 1)
    try transport.receiveRTP(packet(7, type: 111, mid: "1"), now: now)
    // Known by now, the mid may be left out.
    try transport.receiveRTP(packet(7, type: 111, mid: nil, sequence: 2), now: now)
    try transport.receiveRTP(packet(8, type: 9, mid: nil), now: now)
    #expect(mids(transport) == ["1", "1", "2"])
    // Two sections take this type.
    #expect(throws: RTPError.unknownStream(SSRC(9), PayloadType(111))) {
      try transport.receiveRTP(packet(9, type: 111, mid: nil), now: now)
    }
    #expect(throws: RTPError.unknownStream(SSRC(9), PayloadType(111))) {
      try transport.receiveRTP(packet(9, type: 111, mid: "7"), now: now)
    }
    #expect(throws: RTPError.unknownStream(SSRC(7), PayloadType(8))) {
      try transport.receiveRTP(packet(7, type: 8, mid: "1"), now: now)
    }
  }

  @Test func aRunningSourceIsNotPutAside() throws {
    let transport = transport()
    try transport.receiveRTP(packet(7, type: 111, mid: "0"), now: .at(milliseconds: 0))
    for ssrc in UInt32(100)..<1000 {
      #expect(throws: RTPError.self) {
        try transport.receiveRTP(packet(ssrc, type: 111, mid: "0"), now: .at(milliseconds: 10))
      }
    }
    try transport.receiveRTP(packet(7, type: 111, mid: "0", sequence: 2), now: .at(milliseconds: 20))
    // Silent for a while, it is.
    try transport.receiveRTP(packet(8, type: 111, mid: "0"), now: .at(milliseconds: 1000))
    #expect(mids(transport) == ["0", "0", "0"])
    #expect(transport.statistics.receivers.first { $0.mid == "0" }?.ssrc == SSRC(8))
    // The one that the description names is taken at once.
    try transport.receiveRTP(packet(60, type: 9, mid: "2"), now: .at(milliseconds: 1000))
    try transport.receiveRTP(packet(50, type: 9, mid: "2"), now: .at(milliseconds: 1001))
    #expect(transport.statistics.receivers.first { $0.mid == "2" }?.ssrc == SSRC(50))
  }

  @Test func settingTheSameAgainKeepsTheStream() throws {
    let transport = transport()
    try transport.receiveRTP(packet(7, type: 111, mid: "0"), now: .at(milliseconds: 0))
    transport.setAudioReceiver(
      mid: "0",
      AudioReceiveParameters(
        mid: "0", payloadTypes: [PayloadType(111), PayloadType(63)], extensions: Self.extensions))
    #expect(transport.statistics.receivers.first { $0.mid == "0" }?.packetsReceived == 1)
    transport.setAudioReceiver(mid: "0", nil)
    #expect(!transport.statistics.receivers.contains { $0.mid == "0" })
  }

  @Test func aSenderGoesOnWithItsNumbers() throws {
    let transport = MediaTransport(.init(cname: "x", seed: 1))
    var parameters = AudioSendParameters(
      mid: "a", ssrc: SSRC(1), payloadType: PayloadType(111), extensions: HeaderExtensionMap())
    var numbers: [UInt16] = []
    var types: [UInt8] = []
    for step in 0..<4 {
      if step == 2 { parameters.payloadType = PayloadType(109) }
      transport.setAudioSender(mid: "a", parameters)
      transport.send(
        audio: .init(payload: bytes("78"), timestamp: UInt32(step) * 960, level: 0, time: .at(milliseconds: 1)),
        mid: "a", now: .at(milliseconds: 1))
      var output = MediaOutput()
      transport.poll(now: .at(milliseconds: 1), into: &output)
      let packet = try RTPPacket(parsing: #require(output.rtp.first))
      numbers.append(packet.sequenceNumber.rawValue)
      types.append(packet.payloadType.rawValue)
    }
    #expect(numbers == (0..<4).map { numbers[0] + $0 })
    #expect(types == [111, 111, 109, 109])
  }

  /// Whatever comes, nothing traps, and nothing grows.
  @Test func survivesHostilePeers() throws {
    var generator = SeededGenerator(seed: 13)
    let call = SimulatedCall(seed: 13)
    call.run(milliseconds: 300)
    var samples: [ByteBuffer] = []
    for index in 0..<20 {
      let writer = HeaderWriter(
        ssrc: SSRC(index % 2 == 0 ? 1000 : 1001), payloadType: PayloadType(index % 2 == 0 ? 96 : 97), mid: "v",
        extensions: SimulatedCall.extensions)
      var packet = writer.begin(
        kind: .video, isMarked: index % 3 == 0, sequence: SequenceNumber(UInt16(index)),
        timestamp: RTPTimestamp(UInt32(index / 3) * 3000), payloadLength: 60)
      if index % 2 == 1 { packet.bytes.writeInteger(UInt16(index)) }
      packet.bytes.writeBytes([0x90, 0x80, 0x80, UInt8(index), 0x10, 1, 2, 3])
      samples.append(packet.bytes)
    }
    var output = MediaOutput()
    var now = call.now
    var mostOutput = 0
    for round in 0..<10_000 {
      now = now + .microseconds(.random(in: 0...4000, using: &generator))
      var packet = samples[round % samples.count]
      packet.setInteger(UInt16.random(in: 0...UInt16.max, using: &generator), at: packet.readerIndex + 2)
      if round % 7 == 0 {
        packet.setInteger(UInt32.random(in: 0...UInt32.max, using: &generator), at: packet.readerIndex + 4)
      }
      if round % 3 == 0 { packet = packet.mutated(using: &generator) }
      try? call.callee.receiveRTP(packet, now: now)
      try? call.callee.receiveRTCP(packet.mutated(using: &generator), now: now)
      call.callee.poll(now: now, into: &output)
      mostOutput = max(mostOutput, output.rtcp.count + output.events.count)
      output.removeAll()
      _ = call.callee.nextDeadline
    }
    #expect(mostOutput < 400)
    #expect(call.callee.statistics.receivers.count == 2)
  }
}
