// What offers and answers build their sections from.

extension MediaSection {
  /// Adds one of our codecs under a payload type.
  mutating func append(_ codec: LocalCapabilities.Codec, payloadType: UInt8, feedback: [RTCPFeedback]) {
    payloadFormats.append(
      PayloadFormat(
        payloadType: payloadType, encoding: codec.encoding, parameters: codec.parameters, feedback: feedback))
  }

  /// Adds the retransmission format of a codec (RFC 4588 §8.1).
  mutating func append(retransmissionOf original: UInt8, _ codec: LocalCapabilities.Codec, payloadType: UInt8) {
    payloadFormats.append(
      PayloadFormat(
        payloadType: payloadType, encoding: PayloadEncoding(name: "rtx", clockRate: codec.encoding.clockRate),
        parameters: FormatParameters("apt=\(original)")))
  }

  /// Announces the stream and the sources of a transceiver that is going to send here.
  mutating func announce(_ transceiver: LocalTransceiver) {
    guard direction.sends else { return }
    if let msid = transceiver.msid { msids = [msid] }
    guard let announced = transceiver.sources else { return }
    sources = [SourceAttribute(ssrc: announced.ssrc, name: "cname", value: announced.cname)]
    guard let retransmission = announced.retransmissionSSRC, payloadFormats.contains(where: \.isRetransmission) else {
      return
    }
    sources.append(SourceAttribute(ssrc: retransmission, name: "cname", value: announced.cname))
    sourceGroups = [SourceGroup(semantics: "FID", ssrcs: [announced.ssrc, retransmission])]
  }

  /// The section at port 0 (RFC 3264 §6): same m-line, same mid, one format since the grammar wants one.
  func rejected() -> MediaSection {
    var section = MediaSection(kind: kind, port: 0, transportProtocol: transportProtocol, mid: mid)
    section.direction = .inactive
    section.applicationFormats = applicationFormats
    let format = payloadFormats.first { $0.encoding != nil } ?? payloadFormats.first
    section.payloadFormats = format.map { [PayloadFormat(payloadType: $0.payloadType, encoding: $0.encoding)] } ?? []
    return section
  }
}

extension SessionDescription {
  /// Puts all sections that are not rejected, and that `group` names when given, into one BUNDLE group, in the group's
  /// order. An empty group is left out.
  mutating func bundleAcceptedSections(of group: MediaGroup? = nil) {
    let accepted = media.filter { !isRejected($0) }.compactMap(\.mid)
    let mids = group.map { $0.mids.filter(accepted.contains) } ?? accepted
    if !mids.isEmpty { groups = [MediaGroup(semantics: "BUNDLE", mids: mids)] }
  }
}
