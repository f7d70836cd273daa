extension SessionDescription {
  /// Checks that a description can be used as an offer, by itself. `Negotiation.validate(offer:)` also compares it with
  /// what was agreed before.
  /// - Throws: `NegotiationError` naming the first thing that browsers refuse.
  public func validateAsOffer() throws(NegotiationError) {
    try validateSections()
    for (index, section) in media.enumerated() where section.isRTP && !isRejected(section) {
      // A missing role is taken for actpass, as Chromium does.
      if let setup = transport(of: section).setup, setup == .holdconn {
        throw .invalidSetup(section: section.label(index), setup)
      }
    }
  }

  /// Checks that a description can be used as the answer to an offer.
  /// - Throws: `NegotiationError` naming the first thing that browsers refuse, or that would leave media unconnected.
  public func validate(asAnswerTo offer: SessionDescription) throws(NegotiationError) {
    guard media.count == offer.media.count else {
      throw .sectionCount(expected: offer.media.count, found: media.count)
    }
    // A BUNDLE group that names a mid which is not there is said to do so, rather than to have a section without one.
    try validateBundle()
    for (index, (section, offered)) in zip(media, offer.media).enumerated() {
      try section.validatePlace(index: index, of: offered)
    }
    try validateSections()
    let accepted = media.filter { !isRejected($0) }.count
    for (index, (section, offered)) in zip(media, offer.media).enumerated() {
      let label = section.label(index)
      if isBundled(section) && !offer.isBundled(offered) { throw .bundleNotOffered(section: label) }
      guard section.isRTP, !isRejected(section) else { continue }
      if accepted > 1 && !isBundled(section) { throw .notBundled(section: label) }
      try validateSetup(of: section, label: label, offered: offer.transport(of: offered).setup)
      for format in section.payloadFormats where !offered.has(format) {
        throw .payloadTypeNotOffered(section: label, payloadType: format.payloadType)
      }
    }
  }

  /// RFC 8842 §5.3: the answerer decides, and takes the role that the offerer left. No word is taken for `active`.
  private func validateSetup(
    of section: MediaSection, label: String, offered: SetupRole?
  ) throws(NegotiationError) {
    let setup = transport(of: section).setup ?? (offered == .active ? .passive : .active)
    guard setup == .active || setup == .passive, setup != offered else { throw .invalidSetup(section: label, setup) }
  }

  /// What holds for offers and answers alike.
  private func validateSections() throws(NegotiationError) {
    try validateBundle()
    var mids: Set<String> = []
    var codecs: [UInt8: PayloadEncoding] = [:]
    var extensions: [UInt16: String] = [:]
    for (index, section) in media.enumerated() {
      let label = section.label(index)
      if section.mid == nil && !isRejected(section) { throw .missingMid(section: label) }
      if let mid = section.mid, !mids.insert(mid).inserted { throw .duplicateMid(mid) }
      guard section.isRTP, !isRejected(section) else { continue }
      guard section.rtcpMux else { throw .missingRTCPMux(section: label) }
      try transport(of: section).validate(label: label)
      try section.validatePayloadTypes(label: label)
      guard isBundled(section) else { continue }
      for format in section.payloadFormats {
        guard let encoding = format.encoding else { continue }
        let other = codecs.updateValue(encoding, forKey: format.payloadType)
        if let other, !other.matches(encoding) {
          throw .payloadTypeCollision(section: label, payloadType: format.payloadType)
        }
      }
      for ext in section.headerExtensions {
        let other = extensions.updateValue(ext.uri, forKey: ext.id)
        if let other, other != ext.uri { throw .headerExtensionCollision(section: label, id: ext.id) }
      }
    }
  }

  private func validateBundle() throws(NegotiationError) {
    guard let bundle else { return }
    let mids = Set(media.compactMap(\.mid))
    for mid in bundle.mids where !mids.contains(mid) { throw .bundleNamesAbsentMid(mid) }
  }
}

extension MediaSection {
  /// How an error names the section: its mid, or the number of its m-line.
  func label(_ index: Int) -> String { mid ?? "#\(index)" }

  /// Checks that the section may stand where `other` stood or was offered.
  func validatePlace(index: Int, of other: MediaSection) throws(NegotiationError) {
    guard kind == other.kind else { throw .sectionKind(index: index, expected: other.kind, found: kind) }
    // A rejected section may have lost all its attributes.
    guard mid == other.mid || (mid == nil && port == 0) else {
      throw .sectionMid(index: index, expected: other.mid, found: mid)
    }
  }

  fileprivate func validatePayloadTypes(label: String) throws(NegotiationError) {
    for format in payloadFormats {
      // Payload types up to 34 have a meaning of their own (RFC 3551 §6).
      if format.encoding == nil && format.payloadType > 34 {
        throw .payloadTypeWithoutCodec(section: label, payloadType: format.payloadType)
      }
      if (64..<96).contains(format.payloadType) {
        throw .payloadTypeReserved(section: label, payloadType: format.payloadType)
      }
    }
  }

  /// Whether the section lists the payload type, for the same codec.
  fileprivate func has(_ format: PayloadFormat) -> Bool {
    guard let own = payloadFormat(format.payloadType) else { return false }
    guard let encoding = format.encoding, let ownEncoding = own.encoding else { return true }
    return encoding.matches(ownEncoding)
  }
}

extension TransportAttributes {
  fileprivate func validate(label: String) throws(NegotiationError) {
    guard let iceUfrag, let icePassword else { throw .missingICECredentials(section: label) }
    guard isICEText(iceUfrag, lengths: 4...256) else { throw .invalidICEUfrag(section: label) }
    guard isICEText(icePassword, lengths: 22...256) else { throw .invalidICEPassword(section: label) }
    guard fingerprints.contains(where: \.isUsable) else { throw .missingFingerprint(section: label) }
  }
}

/// Letters, digits, `+` and `/` (RFC 8839 §5.4), and the few more that implementations are known to use. No colon: it
/// separates the two fragments in a STUN user name.
private func isICEText(_ text: String, lengths: ClosedRange<Int>) -> Bool {
  lengths.contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: "+/-_=#".utf8.contains(byte)
      }
    }
}
