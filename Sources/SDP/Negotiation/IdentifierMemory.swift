/// Which payload types and header extension identifiers a session has used so far. Neither may change its meaning while
/// the session lasts (RFC 3264 §8.3.2, RFC 8285 §6), and in a bundle they share one number space.
///
/// Bounded: at most 128 payload types, 255 identifiers, and one entry for each capability of ours.
struct IdentifierMemory: Sendable {
  private var payloadTypes: [CodecName: UInt8] = [:]
  private var takenPayloadTypes: Set<UInt8> = []
  private var extensionIDs: [String: UInt8] = [:]
  private var takenExtensionIDs: Set<UInt8> = []

  private struct CodecName: Hashable {
    var kind: MediaKind
    var encoding: PayloadEncoding
    var isRetransmission: Bool
  }

  /// Remembers what a description that is in force uses. The first of two formats for one codec is the one in use.
  mutating func record(_ description: SessionDescription, capabilities: LocalCapabilities) {
    for section in description.media where section.isRTP && !description.isRejected(section) {
      takenPayloadTypes.formUnion(section.payloadFormats.map(\.payloadType))
      for codec in capabilities.codecs where codec.kind == section.kind {
        guard let match = section.match(codec) else { continue }
        payloadTypes[CodecName(kind: codec.kind, encoding: codec.encoding, isRetransmission: false)] = match.payloadType
        guard let retransmission = section.retransmission(of: match.payloadType) else { continue }
        payloadTypes[CodecName(kind: codec.kind, encoding: codec.encoding, isRetransmission: true)] =
          retransmission.payloadType
      }
      for ext in section.headerExtensions {
        guard let id = UInt8(exactly: ext.id) else { continue }
        takenExtensionIDs.insert(id)
        if capabilities.headerExtensions.contains(where: { $0.uri == ext.uri }) { extensionIDs[ext.uri] = id }
      }
    }
  }

  /// The payload type for a codec, or for its retransmissions: the one in use, else the preferred one, else the first
  /// free dynamic one (RFC 3551 §6, and 35 to 63 when those are gone). Nil when all are taken.
  mutating func payloadType(
    for codec: LocalCapabilities.Codec, retransmission: Bool, preferred: UInt8
  ) -> UInt8? {
    let name = CodecName(kind: codec.kind, encoding: codec.encoding, isRetransmission: retransmission)
    if let known = payloadTypes[name] { return known }
    let choice = ([preferred] + Array(96...127) + Array(35...63)).first { !takenPayloadTypes.contains($0) }
    guard let choice else { return nil }
    payloadTypes[name] = choice
    takenPayloadTypes.insert(choice)
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
