import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct PacketTests {
  @Test func sequenceNumbersWrap() {
    #expect(SequenceNumber(2).isNewer(than: SequenceNumber(65535)))
    #expect(!SequenceNumber(65535).isNewer(than: SequenceNumber(2)))
    #expect(SequenceNumber(65535).distance(to: SequenceNumber(2)) == 3)
    #expect(SequenceNumber(65535).advanced(by: 3) == SequenceNumber(2))
    #expect(RTPTimestamp(0xFFFF_FF00).distance(to: RTPTimestamp(0x100)) == 0x200)
  }

  @Test func unwrapperFollowsTheNewest() {
    var unwrapper = Unwrapper<UInt16>()
    let unwrapped = [65534, 1, 65535, 2].map { unwrapper.unwrap($0) }
    #expect(unwrapped == [65534, 65537, 65535, 65538])
    #expect(unwrapper.peek(0x8001) == 65536 + 0x8001)
    #expect(unwrapper.peek(0x8003) == 0x8003)
  }

  @Test func readsAHeaderWithEverything() throws {
    // V=2 P X CC=2, M PT=96, seq, timestamp, SSRC, 2 CSRCs, one-byte extensions (id 3: 2 bytes, padding, id 1: 1 byte),
    // payload of 3, padding of 2.
    let packet = try RTPPacket(
      parsing: bytes(
        "B2E0 1234 01020304 AABBCCDD 00000001 00000002 BEDE0002 31 BEEF 00 10 85 0000 112233 0002"))
    #expect(packet.isMarked)
    #expect(packet.payloadType == PayloadType(96))
    #expect(packet.sequenceNumber == SequenceNumber(0x1234))
    #expect(packet.timestamp == RTPTimestamp(0x0102_0304))
    #expect(packet.ssrc == SSRC(0xAABB_CCDD))
    #expect(packet.payload == bytes("112233"))
    #expect(packet.paddingLength == 2)
    let values = packet.extensions.values(HeaderExtensionMap(transportSequence: 3, audioLevel: 1))
    #expect(values.transportSequence == 0xBEEF)
    #expect(values.audioLevel == 5)
    #expect(values.isVoice)
  }

  @Test func readsTwoByteExtensions() throws {
    let packet = try RTPPacket(
      parsing: bytes("9060 0001 00000000 00000001 1000 0004 14 03 616263 00 20 00 21 03 0A0B0C 000000"))
    let values = packet.extensions.values(HeaderExtensionMap(mid: 0x14, absoluteSendTime: 0x21))
    #expect(values.mid == "abc")
    #expect(values.absoluteSendTime == 0x0A0B0C)
    #expect(packet.payload.readableBytes == 0)
  }

  @Test(arguments: [
    ("", RTPError.truncated("RTP header")),
    ("8060 0001 00000000 0000", .truncated("RTP header")),
    ("4060 0001 00000000 00000001", .badVersion(1)),
    ("8260 0001 00000000 00000001 00000001", .truncated("list of contributing sources")),
    ("9060 0001 00000000 00000001 BEDE 0002 00000000", .truncated("header extension")),
    ("A060 0001 00000000 00000001 00", .malformed("padding")),
    ("A060 0001 00000000 00000001 0003", .malformed("padding")),
    ("A060 0001 00000000 00000001", .malformed("padding")),
  ])
  func namesWhatIsWrong(hexadecimal: String, error: RTPError) {
    #expect(throws: error) { try RTPPacket(parsing: bytes(hexadecimal)) }
  }

  @Test(arguments: [
    HeaderExtensionMap(mid: 4, transportSequence: 3, absoluteSendTime: 2, audioLevel: 1),
    HeaderExtensionMap(mid: 4, transportSequence: 30, absoluteSendTime: 2, audioLevel: 1),
    HeaderExtensionMap(),
  ])
  func writtenHeadersReadBack(map: HeaderExtensionMap) throws {
    let writer = HeaderWriter(ssrc: SSRC(77), payloadType: PayloadType(111), mid: "audio-0", extensions: map)
    var outgoing = writer.begin(
      kind: .audio, isMarked: true, sequence: SequenceNumber(9), timestamp: RTPTimestamp(1000), audioLevel: 30,
      payloadLength: 3)
    #expect(outgoing.bytes.readableBytes == writer.length)
    outgoing.bytes.writeBytes([1, 2, 3])
    outgoing.stamp(transportSequence: 0xABCD, now: .at(milliseconds: 500))
    #expect(outgoing.bytes.writableBytes >= OutgoingPacket.trailingRoom)

    let packet = try RTPPacket(parsing: outgoing.bytes)
    #expect(packet.payload == ByteBuffer(bytes: [1, 2, 3]))
    #expect(packet.isMarked && packet.payloadType == PayloadType(111) && packet.ssrc == SSRC(77))
    let values = packet.extensions.values(map)
    #expect(values.mid == map.mid.map { _ in "audio-0" })
    #expect(values.transportSequence == map.transportSequence.map { _ in 0xABCD })
    #expect(values.absoluteSendTime == map.absoluteSendTime.map { _ in 1 << 17 })
    #expect(values.audioLevel == map.audioLevel.map { _ in 30 })
  }

  @Test func extensionMapRefusesIdentifiersThatCannotBeUsed() {
    var map = HeaderExtensionMap()
    let taken = [0, 15, 256, 14].map { map.add(uri: HeaderExtensionMap.midURI, id: $0) }
    #expect(taken == [false, false, false, true])
    let isKnown = map.add(uri: "urn:ietf:params:rtp-hdrext:toffset", id: 3)
    #expect(!isKnown)
    #expect(map == HeaderExtensionMap(mid: 14))
  }

  @Test func tellsRTPFromRTCP() {
    #expect(RTPPacketKind(of: bytes("80E0")) == .rtp)  // marker and payload type 96
    #expect(RTPPacketKind(of: bytes("806F")) == .rtp)
    #expect(RTPPacketKind(of: bytes("80C8")) == .rtcp)
    #expect(RTPPacketKind(of: bytes("81CE")) == .rtcp)
    #expect(RTPPacketKind(of: bytes("80")) == nil)
    #expect(RTPPacketKind(of: bytes("0001")) == nil)
  }

  @Test func survivesMutatedPackets() {
    var generator = SeededGenerator(seed: 1)
    let samples = [
      bytes("B2E0 1234 01020304 AABBCCDD 00000001 00000002 BEDE0002 31 BEEF 00 10 85 0000 112233 0002"),
      bytes("9060 0001 00000000 00000001 1000 0004 14 03 616263 00 20 00 21 03 0A0B0C 000000 9080800190"),
    ]
    let map = HeaderExtensionMap(mid: 4, transportSequence: 3, absoluteSendTime: 0x21, audioLevel: 1)
    var parsed = 0
    for round in 0..<20_000 {
      guard var packet = try? RTPPacket(parsing: samples[round % 2].mutated(using: &generator)) else { continue }
      parsed += 1
      _ = packet.extensions.values(map)
      _ = packet.unwrappingRetransmission(ssrc: SSRC(1), payloadType: PayloadType(1))
      _ = try? VP8PayloadDescriptor(reading: &packet.payload)
      _ = OpusPacket.samples(packet.payload)
    }
    #expect(parsed > 1000)
  }

  @Test func unwrapsARetransmission() throws {
    let packet = try RTPPacket(parsing: bytes("80E1 0005 00000000 00000002 1234 90AA"))
    let original = try #require(packet.unwrappingRetransmission(ssrc: SSRC(1), payloadType: PayloadType(96)))
    #expect(original.sequenceNumber == SequenceNumber(0x1234))
    #expect(original.ssrc == SSRC(1))
    #expect(original.payloadType == PayloadType(96))
    #expect(original.isMarked)
    #expect(original.payload == bytes("90AA"))
    let padding = try RTPPacket(parsing: bytes("80E1 0005 00000000 00000002"))
    #expect(padding.unwrappingRetransmission(ssrc: SSRC(1), payloadType: PayloadType(96)) == nil)
  }
}
