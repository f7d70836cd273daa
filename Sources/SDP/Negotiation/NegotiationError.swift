/// Why an offer or an answer cannot be used although it can be read. Sections are named by their mid, or by the number
/// of their m-line ("#0") when they have none.
public enum NegotiationError: Error, Hashable, Sendable {
  /// A section has no `a=mid`.
  case missingMid(section: String)
  /// Two sections have the same mid.
  case duplicateMid(String)
  /// The BUNDLE group names a mid that no section has.
  case bundleNamesAbsentMid(String)
  /// The answer's BUNDLE group names a section that the offer's does not (RFC 9143 §7.3).
  case bundleNotOffered(section: String)
  /// The answer accepts several sections, but this one is not bundled with the others.
  case notBundled(section: String)
  /// An RTP section without `a=rtcp-mux`.
  case missingRTCPMux(section: String)
  /// No `a=ice-ufrag` or no `a=ice-pwd`.
  case missingICECredentials(section: String)
  /// `a=ice-ufrag` is not 4 to 256 characters that ICE allows (RFC 8839 §5.4).
  case invalidICEUfrag(section: String)
  /// `a=ice-pwd` is not 22 to 256 characters that ICE allows (RFC 8839 §5.4).
  case invalidICEPassword(section: String)
  /// No `a=fingerprint`, or none with a hash function in use today.
  case missingFingerprint(section: String)
  /// The DTLS role is not one that an offer or an answer may take, or both sides take the same (RFC 8842 §5).
  case invalidSetup(section: String, SetupRole)
  /// The m-line lists a payload type that no `a=rtpmap` explains.
  case payloadTypeWithoutCodec(section: String, payloadType: UInt8)
  /// A payload type that looks like RTCP when both share a port (64 to 95, RFC 5761 §4).
  case payloadTypeReserved(section: String, payloadType: UInt8)
  /// Bundled sections use one payload type for different codecs (RFC 9143 §10.1.1).
  case payloadTypeCollision(section: String, payloadType: UInt8)
  /// Bundled sections use one identifier for different header extensions.
  case headerExtensionCollision(section: String, id: UInt16)
  /// The answer uses a payload type that the offer does not have, or for another codec.
  case payloadTypeNotOffered(section: String, payloadType: UInt8)
  /// The number of m-lines is not what it has to be: that of the offer, or at least that of the last agreement.
  case sectionCount(expected: Int, found: Int)
  /// The m-line at this place changed its kind.
  case sectionKind(index: Int, expected: MediaKind, found: MediaKind)
  /// The m-line at this place changed its mid.
  case sectionMid(index: Int, expected: String?, found: String?)
}

extension NegotiationError: CustomStringConvertible {
  /// One sentence for a log or a person.
  public var description: String {
    switch self {
    case .missingMid(let section): "section \(excerpt(section)) has no a=mid"
    case .duplicateMid(let mid): "two sections have the mid \(excerpt(mid))"
    case .bundleNamesAbsentMid(let mid): "the BUNDLE group names mid \(excerpt(mid)), which no section has"
    case .bundleNotOffered(let section): "section \(excerpt(section)) is bundled in the answer but not in the offer"
    case .notBundled(let section): "section \(excerpt(section)) is accepted but not in the BUNDLE group"
    case .missingRTCPMux(let section): "section \(excerpt(section)) has no a=rtcp-mux"
    case .missingICECredentials(let section): "section \(excerpt(section)) has no a=ice-ufrag or no a=ice-pwd"
    case .invalidICEUfrag(let section): "section \(excerpt(section)): a=ice-ufrag is not 4 to 256 ICE characters"
    case .invalidICEPassword(let section): "section \(excerpt(section)): a=ice-pwd is not 22 to 256 ICE characters"
    case .missingFingerprint(let section): "section \(excerpt(section)) has no usable a=fingerprint"
    case .invalidSetup(let section, let role):
      "section \(excerpt(section)): a=setup:\(role.rawValue) is not allowed here"
    case .payloadTypeWithoutCodec(let section, let type):
      "section \(excerpt(section)): payload type \(type) has no a=rtpmap"
    case .payloadTypeReserved(let section, let type):
      "section \(excerpt(section)): payload type \(type) cannot be told from RTCP"
    case .payloadTypeCollision(let section, let type):
      "section \(excerpt(section)): payload type \(type) is another codec in another bundled section"
    case .headerExtensionCollision(let section, let id):
      "section \(excerpt(section)): header extension \(id) is another one in another bundled section"
    case .payloadTypeNotOffered(let section, let type):
      "section \(excerpt(section)): payload type \(type) of the answer is not of the offer"
    case .sectionCount(let expected, let found): "\(expected) m-lines expected, \(found) found"
    case .sectionKind(let index, let expected, let found):
      "m-line \(index) is \(excerpt(found.description)) instead of \(excerpt(expected.description))"
    case .sectionMid(let index, let expected, let found):
      "m-line \(index) has the mid \(excerpt(found ?? "(none)")) instead of \(excerpt(expected ?? "(none)"))"
    }
  }
}
