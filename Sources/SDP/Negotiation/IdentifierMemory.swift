/// Which payload types and header extension identifiers a session has used so far. Neither may change its meaning while
/// the session lasts (RFC 3264 §8.3.2, RFC 8285 §6), and in a bundle they share one number space.
///
/// Bounded: at most 128 payload types and their retransmissions, 255 identifiers, and one entry for each capability of
/// ours.
struct IdentifierMemory: Sendable {
  private var payloadTypes: [CodecName: UInt8] = [:]
  /// The payload type of the retransmissions of each payload type.
  private var retransmissions: [UInt8: UInt8] = [:]
  private var takenPayloadTypes: Set<UInt8> = []
  private var extensionIDs: [String: UInt8] = [:]
  private var takenExtensionIDs: Set<UInt8> = []

  private struct CodecName: Hashable {
    var kind: MediaKind
    var encoding: PayloadEncoding

    init(_ codec: LocalCapabilities.Codec) {
      kind = codec.kind
      encoding = codec.encoding
    }
  }

  /// Remembers what a description that is in force uses. Of two formats for one codec, the first is the one in use.
  mutating func record(_ description: SessionDescription, capabilities: LocalCapabilities) {
    for section in description.media where section.isRTP && !description.isRejected(section) {
      takenPayloadTypes.formUnion(section.payloadFormats.map(\.payloadType))
      for codec in capabilities.codecs where codec.kind == section.kind {
        guard let match = section.match(codec) else { continue }
        payloadTypes[CodecName(codec)] = match.payloadType
        let retransmission = section.retransmission(of: match.payloadType)
        if let retransmission { retransmissions[match.payloadType] = retransmission.payloadType }
      }
      for ext in section.headerExtensions {
        guard let id = UInt8(exactly: ext.id) else { continue }
        takenExtensionIDs.insert(id)
        if capabilities.headerExtensions.contains(where: { $0.uri == ext.uri }) { extensionIDs[ext.uri] = id }
      }
    }
  }

  /// The payload type for a codec: the one in use, else a new one; nil when all are taken.
  mutating func payloadType(for codec: LocalCapabilities.Codec) -> UInt8? {
    if let known = payloadTypes[CodecName(codec)] { return known }
    let choice = takePayloadType(preferred: codec.payloadType)
    payloadTypes[CodecName(codec)] = choice
    return choice
  }

  /// The payload type for the retransmissions of another: the one in use, else a new one; nil when all are taken.
  mutating func retransmissionPayloadType(of original: UInt8, preferred: UInt8) -> UInt8? {
    if let known = retransmissions[original] { return known }
    let choice = takePayloadType(preferred: preferred)
    retransmissions[original] = choice
    return choice
  }

  /// The preferred payload type, else the first free dynamic one (RFC 3551 §6, and 35 to 63 when those are gone).
  private mutating func takePayloadType(preferred: UInt8) -> UInt8? {
    let choice = ([preferred] + Array(96...127) + Array(35...63)).first { !takenPayloadTypes.contains($0) }
    if let choice { takenPayloadTypes.insert(choice) }
    return choice
  }

  /// The identifier for a header extension: the one in use, else the preferred one, else the first free one that fits
  /// one-byte headers. Nil when all are taken.
  mutating func extensionID(for ext: LocalCapabilities.Extension) -> UInt8? {
    if let known = extensionIDs[ext.uri] { return known }
    guard let choice = ([ext.id] + Array(1...14)).first(where: { !takenExtensionIDs.contains($0) }) else { return nil }
    extensionIDs[ext.uri] = choice
    takenExtensionIDs.insert(choice)
    return choice
  }
}

extension MediaSection {
  /// The first format of the section that is this codec.
  func match(_ codec: LocalCapabilities.Codec) -> PayloadFormat? {
    payloadFormats.first { $0.encoding.map(codec.encoding.matches) ?? false }
  }
}
