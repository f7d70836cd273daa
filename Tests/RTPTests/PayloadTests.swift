import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct PayloadTests {
  @Test func readsAFullDescriptor() throws {
    // X N S PID=2; I L T K; 15-bit PictureID; TL0PICIDX; TID=2 Y KEYIDX=5.
    var payload = bytes("B2 F0 9234 56 A5 0102")
    let descriptor = try VP8PayloadDescriptor(reading: &payload)
    #expect(descriptor.isNonReference && descriptor.startsPartition && !descriptor.startsFrame)
    #expect(descriptor.partition == 2)
    #expect(descriptor.pictureID == 0x1234)
    #expect(descriptor.temporalLayerZeroIndex == 0x56)
    #expect(descriptor.temporalLayer == 2 && descriptor.isLayerSync)
    #expect(descriptor.keyIndex == 5)
    #expect(payload == bytes("0102"))
  }

  @Test func readsShortDescriptors() throws {
    var plain = bytes("10 00")
    let start = try VP8PayloadDescriptor(reading: &plain)
    #expect(start.startsFrame)
    #expect(plain == bytes("00"))
    var short = bytes("90 80 7F AA")
    let descriptor = try VP8PayloadDescriptor(reading: &short)
    #expect(descriptor.pictureID == 0x7F && !descriptor.usesLongPictureID)
  }

  @Test(arguments: ["", "90", "9080", "908081", "90F0 9234", "90F0 9234 56", "10"])
  func descriptorCutShortIsAnError(hexadecimal: String) {
    #expect(throws: RTPError.self) {
      var payload = bytes(hexadecimal)
      _ = try VP8PayloadDescriptor(reading: &payload)
    }
  }

  @Test(arguments: [1, 100, 1000, 1001, 2500, 60_000])
  func fragmentsAreEvenAndBounded(size: Int) throws {
    var generator = SeededGenerator(seed: UInt64(size))
    let frame = ByteBuffer(bytes: (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) })
    var packetizer = VP8Packetizer(pictureID: 0x7FFF)
    var fragments: [VP8Packetizer.Fragment] = []
    packetizer.packetize(frame, maximumPayload: 1004) { fragments.append($0) }
    #expect(fragments.count == (size + 999) / 1000)
    let lengths = fragments.map(\.bytes.readableBytes)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
    #expect(fragments.map(\.isLast) == (1...fragments.count).map { $0 == fragments.count })

    var whole = ByteBuffer()
    for (index, fragment) in fragments.enumerated() {
      var payload = ByteBuffer()
      payload.writeInteger(fragment.descriptor)
      payload.writeImmutableBuffer(fragment.bytes)
      #expect(payload.readableBytes == fragment.length && fragment.length <= 1004)
      let descriptor = try VP8PayloadDescriptor(reading: &payload)
      #expect(descriptor.startsFrame == (index == 0))
      #expect(descriptor.pictureID == 0x7FFF)
      whole.writeBuffer(&payload)
    }
    #expect(whole == frame)
    // The PictureID wraps.
    #expect(packetizer.pictureID == 0)
  }

  @Test func knowsHowLongOpusSounds() {
    #expect(OpusPacket.samples(bytes("78")) == 960)  // hybrid, 20 ms, one frame
    #expect(OpusPacket.samples(bytes("FC 00")) == 960)  // CELT, 20 ms
    #expect(OpusPacket.samples(bytes("E0")) == 120)  // CELT, 2.5 ms
    #expect(OpusPacket.samples(bytes("18")) == 2880)  // SILK, 60 ms
    #expect(OpusPacket.samples(bytes("19")) == 5760)  // two of them
    #expect(OpusPacket.samples(bytes("1B 03")) == nil)  // three: 180 ms is too long
    #expect(OpusPacket.samples(bytes("FB 00")) == nil)  // no frame at all
    #expect(OpusPacket.samples(bytes("FB")) == nil)
    #expect(OpusPacket.samples(ByteBuffer()) == nil)
  }
}
