import NIOCore
import Testing

@testable import PeerConnection

@Suite struct SRTPTests {
  private struct Pair {
    let sender: SRTPContext
    let receiver: SRTPContext

    init(_ profile: SRTPProfile) throws {
      let key = (0..<(profile.keyLength + profile.saltLength)).map { UInt8($0) }
      sender = try SRTPContext(profile: profile, key: key, direction: .sending)
      receiver = try SRTPContext(profile: profile, key: key, direction: .receiving)
    }
  }

  private func rtp(_ sequence: UInt16, ssrc: UInt32 = 0x1234_5678, payload: String = "a frame") -> ByteBuffer {
    var packet = ByteBuffer()
    packet.writeMultipleIntegers(UInt8(0x80), UInt8(96), sequence, UInt32(90_000), ssrc)
    packet.writeString(payload)
    return packet
  }

  private func rtcp(ssrc: UInt32 = 0x1234_5678) -> ByteBuffer {
    var packet = ByteBuffer()
    packet.writeMultipleIntegers(UInt8(0x80), UInt8(201), UInt16(1), ssrc)
    return packet
  }

  @Test(arguments: SRTPProfile.preferred) func packetsComeOutAsTheyWentIn(_ profile: SRTPProfile) throws {
    let pair = try Pair(profile)
    for sequence in UInt16(65_530)...65_535 {
      let plain = rtp(sequence)
      var packet = plain
      try pair.sender.protectRTP(&packet)
      #expect(packet.readableBytes > plain.readableBytes)
      #expect(plain == rtp(sequence), "the copy in the history stays as it was")
      try pair.receiver.unprotectRTP(&packet)
      #expect(packet == plain)
    }
    let plain = rtcp()
    var packet = plain
    try pair.sender.protectRTCP(&packet)
    #expect(packet.readableBytes > plain.readableBytes)
    try pair.receiver.unprotectRTCP(&packet)
    #expect(packet == plain)
  }

  @Test(arguments: SRTPProfile.preferred) func tamperedPacketsAreRefused(_ profile: SRTPProfile) throws {
    let pair = try Pair(profile)
    var packet = rtp(1)
    try pair.sender.protectRTP(&packet)
    for index in 0..<packet.readableBytes {
      var tampered = packet
      let byte = try #require(tampered.getInteger(at: index, as: UInt8.self))
      tampered.setInteger(byte ^ 1, at: index)
      #expect(throws: SRTPError.self) { try pair.receiver.unprotectRTP(&tampered) }
    }
    var report = rtcp()
    try pair.sender.protectRTCP(&report)
    report.setInteger(UInt8(0xFF), at: report.writerIndex - 1)
    #expect(throws: SRTPError.authenticationFailed) { try pair.receiver.unprotectRTCP(&report) }
    // The true one still goes through.
    try pair.receiver.unprotectRTP(&packet)
    #expect(packet == rtp(1))
  }

  @Test func replayedPacketsAreRefused() throws {
    let pair = try Pair(.aeadAES128GCM)
    var packet = rtp(1)
    try pair.sender.protectRTP(&packet)
    var again = packet
    try pair.receiver.unprotectRTP(&packet)
    #expect(throws: SRTPError.replayed) { try pair.receiver.unprotectRTP(&again) }

    // Very late but new is fine within the window, and refused beyond it.
    var late = rtp(10)
    var tooLate = rtp(2)
    try pair.sender.protectRTP(&tooLate)
    try pair.sender.protectRTP(&late)
    var newest = rtp(1030)
    try pair.sender.protectRTP(&newest)
    try pair.receiver.unprotectRTP(&newest)
    try pair.receiver.unprotectRTP(&late)
    #expect(throws: SRTPError.replayed) { try pair.receiver.unprotectRTP(&tooLate) }
  }

  @Test func aPacketMayBeSentTwice() throws {
    let pair = try Pair(.aeadAES128GCM)
    var first = rtp(5)
    var second = rtp(5)
    try pair.sender.protectRTP(&first)
    try pair.sender.protectRTP(&second)
    #expect(first == second)
  }

  @Test func shortPacketsAreMalformed() throws {
    let pair = try Pair(.aeadAES128GCM)
    for length in 0..<24 {
      var packet = ByteBuffer(repeating: 0x80, count: length)
      #expect(throws: SRTPError.self) { try pair.receiver.unprotectRTP(&packet) }
      #expect(throws: SRTPError.self) { try pair.receiver.unprotectRTCP(&packet) }
    }
  }

  @Test func aPeerCannotMakeUsKeepEndlesslyManyStreams() throws {
    let pair = try Pair(.aeadAES128GCM)
    for ssrc in 0..<UInt32(SRTPContext.maximumStreams) {
      // A forged packet takes no room.
      var forged = rtp(1, ssrc: 1_000_000 + ssrc, payload: "forged, and long enough for a tag")
      #expect(throws: SRTPError.authenticationFailed) { try pair.receiver.unprotectRTP(&forged) }
      var packet = rtp(1, ssrc: ssrc)
      try pair.sender.protectRTP(&packet)
      try pair.receiver.unprotectRTP(&packet)
    }
    var packet = rtp(1, ssrc: 77_777)
    try pair.sender.protectRTP(&packet)
    #expect(throws: SRTPError.tooManyStreams) { try pair.receiver.unprotectRTP(&packet) }
  }

  @Test func protectionInPlaceDoesNotReallocate() throws {
    let pair = try Pair(.aeadAES128GCM)
    var packet = ByteBufferAllocator().buffer(capacity: 1232)
    packet.writeMultipleIntegers(UInt8(0x80), UInt8(96), UInt16(1), UInt32(0), UInt32(9))
    packet.writeRepeatingByte(1, count: 1188)
    let before = packet.withVeryUnsafeMutableBytes { UInt(bitPattern: $0.baseAddress) }
    try pair.sender.protectRTP(&packet)
    let after = packet.withVeryUnsafeMutableBytes { UInt(bitPattern: $0.baseAddress) }
    #expect(before == after)
  }
}
