import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct RTCPTests {
  private func parse(_ buffer: ByteBuffer) throws -> [RTCPPacket] {
    var packets: [RTCPPacket] = []
    try RTCPParser.parse(buffer, into: &packets)
    return packets
  }

  private let block = ReportBlock(
    ssrc: SSRC(2), fractionLost: 64, packetsLost: -3, highestSequence: 0x0001_FFFE, jitter: 90,
    lastSenderReport: 0x1122_3344, delaySinceLastSenderReport: 65536)

  @Test func senderReportIsAsTheRFCHasIt() throws {
    let wire = bytes(
      """
      81 C8 000C 00000001 1111222233334444 00005555 0000000A 000003E8
      00000002 40 FFFFFD 0001FFFE 0000005A 11223344 00010000
      """)
    let report = SenderReport(
      ssrc: SSRC(1), time: NTPTime(rawValue: 0x1111_2222_3333_4444), timestamp: RTPTimestamp(0x5555), packetCount: 10,
      octetCount: 1000, blocks: [block])
    #expect(try parse(wire) == [.senderReport(report)])
    var written = ByteBuffer()
    written.writeRTCP(.senderReport(report))
    #expect(written == wire)
    #expect(report.time.middle == 0x2222_3333)
  }

  @Test func nackPacksRuns() throws {
    let nack = GenericNACK(
      sender: SSRC(1), media: SSRC(2), sequences: [65535, 0, 15, 16, 100].map { SequenceNumber($0) })
    var written = ByteBuffer()
    written.writeRTCP(.nack(nack))
    // 0 is 1 ahead, 15 is 16 ahead; 16 begins an entry of its own.
    #expect(written == bytes("81 CD 0005 00000001 00000002 FFFF 8001 0010 0000 0064 0000"))
    #expect(try parse(written) == [.nack(nack)])
  }

  @Test func rembIsAsTheDraftHasIt() throws {
    let estimate = ReceiverEstimatedMaximumBitrate(sender: SSRC(1), bitrate: 1_000_000, media: [SSRC(7)])
    var written = ByteBuffer()
    written.writeRTCP(.receiverEstimatedMaximumBitrate(estimate))
    // 1000000 = 250000 << 2.
    #expect(written == bytes("8F CE 0005 00000001 00000000 52454D42 01 0BD090 00000007"))
    #expect(try parse(written) == [.receiverEstimatedMaximumBitrate(estimate)])
  }

  @Test func everythingReadsBackFromOneCompound() throws {
    let packets: [RTCPPacket] = [
      .receiverReport(ReceiverReport(ssrc: SSRC(5), blocks: [block, block])),
      .sourceDescription([
        CanonicalName(ssrc: SSRC(5), name: "name"), CanonicalName(ssrc: SSRC(6), name: "another one"),
      ]),
      .pictureLoss(PictureLossIndication(sender: SSRC(5), media: SSRC(2))),
      .fullIntraRequest(
        FullIntraRequest(sender: SSRC(5), requests: [.init(media: SSRC(2), commandSequence: 200)])),
      .nack(GenericNACK(sender: SSRC(5), media: SSRC(2), sequences: [SequenceNumber(3)])),
      .transportFeedback(
        TransportFeedback(
          sender: SSRC(5), media: SSRC(2), baseSequence: 10, statusCount: 3, referenceTime: 4, feedbackCount: 1,
          arrivals: [.init(offset: 0, ticks: 1), .init(offset: 2, ticks: 700)])),
      .goodbye([SSRC(5), SSRC(6)]),
    ]
    var written = ByteBuffer()
    for packet in packets { written.writeRTCP(packet) }
    #expect(written.readableBytes % 4 == 0)
    #expect(try parse(written) == packets)
  }

  @Test func unknownTypesArePassedOver() throws {
    #expect(
      try parse(bytes("80 CF 0001 00000001  86 CE 0002 00000001 00000002  80 CB 0000"))
        == [.unknown(type: 207, format: 0), .unknown(type: 206, format: 6), .goodbye([])])
  }

  @Test(arguments: [
    ("80C9", RTPError.truncated("RTCP header")),
    ("80C9 0001", .truncated("RTCP packet")),
    ("00C9 0001 00000001", .badVersion(0)),
    ("81C9 0001 00000001", .truncated("report block")),
    ("A0C9 0001 00000009", .malformed("RTCP padding")),
    ("81CA 0001 00000001", .truncated("source description")),
    ("81CA 0002 00000001 01FF4142", .truncated("source description item")),
    ("81CD 0002 00000001 00000002", .truncated("NACK")),
    ("84CE 0002 00000001 00000002", .truncated("full intra request")),
    ("8FCE 0004 00000001 00000000 52454D42 02FFFFFF", .malformed("REMB bitrate")),
    ("8FCE 0004 00000001 00000000 52454D42 02000001", .truncated("REMB")),
    ("8FCD 0004 00000001 00000002 00010000 00000000", .malformed("transport feedback without packets")),
    ("8FCD 0004 00000001 00000002 00010010 00000000", .truncated("transport feedback chunks")),
    ("8FCD 0005 00000001 00000002 00010003 00000000 20030000", .truncated("transport feedback deltas")),
  ])
  func namesWhatIsWrong(hexadecimal: String, error: RTPError) {
    #expect(throws: error) { try parse(bytes(hexadecimal)) }
  }

  @Test func packetsBeforeAWrongOneCount() {
    var packets: [RTCPPacket] = []
    #expect(throws: RTPError.self) {
      try RTCPParser.parse(bytes("80CB 0000 81C9 0001 00000001"), into: &packets)
    }
    #expect(packets == [.goodbye([])])
  }

  @Test func survivesMutatedCompounds() throws {
    var generator = SeededGenerator(seed: 2)
    var compound = ByteBuffer()
    compound.writeRTCP(.receiverReport(ReceiverReport(ssrc: SSRC(5), blocks: [block])))
    compound.writeRTCP(.sourceDescription([CanonicalName(ssrc: SSRC(5), name: "name")]))
    compound.writeRTCP(.nack(GenericNACK(sender: SSRC(5), media: SSRC(2), sequences: [SequenceNumber(3)])))
    compound.writeRTCP(
      .transportFeedback(
        TransportFeedback(
          sender: SSRC(5), media: SSRC(2), baseSequence: 10, statusCount: 40, referenceTime: 4, feedbackCount: 1,
          arrivals: (0..<20).map { .init(offset: $0 * 2, ticks: Int64($0 * $0 * 8)) })))
    compound.writeRTCP(.receiverEstimatedMaximumBitrate(.init(sender: SSRC(1), bitrate: 123_456, media: [SSRC(7)])))
    var understood = 0
    for _ in 0..<10_000 {
      var packets: [RTCPPacket] = []
      try? RTCPParser.parse(compound.mutated(using: &generator), into: &packets)
      understood += packets.count
    }
    #expect(understood > 5000)
  }
}
