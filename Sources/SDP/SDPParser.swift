/// The most of everything that a description may hold. A browser's offer of a call has 12 kB, 2 to 4 sections and some
/// 130 lines in the largest.
public struct SDPLimits: Hashable, Sendable {
  /// Bytes of the whole text.
  public var bytes: Int
  /// Bytes of one line.
  public var lineBytes: Int
  /// Lines of the session level, and of each section.
  public var linesPerSection: Int
  /// Media sections.
  public var sections: Int

  /// Limits; each at least 1.
  public init(bytes: Int, lineBytes: Int, linesPerSection: Int, sections: Int) {
    self.bytes = bytes
    self.lineBytes = lineBytes
    self.linesPerSection = linesPerSection
    self.sections = sections
  }

  /// 256 KiB, 4 KiB a line, 1000 lines a section, 64 sections.
  public static let standard = SDPLimits(bytes: 256 << 10, lineBytes: 4 << 10, linesPerSection: 1000, sections: 64)
}

/// Reads session descriptions (RFC 8866 §9).
///
/// Total: every text gives a description or an `SDPError`. Tolerant where browsers are: lines may end in LF alone, the
/// last may have no end, attributes come in any order, unknown attributes are kept. What the session level says for all
/// sections is handed down to those that do not say it themselves. Whether the result makes sense as an offer or answer
/// is for `Negotiation.validate(offer:)` and `SessionDescription.validate(asAnswerTo:)`.
public enum SDPParser {
  /// Reads a description.
  /// - Throws: `SDPError` with the first line that is wrong.
  public static func parse(_ text: String, limits: SDPLimits = .standard) throws(SDPError) -> SessionDescription {
    guard text.utf8.count <= limits.bytes else { throw SDPError(line: nil, problem: .tooLarge(limit: limits.bytes)) }
    var reader = DescriptionReader(limits: limits)
    var number = 0
    for bytes in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      do {
        try reader.read(line: bytes)
      } catch {
        throw SDPError(line: number, problem: error)
      }
    }
    do {
      return try reader.finish()
    } catch {
      throw SDPError(line: nil, problem: error)
    }
  }
}

/// The description as read so far.
private struct DescriptionReader {
  let limits: SDPLimits
  private var version = false
  private var origin: Origin?
  private var name: String?
  private var timing = false
  private var linesInSection = 0
  private var session = SessionDescription(origin: Origin(sessionID: 0, version: 0))
  /// What the session level says for all sections.
  private var defaults = MediaSection(kind: .application)
  private var defaultDirection: MediaDirection?
  private var sectionHasDirection = false

  init(limits: SDPLimits) {
    self.limits = limits
  }

  mutating func read(line bytes: Substring.UTF8View) throws(SDPError.Problem) {
    guard bytes.count <= limits.lineBytes else { throw .lineTooLong(limit: limits.lineBytes) }
    let bytes = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
    if bytes.isEmpty { return }
    guard !bytes.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else { throw .controlCharacter }
    let line = Substring(bytes)
    linesInSection += 1
    guard linesInSection <= limits.linesPerSection else { throw .tooManyLines(limit: limits.linesPerSection) }
    guard version else {
      guard line == "v=0" else { throw .notVersion0(String(line)) }
      version = true
      return
    }
    let type = bytes[bytes.startIndex]
    guard bytes.dropFirst().first == UInt8(ascii: "="), (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(type) else {
      throw .notALine(String(line))
    }
    try read(type: type, value: Substring(bytes.dropFirst(2)))
  }

  private mutating func read(type: UInt8, value: Substring) throws(SDPError.Problem) {
    switch type {
    case UInt8(ascii: "m"): try startSection(value)
    case UInt8(ascii: "a"): try readAttribute(value)
    case UInt8(ascii: "c"):
      if session.media.isEmpty {
        defaults.connection = String(value)
      } else {
        withSection { $0.connection = String(value) }
      }
    case UInt8(ascii: "b"):
      let bandwidth = try Bandwidth(parsing: value)
      if session.media.isEmpty {
        session.bandwidths.append(bandwidth)
      } else {
        withSection { $0.bandwidths.append(bandwidth) }
      }
    case UInt8(ascii: "o"): origin = try Origin(parsing: value)
    case UInt8(ascii: "s"): name = String(value)
    case UInt8(ascii: "t"): timing = true
    default: break  // RFC 8866 has others (i, u, e, p, r, z, k) that mean nothing to a call.
    }
  }

  private mutating func startSection(_ value: Substring) throws(SDPError.Problem) {
    finishSection()
    guard session.media.count < limits.sections else { throw .tooManySections(limit: limits.sections) }
    var section = try MediaSection(parsing: value)
    section.connection = defaults.connection
    session.media.append(section)
    linesInSection = 0
  }

  private mutating func readAttribute(_ line: Substring) throws(SDPError.Problem) {
    let parts = split(line, at: ":", maxSplits: 1)
    guard !parts[0].isEmpty else { throw .malformed("a=", value: String(line)) }
    let attribute = Attribute(name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil)
    let direction = MediaDirection(rawValue: attribute.name)
    if session.media.isEmpty {
      if let direction { defaultDirection = direction } else { try readSessionAttribute(attribute) }
    } else if let direction {
      sectionHasDirection = true
      withSection { $0.direction = direction }
    } else {
      let last = session.media.count - 1
      if try !session.media[last].apply(attribute) { withSection { $0.otherAttributes.append(attribute) } }
    }
  }

  private mutating func readSessionAttribute(_ attribute: Attribute) throws(SDPError.Problem) {
    switch attribute.name {
    case "group": session.groups.append(try MediaGroup(parsing: attribute.value ?? ""))
    case "ice-lite": session.isICELite = true
    case "msid-semantic": session.msidSemantic = String(trimmed(Substring(attribute.value ?? "")))
    case "extmap", "extmap-allow-mixed": _ = try defaults.apply(attribute)
    default:
      if try !defaults.transport.apply(attribute) { session.otherAttributes.append(attribute) }
    }
  }

  /// Hands the session's word down to the section that ends here.
  private mutating func finishSection() {
    let defaults = defaults
    let direction = sectionHasDirection ? nil : defaultDirection
    sectionHasDirection = false
    withSection { section in
      if let direction { section.direction = direction }
      section.transport.inherit(from: defaults.transport)
      section.extmapAllowMixed = section.extmapAllowMixed || defaults.extmapAllowMixed
      let own = section.headerExtensions
      section.headerExtensions += defaults.headerExtensions.filter { inherited in
        !own.contains { $0.uri == inherited.uri || $0.id == inherited.id }
      }
    }
  }

  /// Changes the section being read, if any.
  private mutating func withSection(_ change: (inout MediaSection) -> Void) {
    guard let last = session.media.indices.last else { return }
    change(&session.media[last])
  }

  mutating func finish() throws(SDPError.Problem) -> SessionDescription {
    finishSection()
    guard version else { throw .missing("v=") }
    guard let origin else { throw .missing("o=") }
    guard let name else { throw .missing("s=") }
    guard timing else { throw .missing("t=") }
    session.origin = origin
    session.name = name
    return session
  }
}
