/// A session description (RFC 8866) as WebRTC uses it (RFC 9429): one session, a list of media sections.
///
/// Values that the session level may give for every section (ICE credentials, fingerprints, setup, direction, header
/// extensions, connection) live in the sections only: the parser hands them down, so that no reader has to look in two
/// places and the printer repeats them in every section, which is what all browsers take.
public struct SessionDescription: Hashable, Sendable {
  /// Who made the description, and which version of it this is (`o=`).
  public var origin: Origin
  /// The session's name (`s=`); WebRTC writes "-".
  public var name: String
  /// `a=group` lines (RFC 5888), in order.
  public var groups: [MediaGroup]
  /// `a=ice-lite` (RFC 8839 §5.3): the sender only answers connectivity checks.
  public var isICELite: Bool
  /// The value of `a=msid-semantic`, or nil. It carries no meaning any more, but old endpoints look for it.
  public var msidSemantic: String?
  /// `b=` lines of the session level.
  public var bandwidths: [Bandwidth]
  /// Session attributes that this type has no word for, in order; printed again.
  public var otherAttributes: [Attribute]
  /// The media sections in the order of their m-lines.
  public var media: [MediaSection]

  /// A description with the given origin and, at first, nothing in it.
  public init(
    origin: Origin, name: String = "-", groups: [MediaGroup] = [], isICELite: Bool = false,
    msidSemantic: String? = nil, bandwidths: [Bandwidth] = [], otherAttributes: [Attribute] = [],
    media: [MediaSection] = []
  ) {
    self.origin = origin
    self.name = name
    self.groups = groups
    self.isICELite = isICELite
    self.msidSemantic = msidSemantic
    self.bandwidths = bandwidths
    self.otherAttributes = otherAttributes
    self.media = media
  }

  /// Reads a description from the text of an offer or answer. Total for every input; see `SDPParser`.
  /// - Throws: `SDPError` naming the line and what is wrong with it.
  public init(parsing text: String, limits: SDPLimits = .standard) throws(SDPError) {
    self = try SDPParser.parse(text, limits: limits)
  }
}

extension SessionDescription {
  /// The first BUNDLE group (RFC 9143), or nil. Others are not used: one transport carries a whole call.
  public var bundle: MediaGroup? { groups.first { $0.semantics == "BUNDLE" } }

  /// The section with this `mid`, or nil.
  public func section(mid: String) -> MediaSection? { media.first { $0.mid == mid } }

  /// Whether the section says that its media is not wanted: port 0 (RFC 3264 §6), unless it is `bundle-only` and in the
  /// BUNDLE group (RFC 9143 §6), where port 0 merely means that it has no transport of its own.
  public func isRejected(_ section: MediaSection) -> Bool {
    section.port == 0 && !(section.isBundleOnly && isBundled(section))
  }

  /// Whether the BUNDLE group names this section.
  public func isBundled(_ section: MediaSection) -> Bool {
    guard let mid = section.mid, let bundle else { return false }
    return bundle.mids.contains(mid)
  }

  /// The section whose transport the whole BUNDLE group uses (the "tagged" section, RFC 9143 §7.2): the first one of the
  /// group that is not rejected; with no group, the first section not rejected.
  public var taggedSection: MediaSection? {
    guard let bundle else { return media.first { !isRejected($0) } }
    return bundle.mids.lazy.compactMap { section(mid: $0) }.first { !isRejected($0) }
  }

  /// The transport attributes that hold for a section: its own, and where it has none and is bundled, those of the
  /// tagged section (RFC 9143 §7.1.2 lets a bundled section leave them out).
  public func transport(of section: MediaSection) -> TransportAttributes {
    var transport = section.transport
    if isBundled(section), let tagged = taggedSection { transport.inherit(from: tagged.transport) }
    return transport
  }
}

/// The origin line (RFC 8866 §5.2): `o=<username> <id> <version> IN IP4 <address>`.
public struct Origin: Hashable, Sendable {
  /// The user name; "-" when there is none.
  public var username: String
  /// The same for all descriptions of one endpoint in one session.
  public var sessionID: UInt64
  /// Grows with every new description of the endpoint (RFC 3264 §8).
  public var version: UInt64
  /// Network type, address type and address, as printed.
  public var address: String

  /// An origin; the address says nothing about the network, as RFC 9429 §5.2.1 asks.
  public init(username: String = "-", sessionID: UInt64, version: UInt64, address: String = "IN IP4 127.0.0.1") {
    self.username = username
    self.sessionID = sessionID
    self.version = version
    self.address = address
  }
}

/// A group of media sections (RFC 5888): `a=group:<semantics> <mid>...`.
public struct MediaGroup: Hashable, Sendable {
  /// "BUNDLE", "LS", ...
  public var semantics: String
  /// The members' mids, in order.
  public var mids: [String]

  /// A group of sections.
  public init(semantics: String, mids: [String]) {
    self.semantics = semantics
    self.mids = mids
  }
}
