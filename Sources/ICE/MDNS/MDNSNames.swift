internal import NIOCore

/// The names that stand for our own addresses, and how questions for them are answered (RFC 6762 section 6). They are random
/// and so are neither probed for nor announced (draft-ietf-mmusic-mdns-ice-candidates section 3.1.1).
struct MDNSNames {
  /// RFC 6762 section 10: for records of host addresses.
  private static let timeToLive: UInt32 = 120
  /// For resolvers that know only plain DNS (RFC 6762 section 6.7).
  private static let legacyTimeToLive: UInt32 = 10
  /// The least time between two multicast answers with the same record (RFC 6762 section 6).
  private static let repetition = TimeAmount.seconds(1)
  private static let port: UInt16 = 5353

  /// An answer, and whether all on the link get it or only who has asked.
  struct Answer: Hashable {
    var message: ByteBuffer
    var isMulticast: Bool
  }

  private struct Entry {
    let address: TransportAddress
    /// When it was last told to all, by interface.
    var told: [Int32: NIODeadline] = [:]
  }

  private var entries: [String: Entry] = [:]

  var isEmpty: Bool { entries.isEmpty }

  /// The name of an IP address of ours: always the same while it is known.
  mutating func name(of address: TransportAddress, using random: inout some RandomNumberGenerator) -> String {
    if let known = entries.first(where: { $0.value.address.hasSameIP(as: address) }) { return known.key }
    let name = Self.newName(using: &random)
    entries[name] = Entry(address: address.with(port: 0))
    return name
  }

  /// Forgets an address that is ours no more.
  mutating func remove(_ address: TransportAddress) {
    entries = entries.filter { !$0.value.address.hasSameIP(as: address) }
  }

  /// A random UUID (RFC 9562 section 5.4) in `.local`.
  private static func newName(using random: inout some RandomNumberGenerator) -> String {
    let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
    let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    func hex(_ value: UInt64, _ digits: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: digits - text.count) + text
    }
    return [
      hex(high >> 32, 8), hex(high >> 16 & 0xFFFF, 4), hex(high & 0xFFFF, 4), hex(low >> 48, 4),
      hex(low & 0xFFFF_FFFF_FFFF, 12),
    ].joined(separator: "-") + ".local"
  }

  /// Answers a question.
  /// - Parameters:
  ///   - remote: who asks.
  ///   - interface: where the question came in.
  mutating func answer(
    _ message: DNSMessage, from remote: TransportAddress, interface: Int32, now: NIODeadline
  ) -> Answer? {
    guard !message.isResponse else { return nil }
    let asked = message.questions.filter { question in
      entries[question.name].map { $0.address.isAsked(question.type) } ?? false
    }
    let isLegacy = remote.port != Self.port
    let isMulticast = !isLegacy && asked.contains { !$0.wantsUnicast }
    let names = Set(asked.map(\.name)).filter { !isMulticast || mayTell($0, interface, now) }
    guard !names.isEmpty else { return nil }
    let records = names.sorted().compactMap { name in
      entries[name].map {
        DNSMessage.AddressRecord(
          name: name, address: $0.address, timeToLive: isLegacy ? Self.legacyTimeToLive : Self.timeToLive)
      }
    }
    if isMulticast { for name in names { entries[name]?.told[interface] = now } }
    let response =
      isLegacy
      ? DNSMessage(response: records, id: message.id, to: asked) : DNSMessage(response: records)
    return Answer(message: response.serialized(flushesCache: !isLegacy), isMulticast: isMulticast)
  }

  private func mayTell(_ name: String, _ interface: Int32, _ now: NIODeadline) -> Bool {
    entries[name]?.told[interface].map { now - $0 >= Self.repetition } ?? true
  }
}

extension TransportAddress {
  fileprivate func isAsked(_ type: UInt16) -> Bool {
    type == DNSMessage.RecordType.any
      || type == (family == .v4 ? DNSMessage.RecordType.a : DNSMessage.RecordType.aaaa)
  }
}
