/// Why a candidate-attribute could not be read.
public enum CandidateError: Error, Hashable, CustomStringConvertible {
  case tooLong(Int)
  case missing(String)
  case malformed(String, value: String)

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .tooLong(let length): "candidate of \(length) bytes: at most \(Candidate.maximumLength) are taken"
    case .missing(let field): "candidate without \(field)"
    case .malformed(let field, let value): "candidate with a bad \(field): \(value.debugDescription)"
    }
  }
}

extension Candidate {
  /// Longest attribute that is read, in bytes.
  public static let maximumLength = 1024

  /// Reads a candidate-attribute (RFC 8839 section 5.1) as a peer sends it: with or without `a=` and `candidate:`.
  /// Extensions that are not known are passed over.
  /// - Returns: nil for what ends the candidates of a generation: the empty string or `end-of-candidates` (RFC 8838).
  /// - Throws: ``CandidateError`` naming the field that is missing or wrong.
  public static func parse(_ text: some StringProtocol) throws(CandidateError) -> Candidate? {
    guard text.utf8.count <= maximumLength else { throw .tooLong(text.utf8.count) }
    var rest = Substring(text)
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    if rest.hasPrefix("a=") { rest.removeFirst(2) }
    if rest.isEmpty || rest == "end-of-candidates" { return nil }
    if rest.hasPrefix("candidate:") { rest.removeFirst("candidate:".count) }
    var reader = FieldReader(rest.split(separator: " "))
    return try Candidate(&reader)
  }

  private init(_ reader: inout FieldReader) throws(CandidateError) {
    let foundation = try reader.next("foundation")
    guard foundation.utf8.count <= 32, foundation.utf8.allSatisfy(\.isICECharacter) else {
      throw .malformed("foundation", value: String(foundation.prefix(64)))
    }
    let component = try reader.number("component", in: 1...256)
    let transportName = try reader.next("transport").lowercased()
    let priority = try reader.number("priority", in: 0...Int(UInt32.max))
    let host = String(try reader.next("connection address"))
    let port = UInt16(try reader.number("port", in: 0...65535))
    guard try reader.next("typ") == "typ" else { throw .missing("typ") }
    let typeName = try reader.next("type")
    guard let type = CandidateType(rawValue: String(typeName)) else {
      throw .malformed("type", value: String(typeName.prefix(64)))
    }
    let address: Address
    if let ip = TransportAddress(host, port: port) {
      address = .ip(ip)
    } else {
      guard host.utf8.count <= 255, host.utf8.allSatisfy(\.isHostNameCharacter), host.contains(".") else {
        throw .malformed("connection address", value: String(host.prefix(64)))
      }
      address = .name(host, port: port)
    }

    let extensions = reader.extensions()
    let transport: Transport
    switch transportName {
    case "udp": transport = .udp
    case "tcp": transport = .tcp(type: extensions["tcptype"] ?? "")
    default: throw .malformed("transport", value: String(transportName.prefix(64)))
    }
    self.init(
      foundation: String(foundation), component: component, transport: transport, priority: UInt32(priority),
      address: address, type: type,
      relatedAddress: extensions["raddr"].flatMap { ip in
        TransportAddress(ip, port: extensions["rport"].flatMap { UInt16($0) } ?? 0)
      },
      usernameFragment: extensions["ufrag"])
  }

  /// The attribute without `a=`, as SDP and `RTCIceCandidate.candidate` have it: `candidate:1 1 udp ...`.
  public var attribute: String {
    let (host, port) =
      switch address {
      case .ip(let address): (address.ip, address.port)
      case .name(let name, let port): (name, port)
      }
    var transportName = "udp"
    if case .tcp = transport { transportName = "tcp" }
    var text = "candidate:\(foundation) \(component) \(transportName) \(priority) \(host) \(port) typ \(type.rawValue)"
    if let relatedAddress { text += " raddr \(relatedAddress.ip) rport \(relatedAddress.port)" }
    if case .tcp(let tcpType) = transport, !tcpType.isEmpty { text += " tcptype \(tcpType)" }
    if let usernameFragment { text += " ufrag \(usernameFragment)" }
    return text
  }
}

/// The blank-separated fields of a candidate-attribute.
private struct FieldReader {
  private var fields: ArraySlice<Substring>

  init(_ fields: [Substring]) {
    self.fields = fields[...]
  }

  mutating func next(_ name: String) throws(CandidateError) -> Substring {
    guard let field = fields.popFirst() else { throw .missing(name) }
    return field
  }

  mutating func number(_ name: String, in range: ClosedRange<Int>) throws(CandidateError) -> Int {
    let field = try next(name)
    guard field.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(field), range.contains(number) else {
      throw .malformed(name, value: String(field.prefix(64)))
    }
    return number
  }

  /// What follows: names and values in turn. The first of a name counts; a name without a value is left out, and so is a
  /// value that none of those we know can have: they are addresses, numbers, words and ice-chars.
  mutating func extensions() -> [String: String] {
    var found: [String: String] = [:]
    while let name = fields.popFirst(), let value = fields.popFirst() {
      guard value.utf8.allSatisfy({ $0.isICECharacter || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }) else {
        continue
      }
      if found[String(name)] == nil { found[String(name)] = String(value) }
    }
    return found
  }
}

extension UInt8 {
  /// ice-char of RFC 8839 section 5.1: ALPHA / DIGIT / "+" / "/".
  var isICECharacter: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
    default: false
    }
  }

  fileprivate var isHostNameCharacter: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
    default: false
    }
  }
}
