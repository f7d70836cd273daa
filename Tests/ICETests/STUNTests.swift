import ICE
import NIOCore
import TestSupport
import Testing

/// The codec, against RFC 5769 and against what is no STUN.
@Suite struct STUNTests {
  static let password = "VOkJxbRl1RmTxUk/WvJxBt"

  static let request = bytes(
    """
    000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff
    80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249
    c1b571a280280004e57a3bcf
    """)
  static let responseV4 = bytes(
    """
    0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96
    """)
  static let responseV6 = bytes(
    """
    010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa
    a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c
    """)
  static let longTermRequest = bytes(
    """
    000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c
    662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014
    f67024656dd64a3e02b8e0712e85c9a28ca89666
    """)

  /// RFC 8489 appendix B.1, with length and digest of erratum 6268.
  static let hashedRequest = bytes(
    """
    000100902112a44278ad3433c6ad72c029da412e001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b2
    05c46e41407f1704001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c3946535476
    79363473410000000014000b6578616d706c652e6f726700001d000400020000001c0020b5c7bf005b6c52a21c51c5e8
    92f81924136296cb927c43149309278cc6518e65
    """)

  static let samples = [request, responseV4, responseV6, longTermRequest, hashedRequest]

  static func bytes(_ hex: String) -> ByteBuffer {
    let digits = Array(hex.utf8.filter { $0 > 0x20 })
    return ByteBuffer(
      bytes: stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
      })
  }

  @Test func readsTheSampleRequest() throws {
    let message = try STUNMessage(parsing: Self.request)
    #expect(message.messageClass == .request)
    #expect(message.method == .binding)
    #expect(message.text(of: .software) == "STUN test client")
    #expect(message.username == "evtj:h6vY")
    #expect(message.priority == 0x6E00_01FF)
    #expect(message.iceControlled == 0x932F_F9B1_5126_3B36)
    #expect(message.iceControlling == nil)
    #expect(!message.useCandidate)
    #expect(message.hasFingerprint)
    #expect(message.isAuthentic(key: Self.password.utf8))
    #expect(!message.isAuthentic(key: "VOkJxbRl1RmTxUk/WvJxBT".utf8))
    #expect(message.incomprehensible.isEmpty)
  }

  @Test(arguments: [
    (responseV4, address("192.0.2.1", 32853)), (responseV6, address("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
  ])
  func readsTheSampleResponses(sample: ByteBuffer, mapped: TransportAddress) throws {
    let message = try STUNMessage(parsing: sample)
    #expect(message.messageClass == .successResponse)
    #expect(message.text(of: .software) == "test vector")
    #expect(message.mappedAddress == mapped)
    #expect(message.isAuthentic(key: Self.password.utf8))
  }

  @Test func readsTheSampleRequestWithLongTermCredentials() throws {
    let message = try STUNMessage(parsing: Self.longTermRequest)
    #expect(message.username == "マトリックス")
    #expect(message.text(of: .realm) == "example.org")
    #expect(message.text(of: .nonce) == "f//499k954d6OL34oL9FSTvy64sA")
    // MD5 of the user name, the realm and "TheMatrIX", joined by colons.
    let key = Self.bytes("e8ca7ad59d5eb0518e312911d2dab2a9")
    #expect(message.isAuthentic(key: key.readableBytesView))
    #expect(!message.hasFingerprint)
  }

  @Test func makesTheKeyOfTheSampleRequest() throws {
    let key = STUNLongTermKey.make(username: "マトリックス", realm: "example.org", password: "TheMatrIX")
    #expect(try STUNMessage(parsing: Self.longTermRequest).isAuthentic(key: key))
  }

  /// With USERHASH, PASSWORD-ALGORITHM and MESSAGE-INTEGRITY-SHA256.
  @Test func readsTheSampleRequestWithTheUserNameHidden() throws {
    let message = try STUNMessage(parsing: Self.hashedRequest)
    let (user, realm) = ("マトリックス", "example.org")
    #expect(message.username == nil)
    #expect(message.text(of: .realm) == realm)
    #expect(message.text(of: .nonce) == "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
    #expect(
      message.bytes(of: .userhash).map { Array($0.readableBytesView) }
        == STUNLongTermKey.userhash(username: user, realm: realm))
    let key = STUNLongTermKey.make(username: user, realm: realm, password: "TheMatrIX", .sha256)
    #expect(message.isAuthentic(key: key, .sha256))
    #expect(!message.isAuthentic(key: key))
    #expect(message.incomprehensible.isEmpty)
  }

  @Test(arguments: [address("192.0.2.1", 32853), address("2001:db8::1", 1)])
  func readsTURNAttributesItWrites(peer: TransportAddress) throws {
    var random = SeededGenerator(seed: 3)
    var writer = STUNWriter(.indication, method: .send, transactionID: STUNTransactionID(using: &random))
    writer.append(.xorPeerAddress, xored: peer)
    writer.append(.xorRelayedAddress, xored: peer)
    writer.append(.xorRelayedAddress, xored: peer.with(port: 9))
    writer.append(.alternateServer, plain: peer)
    writer.append(.lifetime, integer: UInt32(600))
    writer.append(.channelNumber, integer: UInt32(0x4001) << 16)
    writer.append(data: ByteBuffer(string: "five!"))
    let key = Array("key".utf8)
    let message = try STUNMessage(parsing: writer.finish(key: key, integrity: .sha256))
    #expect(message.method == .send && message.messageClass == .indication)
    #expect(message.xoredAddress(of: .xorPeerAddress) == peer)
    #expect(message.relayedAddresses == [peer, peer.with(port: 9)])
    #expect(message.alternateServer == peer)
    #expect(message.lifetime == 600)
    #expect(message.channelNumber == 0x4001)
    #expect(message.text(of: .data) == "five!")
    #expect(message.isAuthentic(key: key, .sha256))
  }

  @Test(arguments: [address("192.0.2.1", 32853), address("2001:db8::1", 1)])
  func readsWhatItWrites(mapped: TransportAddress) throws {
    var random = SeededGenerator(seed: 1)
    let id = STUNTransactionID(using: &random)
    var writer = STUNWriter(.request, transactionID: id)
    writer.append(.username, text: "abcd:efghi")
    writer.append(.priority, integer: UInt32(7))
    writer.append(.useCandidate)
    writer.append(.iceControlling, integer: UInt64.max)
    writer.append(xorMappedAddress: mapped)
    writer.append(.unknownAttribute)
    writer.append(unknownAttributes: [.nonce, .init(rawValue: 0x7777)])
    let message = try STUNMessage(parsing: writer.finish(key: "secret".utf8))
    #expect(message.transactionID == id)
    #expect(message.username == "abcd:efghi")
    #expect(message.priority == 7)
    #expect(message.useCandidate)
    #expect(message.iceControlling == .max)
    #expect(message.mappedAddress == mapped)
    #expect(message.errorCode == STUNErrorCode(code: 420, reason: "Unknown Attribute"))
    #expect(message.unknownAttributes == [.nonce, .init(rawValue: 0x7777)])
    #expect(message.isAuthentic(key: "secret".utf8))
    #expect(message.hasFingerprint)
  }

  @Test func doesNotSeeWhatIntegrityDoesNotCover() throws {
    var writer = STUNWriter(.request, transactionID: id(1))
    writer.append(.username, text: "a:b")
    var bytes = writer.finish(key: "key".utf8, fingerprint: false)
    bytes.writeMultipleIntegers(STUNAttributeType.useCandidate.rawValue, UInt16(0))
    bytes.setInteger(UInt16(bytes.readableBytes - 20), at: 2)
    let message = try STUNMessage(parsing: bytes)
    #expect(message.isAuthentic(key: "key".utf8))
    #expect(!message.useCandidate)
  }

  @Test func namesWhatIsWrong() {
    func error(_ buffer: ByteBuffer) -> STUNError? {
      do {
        _ = try STUNMessage(parsing: buffer)
        return nil
      } catch {
        return error
      }
    }
    #expect(error(ByteBuffer(bytes: [0, 1, 0, 0])) == .tooShort(4))
    #expect(error(ByteBuffer(repeating: 0x80, count: 40)) == .notSTUN)
    var cut = Self.request
    cut.moveWriterIndex(to: cut.writerIndex - 4)
    #expect(error(cut) == .lengthMismatch(stated: 0x58, actual: 0x54))
    var long = Self.request
    long.setInteger(UInt16(200), at: 22)
    #expect(error(long) == .attributeTooLong(type: 0x8022))
    var bad = Self.request
    bad.setInteger(UInt8(0x21), at: 30)
    #expect(error(bad) == .badFingerprint)
    var many = STUNWriter(.request, transactionID: id(2))
    for _ in 0...STUNMessage.maximumAttributes { many.append(.useCandidate) }
    #expect(error(many.finish()) == .tooManyAttributes)
  }

  /// Mutated messages either fail with an error or can be asked for everything without a trap.
  @Test func standsMutatedMessages() {
    var random = SeededGenerator(seed: 42)
    let samples = Self.samples
    var read = 0
    for _ in 0..<20_000 {
      guard var bytes = samples.randomElement(using: &random) else { continue }
      mutate(&bytes, using: &random)
      guard let message = try? STUNMessage(parsing: bytes) else { continue }
      read += 1
      _ = (message.username, message.priority, message.mappedAddress, message.errorCode, message.unknownAttributes)
      _ = (message.incomprehensible, message.iceControlled, message.isAuthentic(key: Self.password.utf8))
      _ = (message.relayedAddresses, message.alternateServer, message.isAuthentic(key: Self.password.utf8, .sha256))
    }
    #expect(read > 100)
  }

  private func id(_ seed: UInt64) -> STUNTransactionID {
    var random = SeededGenerator(seed: seed)
    return STUNTransactionID(using: &random)
  }
}

/// Flips, overwrites, cuts or lengthens a datagram in up to four places.
func mutate(_ bytes: inout ByteBuffer, using random: inout SeededGenerator) {
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    let index = Int.random(in: 0..<max(bytes.writerIndex, 1), using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
    case 1: bytes.setInteger(UInt16.random(in: 0...65535, using: &random), at: index & ~1)
    case 2: bytes.moveWriterIndex(to: index & ~3)
    case 3: bytes.writeInteger(UInt32.random(in: 0...UInt32.max, using: &random))
    default: bytes.setInteger((bytes.getInteger(at: index, as: UInt8.self) ?? 0) ^ 1 << UInt8(index % 8), at: index)
    }
  }
  // Half of them get a header whose length is right, to come past the first check.
  if Bool.random(using: &random), bytes.writerIndex >= 20 {
    bytes.setInteger(UInt16(truncatingIfNeeded: bytes.writerIndex - 20), at: 2)
  }
}
