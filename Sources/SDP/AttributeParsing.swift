// How the value of each line and attribute is read. All of these throw `.malformed` with the name of what they read.

extension Origin {
  init(parsing value: Substring) throws(SDPError.Problem) {
    let fields = words(value)
    guard fields.count == 6, let sessionID = decimal(fields[1], as: UInt64.self),
      let version = decimal(fields[2], as: UInt64.self)
    else { throw .malformed("o=", value: String(value)) }
    self.init(
      username: String(fields[0]), sessionID: sessionID, version: version,
      address: fields[3...].joined(separator: " "))
  }
}

extension Bandwidth {
  init(parsing value: Substring) throws(SDPError.Problem) {
    let parts = split(value, at: ":")
    guard parts.count == 2, !parts[0].isEmpty, let number = decimal(parts[1], as: UInt64.self) else {
      throw .malformed("b=", value: String(value))
    }
    self.init(type: String(parts[0]), value: number)
  }
}

extension MediaGroup {
  init(parsing value: String) throws(SDPError.Problem) {
    let fields = words(Substring(value))
    guard let semantics = fields.first else { throw .malformed("a=group", value: value) }
    self.init(semantics: String(semantics), mids: fields.dropFirst().map(String.init))
  }
}

extension MediaSection {
  /// The value of an m-line: `<kind> <port>[/<count>] <protocol> <format>...`.
  init(parsing value: Substring) throws(SDPError.Problem) {
    let malformed = SDPError.Problem.malformed("m=", value: String(value))
    let fields = words(value)
    guard fields.count >= 4, let first = split(fields[1], at: "/").first,
      let port = decimal(first, as: UInt16.self)
    else { throw malformed }
    self.init(kind: MediaKind(String(fields[0])), port: port, transportProtocol: String(fields[2]))
    guard isRTP else {
      applicationFormats = fields[3...].map(String.init)
      return
    }
    for field in fields[3...] {
      guard let payloadType = payloadType(field) else { throw malformed }
      if payloadFormat(payloadType) == nil { payloadFormats.append(PayloadFormat(payloadType: payloadType)) }
    }
  }

  /// Takes in an attribute other than the direction; false when it is none that this type has a word for.
  mutating func apply(_ attribute: Attribute) throws(SDPError.Problem) -> Bool {
    if try transport.apply(attribute) { return true }
    if try applyFormat(attribute) { return true }
    if applyFlag(attribute) { return true }
    let value = attribute.value ?? ""
    switch attribute.name {
    case "mid":
      guard words(Substring(value)).count == 1 else { throw .malformed("a=mid", value: value) }
      mid = String(trimmed(Substring(value)))
    case "extmap": headerExtensions.append(try HeaderExtension(parsing: value))
    case "msid": msids.append(try MediaStreamIdentifier(parsing: value))
    case "ssrc": sources.append(try SourceAttribute(parsing: value))
    case "ssrc-group": sourceGroups.append(try SourceGroup(parsing: value))
    case "candidate": candidates.append("candidate:" + value)
    default: return false
    }
    return true
  }

  private mutating func applyFlag(_ attribute: Attribute) -> Bool {
    switch attribute.name {
    case "rtcp-mux": rtcpMux = true
    case "rtcp-rsize": rtcpReducedSize = true
    case "bundle-only": isBundleOnly = true
    case "extmap-allow-mixed": extmapAllowMixed = true
    case "end-of-candidates": endOfCandidates = true
    default: return false
    }
    return true
  }

  /// rtpmap, fmtp and rtcp-fb; what they say of a payload type that the m-line does not list is dropped.
  private mutating func applyFormat(_ attribute: Attribute) throws(SDPError.Problem) -> Bool {
    guard isRTP, ["rtpmap", "fmtp", "rtcp-fb"].contains(attribute.name) else { return false }
    let value = attribute.value ?? ""
    let malformed = SDPError.Problem.malformed("a=" + attribute.name, value: value)
    let fields = words(Substring(value), limit: 2)
    guard fields.count == 2 else { throw malformed }
    let feedback = RTCPFeedback(words(fields[1]).joined(separator: " "))
    if attribute.name == "rtcp-fb" && fields[0] == "*" {
      feedbackForAll.append(feedback)
      return true
    }
    guard let payloadType = payloadType(fields[0]) else { throw malformed }
    var format = payloadFormat(payloadType) ?? PayloadFormat(payloadType: payloadType)
    switch attribute.name {
    case "rtpmap":
      guard let encoding = PayloadEncoding(parsing: fields[1]) else { throw malformed }
      format.encoding = encoding
    case "fmtp": format.parameters = FormatParameters(String(fields[1]))
    default: format.feedback.append(feedback)
    }
    if let index = payloadFormats.firstIndex(where: { $0.payloadType == payloadType }) {
      payloadFormats[index] = format
    }
    return true
  }
}

extension TransportAttributes {
  /// Takes in an attribute; false when it is none of ICE's or DTLS's.
  mutating func apply(_ attribute: Attribute) throws(SDPError.Problem) -> Bool {
    let value = attribute.value ?? ""
    let fields = words(Substring(value))
    let malformed = SDPError.Problem.malformed("a=" + attribute.name, value: value)
    switch attribute.name {
    case "ice-ufrag", "ice-pwd":
      guard fields.count == 1 else { throw malformed }
      if attribute.name == "ice-ufrag" { iceUfrag = String(fields[0]) } else { icePassword = String(fields[0]) }
    case "ice-options": iceOptions += fields.map(String.init)
    case "fingerprint":
      guard fields.count == 2, let fingerprint = Fingerprint(algorithm: fields[0], hexadecimal: fields[1]) else {
        throw malformed
      }
      fingerprints.append(fingerprint)
    case "setup":
      guard fields.count == 1, let role = SetupRole(rawValue: fields[0].lowercased()) else { throw malformed }
      setup = role
    default: return false
    }
    return true
  }
}

extension PayloadEncoding {
  fileprivate init?(parsing value: Substring) {
    let parts = split(value, at: "/")
    guard (2...3).contains(parts.count), !parts[0].isEmpty, let clockRate = decimal(parts[1], as: UInt32.self),
      clockRate > 0
    else { return nil }
    self.init(name: String(parts[0]), clockRate: clockRate)
    if parts.count == 2, matches(PayloadEncoding(name: "opus", clockRate: 48000)) {
      // There is no other Opus (RFC 7587 section 7), and webrtcbin leaves the number out.
      channels = 2
    } else if parts.count == 3 {
      guard let channels = decimal(parts[2], as: UInt8.self), channels > 0 else { return nil }
      self.channels = channels
    }
  }
}

extension HeaderExtension {
  fileprivate init(parsing value: String) throws(SDPError.Problem) {
    let malformed = SDPError.Problem.malformed("a=extmap", value: value)
    let fields = words(Substring(value), limit: 3)
    guard fields.count >= 2 else { throw malformed }
    let parts = split(fields[0], at: "/", maxSplits: 1)
    guard let id = decimal(parts[0], as: UInt16.self), id > 0 else { throw malformed }
    self.init(id: id, uri: String(fields[1]), attributes: fields.count > 2 ? String(fields[2]) : nil)
    if parts.count > 1 {
      guard let direction = MediaDirection(rawValue: String(parts[1])) else { throw malformed }
      self.direction = direction
    }
  }
}

extension MediaStreamIdentifier {
  init(parsing value: String) throws(SDPError.Problem) {
    let fields = words(Substring(value))
    guard let stream = fields.first, fields.count <= 2 else { throw .malformed("a=msid", value: value) }
    self.init(stream: String(stream), track: fields.count > 1 ? String(fields[1]) : nil)
  }
}

extension SourceAttribute {
  fileprivate init(parsing value: String) throws(SDPError.Problem) {
    let fields = words(Substring(value), limit: 2)
    guard fields.count == 2, let ssrc = decimal(fields[0], as: UInt32.self) else {
      throw .malformed("a=ssrc", value: value)
    }
    let parts = split(fields[1], at: ":", maxSplits: 1)
    self.init(ssrc: ssrc, name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil)
  }
}

extension SourceGroup {
  fileprivate init(parsing value: String) throws(SDPError.Problem) {
    let fields = words(Substring(value))
    let ssrcs = fields.dropFirst().compactMap { decimal($0, as: UInt32.self) }
    guard let semantics = fields.first, ssrcs.count == fields.count - 1 else {
      throw .malformed("a=ssrc-group", value: value)
    }
    self.init(semantics: String(semantics), ssrcs: ssrcs)
  }
}

/// The words of a value, separated by spaces; no more than `limit`, the last of which then holds all the rest.
private func words(_ value: Substring, limit: Int = .max) -> [Substring] {
  var words: [Substring] = []
  var rest = trimmed(value)
  while !rest.isEmpty {
    let parts = words.count < limit - 1 ? split(rest, at: " ", maxSplits: 1) : [rest]
    words.append(parts[0])
    rest = parts.count > 1 ? trimmed(parts[1]) : ""
  }
  return words
}

/// A number of decimal digits alone (no sign), or nil when it is anything else or does not fit.
private func decimal<Number: FixedWidthInteger>(_ text: Substring, as type: Number.Type) -> Number? {
  guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
  return Number(text)
}

/// An RTP payload type, 0 to 127.
private func payloadType(_ text: Substring) -> UInt8? {
  decimal(text, as: UInt8.self).flatMap { $0 < 128 ? $0 : nil }
}
