extension SessionDescription: CustomStringConvertible {
  /// The text of the description as every browser takes it: CRLF after each line and the last one, `t=0 0`, a `c=` line
  /// and all transport attributes in every section, fingerprints in upper case. Reading it again gives an equal value.
  public var description: String {
    var out = LineWriter()
    out.line("v=0")
    out.line("o=\(origin.username) \(origin.sessionID) \(origin.version) \(origin.address)")
    out.line("s=\(name)")
    for bandwidth in bandwidths { out.line("b=\(bandwidth.type):\(bandwidth.value)") }
    out.line("t=0 0")
    for group in groups { out.attribute("group", ([group.semantics] + group.mids).joined(separator: " ")) }
    if isICELite { out.attribute("ice-lite") }
    if let msidSemantic { out.attribute("msid-semantic", msidSemantic) }
    for attribute in otherAttributes { out.attribute(attribute.name, attribute.value) }
    for section in media { section.write(to: &out) }
    return out.text
  }
}

extension MediaSection {
  fileprivate func write(to out: inout LineWriter) {
    let formats = isRTP ? payloadFormats.map { String($0.payloadType) } : applicationFormats
    out.line("m=\(kind) \(port) \(transportProtocol) \(formats.joined(separator: " "))")
    out.line("c=\(connection)")
    for bandwidth in bandwidths { out.line("b=\(bandwidth.type):\(bandwidth.value)") }
    writeTransport(to: &out)
    if let mid { out.attribute("mid", mid) }
    if extmapAllowMixed { out.attribute("extmap-allow-mixed") }
    for ext in headerExtensions {
      let direction = ext.direction.map { "/\($0.rawValue)" } ?? ""
      let attributes = ext.attributes.map { " \($0)" } ?? ""
      out.attribute("extmap", "\(ext.id)\(direction) \(ext.uri)\(attributes)")
    }
    out.attribute(direction.rawValue)
    for msid in msids { out.attribute("msid", msid.stream + (msid.track.map { " \($0)" } ?? "")) }
    if rtcpMux { out.attribute("rtcp-mux") }
    if rtcpReducedSize { out.attribute("rtcp-rsize") }
    if isBundleOnly { out.attribute("bundle-only") }
    writeFormats(to: &out)
    writeSources(to: &out)
    for attribute in otherAttributes { out.attribute(attribute.name, attribute.value) }
    for candidate in candidates { out.line("a=" + candidate) }
    if endOfCandidates { out.attribute("end-of-candidates") }
  }

  private func writeTransport(to out: inout LineWriter) {
    if let ufrag = transport.iceUfrag { out.attribute("ice-ufrag", ufrag) }
    if let password = transport.icePassword { out.attribute("ice-pwd", password) }
    if !transport.iceOptions.isEmpty { out.attribute("ice-options", transport.iceOptions.joined(separator: " ")) }
    for fingerprint in transport.fingerprints { out.attribute("fingerprint", fingerprint.description) }
    if let setup = transport.setup { out.attribute("setup", setup.rawValue) }
  }

  private func writeFormats(to out: inout LineWriter) {
    for feedback in feedbackForAll { out.attribute("rtcp-fb", "* \(feedback)") }
    for format in payloadFormats {
      if let encoding = format.encoding { out.attribute("rtpmap", "\(format.payloadType) \(encoding)") }
      for feedback in format.feedback { out.attribute("rtcp-fb", "\(format.payloadType) \(feedback)") }
      if !format.parameters.text.isEmpty {
        out.attribute("fmtp", "\(format.payloadType) \(format.parameters.text)")
      }
    }
  }

  private func writeSources(to out: inout LineWriter) {
    for group in sourceGroups {
      out.attribute("ssrc-group", ([group.semantics] + group.ssrcs.map(String.init)).joined(separator: " "))
    }
    for source in sources {
      out.attribute("ssrc", "\(source.ssrc) \(source.name)" + (source.value.map { ":\($0)" } ?? ""))
    }
  }
}

private struct LineWriter {
  private(set) var text = ""

  mutating func line(_ line: String) {
    text += line
    text += "\r\n"
  }

  mutating func attribute(_ name: String, _ value: String? = nil) {
    line("a=" + name + (value.map { ":" + $0 } ?? ""))
  }
}
