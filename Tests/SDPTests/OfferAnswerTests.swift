import SDP
import Testing

@Suite struct OfferAnswerTests {
  @Test func ourOfferIsWhatEveryBrowserTakes() throws {
    var caller = Caller()
    let offer = caller.offer()
    #expect(caller.transceivers.map(\.mid) == ["0", "1"])
    let expected = """
      v=0
      o=- 42 1 IN IP4 127.0.0.1
      s=-
      t=0 0
      a=group:BUNDLE 0 1
      a=msid-semantic:WMS *
      m=audio 9 UDP/TLS/RTP/SAVPF 111
      c=IN IP4 0.0.0.0
      a=ice-ufrag:abcd
      a=ice-pwd:0123456789abcdefghijklmn
      a=ice-options:trickle
      a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
      a=setup:actpass
      a=mid:0
      a=extmap-allow-mixed
      a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
      a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
      a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
      a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
      a=sendrecv
      a=msid:stream microphone
      a=rtcp-mux
      a=rtcp-rsize
      a=rtpmap:111 opus/48000/2
      a=rtcp-fb:111 transport-cc
      a=fmtp:111 minptime=10;useinbandfec=1
      a=ssrc:1000 cname:me
      m=video 9 UDP/TLS/RTP/SAVPF 96 97
      c=IN IP4 0.0.0.0
      a=ice-ufrag:abcd
      a=ice-pwd:0123456789abcdefghijklmn
      a=ice-options:trickle
      a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
      a=setup:actpass
      a=mid:1
      a=extmap-allow-mixed
      a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
      a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
      a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
      a=sendrecv
      a=msid:stream camera
      a=rtcp-mux
      a=rtcp-rsize
      a=rtpmap:96 VP8/90000
      a=rtcp-fb:96 goog-remb
      a=rtcp-fb:96 transport-cc
      a=rtcp-fb:96 ccm fir
      a=rtcp-fb:96 nack
      a=rtcp-fb:96 nack pli
      a=rtpmap:97 rtx/90000
      a=fmtp:97 apt=96
      a=ssrc-group:FID 2000 2001
      a=ssrc:2000 cname:me
      a=ssrc:2001 cname:me

      """
    #expect(offer.description.split(separator: "\r\n") == expected.split(separator: "\n"))
  }

  @Test func answerToChromium() throws {
    var callee = Caller()
    let offer = try Fixture(browser: "chromium", name: "offer").description()
    let answer = try callee.answer(offer)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.bundle?.mids == ["0", "1"])
    #expect(answer.media.map(\.direction) == [.sendrecv, .sendrecv], "one round")
    #expect(answer.media.map(\.transport.setup) == [.active, .active])
    #expect(answer.media[0].payloadFormats.map(\.payloadType) == [111])
    #expect(answer.media[1].payloadFormats.map(\.payloadType) == [96, 97])
    #expect(callee.negotiation.isDTLSClient == true)

    let media = NegotiatedMedia.all(local: answer, remote: offer)
    #expect(media.map(\.kind) == [.audio, .video])
    #expect(media[0].headerExtensions.audioLevel == 1 && media[1].headerExtensions.audioLevel == nil)
    #expect(media[1].headerExtensions.mid == 4 && media[1].headerExtensions.transportWideCC == 3)
    #expect(media[1].codec.payloadType == 96 && media[1].codec.retransmissionPayloadType == 97)
    #expect(media[1].feedback == [.nack, .pictureLossIndication, .fullIntraRequest, .remb, .transportCC])
    #expect(media[0].feedback == .transportCC)
    #expect(
      media[1].remoteSources
        == [RemoteSource(ssrc: 353_965_829, retransmissionSSRC: 2_020_326_507, cname: "8OwW3hKS5RAG5bkI")])
    #expect(media[0].remoteStreams.first?.stream == media[1].remoteStreams.first?.stream)
  }

  @Test func answerToFirefox() throws {
    var callee = Caller()
    let offer = try Fixture(browser: "firefox", name: "offer").description()
    let answer = try callee.answer(offer)
    try answer.validate(asAnswerTo: offer)
    let media = NegotiatedMedia.all(local: answer, remote: offer)
    #expect(media.map(\.codec.payloadType) == [109, 120])
    #expect(media[1].codec.retransmissionPayloadType == 124)
    #expect(answer.media[1].payloadFormat(124)?.parameters["apt"] == "120")
    #expect(media[0].codec.remoteParameters["stereo"] == "1" && media[1].codec.remoteParameters["max-fr"] == "60")
    #expect(media[0].headerExtensions.mid == 3 && media[0].headerExtensions.transportWideCC == 7)
    #expect(media[0].headerExtensions.absoluteSendTime == nil, "Firefox does not offer it for audio")
    #expect(!media[0].rtcpReducedSize && media[1].rtcpReducedSize, "as Firefox offers")
    let transport = try #require(NegotiatedTransport(local: answer, remote: offer))
    #expect(transport.remoteUfrag == "4a5bbc4d" && transport.remoteTrickles && transport.isDTLSClient)
    #expect(transport.remoteFingerprints.count == 1)
  }

  @Test(arguments: Fixture.browsers)
  func dataChannelIsRejectedAndTheRestIsTaken(_ browser: String) throws {
    var callee = Caller()
    let offer = try Fixture(browser: browser, name: "data-offer").description()
    let data = try #require(offer.media.firstIndex { $0.kind == .application })
    let answer = try callee.answer(offer)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.media[data].port == 0 && answer.media[data].applicationFormats == ["webrtc-datachannel"])
    #expect(answer.media[data].mid == offer.media[data].mid)
    #expect(answer.bundle?.mids == [try #require(offer.media[1 - data].mid)])
    #expect(NegotiatedMedia.all(local: answer, remote: offer).map(\.index) == [1 - data])
  }

  @Test func unknownCodecsAndKindsAreRejected() throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media[1].payloadFormats.removeAll { ["VP8", "rtx"].contains($0.encoding?.name) }
    var text = MediaSection(kind: .other("text"), mid: "2")
    text.transport = offer.media[0].transport
    text.rtcpMux = true
    text.payloadFormats = [PayloadFormat(payloadType: 50, encoding: PayloadEncoding(name: "t140", clockRate: 1000))]
    offer.media.append(text)
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: ["0", "1", "2"])]
    var callee = Caller()
    let answer = try callee.answer(offer)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.media.map(\.port) == [9, 0, 0])
    #expect(answer.media[1].payloadFormats.first?.encoding?.name == "H264", "a rejected m-line still names a format")
    #expect(answer.bundle?.mids == ["0"])
    #expect(callee.transceivers[1].mid == nil, "our camera still waits for a section")
  }

  @Test func opusHasTwoChannelsWhateverIsWritten() throws {
    let text = try Fixture(browser: "chromium", name: "offer").description().description
    let offer = try SessionDescription(parsing: text.replacing("opus/48000/2", with: "OPUS/48000"))
    var callee = Caller()
    let answer = try callee.answer(offer)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.media.map(\.port) == [9, 9])
    #expect(answer.media[0].payloadFormats.first?.encoding?.description.lowercased() == "opus/48000/2")
  }

  @Test func retransmissionOnlyWhereOffered() throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media[1].payloadFormats.removeAll { $0.isRetransmission }
    var callee = Caller()
    let answer = try callee.answer(offer)
    #expect(answer.media[1].payloadFormats.map(\.payloadType) == [96])
    #expect(answer.media[1].sourceGroups.isEmpty && answer.media[1].sources.map(\.ssrc) == [2000])
  }

  @Test func feedbackIsWhatBothKnow() throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media[1].payloadFormats[0].feedback = ["ccm tmmbr"]
    offer.media[1].feedbackForAll = [.nack]
    var callee = Caller()
    let answer = try callee.answer(offer)
    #expect(answer.media[1].payloadFormats[0].feedback == [.nack])
    #expect(NegotiatedMedia.all(local: answer, remote: offer)[1].feedback == .nack)
  }

  @Test(arguments: [
    (MediaDirection.sendrecv, MediaDirection.sendrecv, MediaDirection.sendrecv), (.sendonly, .sendrecv, .recvonly),
    (.recvonly, .sendrecv, .sendonly), (.inactive, .sendrecv, .inactive), (.sendonly, .sendonly, .inactive),
    (.sendrecv, .recvonly, .recvonly),
  ])
  func direction(offered: MediaDirection, ours: MediaDirection, answered: MediaDirection) throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media[0].direction = offered
    var callee = Caller()
    callee.transceivers[0].direction = ours
    callee.transceivers[0].mid = "0"
    let answer = try callee.answer(offer)
    #expect(answer.media[0].direction == answered)
    #expect(answer.media[0].msids.isEmpty == !answered.sends && answer.media[0].sources.isEmpty == !answered.sends)
    #expect(NegotiatedMedia.all(local: answer, remote: offer)[0].direction == answered)
  }

  @Test func withoutBundleOnlyOneSectionIsTaken() throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.groups = []
    var callee = Caller()
    let answer = try callee.answer(offer)
    #expect(answer.media.map(\.port) == [9, 0])
    #expect(answer.groups.isEmpty)
    try answer.validate(asAnswerTo: offer)
  }

  @Test func ourRoleWhenTheOfferLeavesIt() throws {
    let offer = try Fixture(browser: "chromium", name: "offer").description()
    var transceivers = LocalSide.transceivers
    for index in transceivers.indices { transceivers[index].mid = offer.media[index].mid }
    var negotiation = Negotiation(sessionID: 1)
    let answer = negotiation.makeAnswer(
      to: offer, transceivers: transceivers, transport: LocalSide.transport, isDTLSClient: false)
    #expect(answer.media.map(\.transport.setup) == [.passive, .passive])
    #expect(NegotiatedTransport(local: answer, remote: offer)?.isDTLSClient == false)
  }

  @Test func ourAnswerMayLeaveAllOut() throws {
    let offer = try Fixture(browser: "firefox", name: "offer").description()
    var negotiation = Negotiation(sessionID: 1)
    let answer = negotiation.makeAnswer(to: offer, transceivers: [], transport: LocalSide.transport)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.media.allSatisfy(answer.isRejected) && answer.groups.isEmpty)
    #expect(NegotiatedTransport(local: answer, remote: offer) == nil)
  }

  @Test func bandwidthLimitsSending() throws {
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media[1].bandwidths = [Bandwidth(type: "AS", value: 500), Bandwidth(type: "TIAS", value: 400_000)]
    offer.media[0].bandwidths = [Bandwidth(type: "AS", value: .max)]
    var callee = Caller()
    let answer = try callee.answer(offer)
    #expect(NegotiatedMedia.all(local: answer, remote: offer).map(\.maximumBitrate) == [nil, 400_000])
  }
}
