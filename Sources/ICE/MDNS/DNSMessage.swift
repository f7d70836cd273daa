internal import NIOCore

/// As much of a DNS message (RFC 1035 section 4) as multicast DNS needs to find addresses of names (RFC 6762): questions, and
/// answers that are addresses.
struct DNSMessage: Hashable {
  /// What a record says (RFC 1035 section 3.2.2, RFC 3596).
  enum RecordType {
    static let a: UInt16 = 1
    static let aaaa: UInt16 = 28
    static let any: UInt16 = 255
  }

  struct Question: Hashable {
    var name: String
    /// One of ``RecordType`` or any other.
    var type: UInt16
    /// The QU bit (RFC 6762 section 5.4): the answer may come to the asker alone.
    var wantsUnicast = false
  }

  struct AddressRecord: Hashable {
    var name: String
    /// With port 0.
    var address: TransportAddress
    /// Seconds.
    var timeToLive: UInt32
  }

  /// Bounds of what is read and written.
  enum Limit {
    /// 255 bytes on the wire (RFC 1035 section 2.3.4).
    static let name = 253
    static let label = 63
    static let records = 64
  }

  /// 0 in multicast DNS, but for queries of resolvers that know only plain DNS.
  var id: UInt16 = 0
  var isResponse = false
  var questions: [Question] = []
  /// The addresses in all sections; records of other types are left out.
  var addresses: [AddressRecord] = []

  // MARK: Reading

  /// Reads a message.
  /// - Returns: nil if it is no DNS message, or one that is cut short or has a bad name.
  init?(parsing datagram: ByteBuffer) {
    var reader = Reader(datagram)
    guard let id = reader.integer(), let flags = reader.integer(), let questionCount = reader.integer(),
      let answers = reader.integer(), let authorities = reader.integer(), let additionals = reader.integer()
    else { return nil }
    self.id = id
    isResponse = flags & 0x8000 != 0
    // Opcode and response code have to be zero (RFC 6762 sections 18.3 and 18.11).
    guard flags & 0x780F == 0 else { return nil }
    for _ in 0..<min(Int(questionCount), Limit.records) {
      guard let name = reader.name(), let type = reader.integer(), let recordClass = reader.integer() else {
        return nil
      }
      questions.append(Question(name: name, type: type, wantsUnicast: recordClass & 0x8000 != 0))
    }
    guard questionCount <= Limit.records else { return }
    let recordCount = Int(answers) + Int(authorities) + Int(additionals)
    for _ in 0..<min(recordCount, Limit.records) {
      guard let record = reader.record() else { return nil }
      if let address = record { addresses.append(address) }
    }
  }

  /// Reads names, which may point back to where a part of them was written before (RFC 1035 section 4.1.4).
  private struct Reader {
    private let message: ByteBuffer
    private var position: Int

    init(_ datagram: ByteBuffer) {
      message = datagram
      position = datagram.readerIndex
    }

    mutating func integer() -> UInt16? {
      defer { position += 2 }
      return message.getInteger(at: position)
    }

    /// - Returns: nil if it is cut short; otherwise the address in it, if it is an address.
    mutating func record() -> AddressRecord?? {
      guard let name = name(), let type = integer(), let recordClass = integer(),
        let (timeToLive, length) = message.getMultipleIntegers(at: position, as: (UInt32, UInt16).self),
        let data = message.getSlice(at: position + 6, length: Int(length))
      else { return nil }
      position += 6 + Int(length)
      let isInternet = recordClass & 0x7FFF == 1
      let isAddress =
        type == RecordType.a && data.readableBytes == 4 || type == RecordType.aaaa && data.readableBytes == 16
      guard isInternet, isAddress, let address = TransportAddress(packed: data) else { return .some(nil) }
      return AddressRecord(name: name, address: address, timeToLive: timeToLive)
    }

    /// In lower case, without the dot at the end.
    mutating func name() -> String? {
      var text: [UInt8] = []
      var at = position
      var end: Int?
      while let length: UInt8 = message.getInteger(at: at) {
        if length == 0 {
          position = end ?? at + 1
          return String(decoding: text, as: UTF8.self).lowercased()
        }
        if length & 0xC0 == 0xC0 {
          // Only ever backwards, so that it comes to an end.
          guard let pointer: UInt16 = message.getInteger(at: at) else { return nil }
          let target = message.readerIndex + Int(pointer & 0x3FFF)
          guard target < at else { return nil }
          if end == nil { end = at + 2 }
          at = target
        } else {
          guard length <= Limit.label, let label = message.getBytes(at: at + 1, length: Int(length)),
            text.count + 1 + label.count <= Limit.name
          else { return nil }
          if !text.isEmpty { text.append(UInt8(ascii: ".")) }
          text += label
          at += 1 + Int(length)
        }
      }
      return nil
    }
  }

  // MARK: Writing

  init(questions: [Question]) {
    self.questions = questions
  }

  init(response addresses: [AddressRecord], id: UInt16 = 0, to questions: [Question] = []) {
    self.id = id
    isResponse = true
    self.questions = questions
    self.addresses = addresses
  }

  /// The message as bytes. Names are written out, and have to be valid: see ``isName(_:)``.
  /// - Parameter flushesCache: says that these are all addresses of the names there are (RFC 6762 section 10.2).
  func serialized(flushesCache: Bool) -> ByteBuffer {
    var bytes = ByteBuffer()
    let authoritative: UInt16 = 0x8400
    bytes.writeMultipleIntegers(id, isResponse ? authoritative : 0)
    bytes.writeMultipleIntegers(UInt16(questions.count), UInt16(addresses.count), UInt16(0), UInt16(0))
    for question in questions {
      Self.write(question.name, to: &bytes)
      bytes.writeMultipleIntegers(question.type, question.wantsUnicast ? 0x8001 : UInt16(1))
    }
    for record in addresses {
      Self.write(record.name, to: &bytes)
      let isV4 = record.address.family == .v4
      bytes.writeMultipleIntegers(
        isV4 ? RecordType.a : RecordType.aaaa, flushesCache ? 0x8001 : UInt16(1), record.timeToLive)
      bytes.writeInteger(UInt16(isV4 ? 4 : 16))
      record.address.writeIP(to: &bytes)
    }
    return bytes
  }

  private static func write(_ name: String, to bytes: inout ByteBuffer) {
    for label in name.utf8.split(separator: UInt8(ascii: ".")) {
      bytes.writeInteger(UInt8(truncatingIfNeeded: label.count))
      bytes.writeBytes(label)
    }
    bytes.writeInteger(UInt8(0))
  }

  /// Whether it is a name of one host on the link: `something.local`, of letters, digits and hyphens.
  static func isName(_ name: String) -> Bool {
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count == 2 && (1...Limit.label).contains(labels[0].count) && name.lowercased().hasSuffix(".local")
      && labels[0].allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-")
      }
  }
}

extension TransportAddress {
  /// Writes the IP address: 4 or 16 bytes in network order.
  func writeIP(to bytes: inout ByteBuffer) {
    switch family {
    case .v4: bytes.writeInteger(UInt32(truncatingIfNeeded: low))
    case .v6: bytes.writeMultipleIntegers(high, low)
    }
  }
}
