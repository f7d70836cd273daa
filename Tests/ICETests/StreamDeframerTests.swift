import NIOCore
import TestSupport
import Testing

@testable import ICE

/// Messages in byte streams.
@Suite struct StreamDeframerTests {
  private static func turnMessages() -> [ByteBuffer] {
    var random = SeededGenerator(seed: 1)
    var writer = STUNWriter(.indication, method: .data, transactionID: STUNTransactionID(using: &random))
    writer.append(data: ByteBuffer(string: "hello"))
    return [
      writer.finish(fingerprint: false), ByteBuffer(bytes: [0x40, 0, 0, 5] + Array("world".utf8)),
      ByteBuffer(bytes: [0x4F, 0xFF, 0, 0]), ByteBuffer(bytes: [0x40, 1, 0, 4, 1, 2, 3, 4]),
    ]
  }

  private static func lengthPrefixed() -> [ByteBuffer] {
    [ByteBuffer(string: "a"), ByteBuffer(), ByteBuffer(repeating: 7, count: 65_535), ByteBuffer(string: "end")]
  }

  /// Cut anywhere, the same messages come out.
  @Test(arguments: [true, false], [1, 2, 3, 7, 1000, 100_000]) func putsPiecesTogether(isTURN: Bool, size: Int) throws {
    let messages = isTURN ? Self.turnMessages() : Self.lengthPrefixed()
    var stream = ByteBuffer()
    for message in messages {
      if !isTURN { stream.writeInteger(UInt16(message.readableBytes)) }
      stream.writeImmutableBuffer(message)
      if isTURN { stream.writeRepeatingByte(0, count: -message.readableBytes & 3) }
    }
    var deframer = StreamDeframer(isTURN ? .turn : .lengthPrefix)
    var read: [ByteBuffer] = []
    while let piece = stream.readSlice(length: min(size, stream.readableBytes)), piece.readableBytes > 0 {
      deframer.append(piece)
      while let message = try deframer.next() { read.append(message) }
    }
    #expect(read == messages)
  }

  @Test(arguments: [[0x20, 0, 0, 0], [0x50, 1, 0, 0], [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x43], [0xFF]] as [[UInt8]])
  func knowsWhatIsNoTURN(bytes: [UInt8]) {
    var deframer = StreamDeframer(.turn)
    deframer.append(ByteBuffer(bytes: bytes))
    #expect(throws: StreamDeframer.Failure.notTURN) { try deframer.next() }
  }

  /// A frame's buffer is used again when the frame is gone: in steady state nothing is allocated.
  @Test func framesReuseTheirBuffers() {
    func address(of buffer: ByteBuffer) -> Int { buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) } }
    var buffers = FrameBuffers(capacity: 4)
    let datagram = ByteBuffer(repeating: 1, count: 1200)
    let first = (0..<4).map { _ in address(of: buffers.frame(header: UInt32(5), datagram)) }
    for round in 0..<20 {
      #expect(address(of: buffers.frame(header: UInt32(round), datagram)) == first[round % 4])
    }
    // A frame that somebody still holds stays as it is.
    let held = (0..<4).map { buffers.frame(header: UInt32($0), datagram) }
    for _ in 0..<8 { _ = buffers.frame(header: UInt32.max, datagram) }
    #expect(held.map { $0.getInteger(at: 0, as: UInt32.self) } == [0, 1, 2, 3])
  }
}
