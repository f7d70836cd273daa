import SDP
import Testing

/// What no browser writes, but a peer may.
@Suite struct ValidationTests {
  private func offer() -> SessionDescription {
    var caller = Caller()
    return caller.offer()
  }

  @Test func ourOwnOfferIsValid() throws {
    try offer().validateAsOffer()
  }

  @Test func duplicateMid() {
    var offer = offer()
    offer.media[1].mid = "0"
    offer.groups = []
    #expect(throws: NegotiationError.duplicateMid("0")) { try offer.validateAsOffer() }
  }

  @Test func missingMidOutsideABundle() {
    var offer = offer()
    offer.groups = []
    offer.media[1].mid = nil
    #expect(throws: NegotiationError.missingMid(section: "#1")) { try offer.validateAsOffer() }
  }

  @Test func userFragment() {
    for ufrag in ["abc", String(repeating: "a", count: 257), "ab:cd", "ab\u{e9}cd"] {
      var offer = offer()
      offer.media[0].transport.iceUfrag = ufrag
      #expect(throws: NegotiationError.invalidICEUfrag(section: "0")) { try offer.validateAsOffer() }
    }
  }

  @Test func fingerprintOfAnUnknownHash() {
    var offer = offer()
    offer.media[0].transport.fingerprints = [Fingerprint(algorithm: "md5", bytes: Array(0..<16))]
    #expect(throws: NegotiationError.missingFingerprint(section: "0")) { try offer.validateAsOffer() }
  }

  @Test func holdconn() {
    var offer = offer()
    offer.media[1].transport.setup = .holdconn
    #expect(throws: NegotiationError.invalidSetup(section: "1", .holdconn)) { try offer.validateAsOffer() }
  }

  @Test func payloadTypeThatLooksLikeRTCP() {
    var offer = offer()
    offer.media[1].payloadFormats[0].payloadType = 72
    #expect(throws: NegotiationError.payloadTypeReserved(section: "1", payloadType: 72)) { try offer.validateAsOffer() }
  }

  @Test func payloadTypeOfTwoCodecsInOneBundle() {
    var offer = offer()
    offer.media[1].payloadFormats[0].payloadType = 111
    #expect(throws: NegotiationError.payloadTypeCollision(section: "1", payloadType: 111)) {
      try offer.validateAsOffer()
    }
  }

  @Test func headerExtensionIdentifierOfTwoURIsInOneBundle() {
    var offer = offer()
    offer.media[1].headerExtensions[0].id = 1
    #expect(throws: NegotiationError.headerExtensionCollision(section: "1", id: 1)) { try offer.validateAsOffer() }
  }

  @Test func answerWithAPayloadTypeNotOffered() throws {
    var caller = Caller()
    var callee = Caller()
    let offer = caller.offer()
    var answer = try callee.answer(offer)
    answer.media[1].payloadFormats[0].payloadType = 100
    #expect(throws: NegotiationError.payloadTypeNotOffered(section: "1", payloadType: 100)) {
      try answer.validate(asAnswerTo: offer)
    }
    answer.media[1].payloadFormats[0].payloadType = 96
    answer.media[1].payloadFormats[0].encoding = PayloadEncoding(name: "H264", clockRate: 90000)
    #expect(throws: NegotiationError.payloadTypeNotOffered(section: "1", payloadType: 96)) {
      try answer.validate(asAnswerTo: offer)
    }
  }

  @Test func answerThatTakesTheRoleTheOffererTook() throws {
    var callee = Caller()
    var offer = offer()
    for index in offer.media.indices { offer.media[index].transport.setup = .active }
    var answer = try callee.answer(offer)
    #expect(answer.media.map(\.transport.setup) == [.passive, .passive])
    answer.media[0].transport.setup = .active
    #expect(throws: NegotiationError.invalidSetup(section: "0", .active)) { try answer.validate(asAnswerTo: offer) }
  }

  @Test func answerThatBundlesWhatWasNot() throws {
    var callee = Caller()
    var offer = offer()
    let answer = try callee.answer(offer)
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: ["0"])]
    #expect(throws: NegotiationError.bundleNotOffered(section: "1")) { try answer.validate(asAnswerTo: offer) }
  }

  @Test func answerWithAnotherMid() throws {
    var callee = Caller()
    let offer = offer()
    var answer = try callee.answer(offer)
    answer.groups = []
    answer.media[0].mid = "x"
    #expect(throws: NegotiationError.sectionMid(index: 0, expected: "0", found: "x")) {
      try answer.validate(asAnswerTo: offer)
    }
  }

  @Test func rejectedSectionMayHaveLostItsMid() throws {
    var callee = Caller()
    let offer = offer()
    var answer = try callee.answer(offer)
    answer.groups = [MediaGroup(semantics: "BUNDLE", mids: ["0"])]
    answer.media[1].port = 0
    answer.media[1].mid = nil
    try answer.validate(asAnswerTo: offer)
    #expect(NegotiatedMedia.all(local: offer, remote: answer).map(\.mid) == ["0"])
  }

  @Test func messagesNameTheSectionAndHoldNoControlCharacters() {
    let error = NegotiationError.missingRTCPMux(section: "\u{1b}[31mred" + String(repeating: "x", count: 500))
    #expect("\(error)".contains("a=rtcp-mux"))
    #expect("\(error)".utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    #expect("\(error)".utf8.count < 120)
  }
}
