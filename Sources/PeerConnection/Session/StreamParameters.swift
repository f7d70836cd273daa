internal import RTP
internal import SDP

// From what offer and answer agreed on to what the RTP streams have to know.

extension HeaderExtensionMap {
  init(_ negotiated: NegotiatedHeaderExtensions) {
    self.init(
      mid: negotiated.mid, transportSequence: negotiated.transportWideCC,
      absoluteSendTime: negotiated.absoluteSendTime, audioLevel: negotiated.audioLevel)
  }
}

extension VideoSendParameters {
  /// - Parameter mtu: the largest datagram, SRTP's tag included.
  init(_ media: NegotiatedMedia, sources: LocalSources, mtu: Int) {
    var retransmission: Retransmission?
    if let ssrc = sources.retransmissionSSRC, let payloadType = media.codec.retransmissionPayloadType {
      retransmission = Retransmission(ssrc: SSRC(ssrc), payloadType: PayloadType(payloadType))
    }
    self.init(
      mid: media.mid, ssrc: SSRC(sources.ssrc), payloadType: PayloadType(media.codec.payloadType),
      retransmission: retransmission, extensions: HeaderExtensionMap(media.headerExtensions))
    maximumPacketSize = mtu - SRTPContext.maximumTrailer
  }
}

extension AudioSendParameters {
  init(_ media: NegotiatedMedia, sources: LocalSources) {
    self.init(
      mid: media.mid, ssrc: SSRC(sources.ssrc), payloadType: PayloadType(media.codec.payloadType),
      extensions: HeaderExtensionMap(media.headerExtensions))
  }
}

extension VideoReceiveParameters {
  init(_ media: NegotiatedMedia) {
    let payloadType = PayloadType(media.codec.payloadType)
    let retransmissions = media.codec.retransmissionPayloadType.map { [PayloadType($0): payloadType] }
    let source = media.remoteSources.first
    self.init(
      mid: media.mid, payloadTypes: [payloadType], retransmissionTypes: retransmissions ?? [:],
      ssrc: source.map { SSRC($0.ssrc) }, retransmissionSSRC: source?.retransmissionSSRC.map { SSRC($0) },
      extensions: HeaderExtensionMap(media.headerExtensions))
    usesNACK = media.feedback.contains(.nack)
    usesPLI = media.feedback.contains(.pictureLossIndication)
  }
}

extension AudioReceiveParameters {
  init(_ media: NegotiatedMedia) {
    self.init(
      mid: media.mid, payloadTypes: [PayloadType(media.codec.payloadType)],
      ssrc: media.remoteSources.first.map { SSRC($0.ssrc) }, extensions: HeaderExtensionMap(media.headerExtensions))
  }
}
