// Reading what an offer and its answer agree on.

extension NegotiatedMedia {
  /// All sections that both sides accept with a codec both know, in the order of their m-lines. It does not matter which
  /// of the two is the offer.
  public static func all(local: SessionDescription, remote: SessionDescription) -> [NegotiatedMedia] {
    zip(local.media, remote.media).enumerated().compactMap { index, pair in
      if local.isRejected(pair.0) || remote.isRejected(pair.1) { return nil }
      return NegotiatedMedia(index: index, local: pair.0, remote: pair.1, sessionBandwidths: remote.bandwidths)
    }
  }

  private init?(index: Int, local: MediaSection, remote: MediaSection, sessionBandwidths: [Bandwidth]) {
    guard let mid = local.mid, local.kind == remote.kind, local.kind == .audio || local.kind == .video,
      let codec = NegotiatedCodec(local: local, remote: remote)
    else { return nil }
    self.mid = mid
    self.index = index
    kind = local.kind
    direction = local.direction.intersection(remote.direction.reversed)
    self.codec = codec
    headerExtensions = NegotiatedHeaderExtensions(local: local, remote: remote)
    feedback = NegotiatedFeedback(payloadType: codec.payloadType, local: local, remote: remote)
    rtcpReducedSize = local.rtcpReducedSize && remote.rtcpReducedSize
    remoteSources = remote.announcedSources
    remoteStreams = remote.announcedStreams
    maximumBitrate = remote.bandwidths.bitrate ?? sessionBandwidths.bitrate
  }
}

extension NegotiatedCodec {
  fileprivate init?(local: MediaSection, remote: MediaSection) {
    for format in remote.payloadFormats where !format.isRetransmission {
      guard let encoding = format.encoding, let own = local.payloadFormat(format.payloadType)?.encoding,
        own.matches(encoding)
      else { continue }
      payloadType = format.payloadType
      self.encoding = own
      remoteParameters = format.parameters
      let retransmission = remote.retransmission(of: payloadType)?.payloadType
      retransmissionPayloadType =
        retransmission == local.retransmission(of: payloadType)?.payloadType ? retransmission : nil
      return
    }
    return nil
  }
}

extension NegotiatedHeaderExtensions {
  fileprivate init(local: MediaSection, remote: MediaSection) {
    func id(_ uri: String) -> UInt8? {
      let own = local.headerExtensions.filter { $0.uri == uri && $0.direction != .inactive }.map(\.id)
      let other = remote.headerExtensions.first {
        $0.uri == uri && $0.direction != .inactive && own.contains($0.id)
      }
      return other.flatMap { UInt8(exactly: $0.id) }
    }
    mid = id(HeaderExtension.mid)
    transportWideCC = id(HeaderExtension.transportWideCC)
    absoluteSendTime = id(HeaderExtension.absoluteSendTime)
    audioLevel = id(HeaderExtension.audioLevel)
  }
}

extension NegotiatedFeedback {
  fileprivate init(payloadType: UInt8, local: MediaSection, remote: MediaSection) {
    func words(_ section: MediaSection) -> [RTCPFeedback] {
      section.payloadFormat(payloadType).map(section.feedback(for:)) ?? []
    }
    let own = words(local)
    let other = words(remote)
    let known: [(RTCPFeedback, NegotiatedFeedback)] = [
      (.nack, .nack), (.pictureLossIndication, .pictureLossIndication), (.fullIntraRequest, .fullIntraRequest),
      (.remb, .remb), (.transportCC, .transportCC),
    ]
    self.init(known.filter { own.contains($0.0) && other.contains($0.0) }.map(\.1))
  }
}

extension MediaSection {
  /// The sources in the order of their first mention, each with its retransmission source.
  fileprivate var announcedSources: [RemoteSource] {
    let pairs = sourceGroups.filter { $0.semantics == "FID" && $0.ssrcs.count == 2 }.map(\.ssrcs)
    var seen = Set(pairs.map { $0[1] })
    return sources.compactMap { source in
      guard seen.insert(source.ssrc).inserted else { return nil }
      return RemoteSource(
        ssrc: source.ssrc, retransmissionSSRC: pairs.first { $0[0] == source.ssrc }?[1],
        cname: sourceAttribute("cname", of: source.ssrc))
    }
  }

  /// The streams of `a=msid`, or of the older `a=ssrc:<ssrc> msid:`.
  fileprivate var announcedStreams: [MediaStreamIdentifier] {
    if !msids.isEmpty { return msids }
    var streams: [MediaStreamIdentifier] = []
    for source in sources where source.name == "msid" {
      guard let value = source.value, let stream = try? MediaStreamIdentifier(parsing: value) else { continue }
      if !streams.contains(stream) { streams.append(stream) }
    }
    return streams
  }
}

extension [Bandwidth] {
  /// The lowest limit in bits a second; nil when there is none.
  fileprivate var bitrate: UInt64? {
    compactMap { bandwidth -> UInt64? in
      switch bandwidth.type {
      case "TIAS": return bandwidth.value
      case "AS":
        let (bits, overflow) = bandwidth.value.multipliedReportingOverflow(by: 1000)
        return overflow ? nil : bits
      default: return nil
      }
    }.min()
  }
}

extension NegotiatedTransport {
  /// Reads what offer and answer agree on for the transport.
  /// - Parameters:
  ///   - local: our description.
  ///   - remote: the peer's, validated. It does not matter which of the two is the offer.
  /// - Returns: nil when the answer rejects everything, so that there is nothing to connect.
  public init?(local: SessionDescription, remote: SessionDescription) {
    let carried = zip(local.media, remote.media).first { !local.isRejected($0) && !remote.isRejected($1) }
    guard let carried else { return nil }
    let peer = remote.transport(of: carried.1)
    guard let ufrag = peer.iceUfrag, let password = peer.icePassword else { return nil }
    remoteUfrag = ufrag
    remotePassword = password
    remoteTrickles = peer.iceOptions.contains("trickle")
    remoteIsICELite = remote.isICELite
    remoteFingerprints = peer.fingerprints.filter(\.isUsable)
    // Our answers say which role we take; our offers leave it to the peer.
    let setup = local.transport(of: carried.0).setup
    isDTLSClient = setup == .active || (setup == .actpass && peer.setup == .passive)
    if remoteFingerprints.isEmpty { return nil }
  }
}
