import SDP
import Testing

@Suite struct RenegotiationTests {
  /// We call a page made like MDN's: it answers that it only receives, and offers its own tracks in a second round.
  @Test(arguments: [("chromium", [111, 96, 111, 96]), ("firefox", [111, 96, 109, 120])])
  func calledPageSendsItsMediaInASecondOffer(_ browser: String, payloadTypes: [UInt8]) throws {
    var caller = Caller()
    _ = caller.offer()
    let first = try caller.accept(Fixture(browser: browser, name: "callee-answer").description())
    #expect(first.map(\.direction) == [.sendonly, .sendonly])
    #expect(first.map(\.codec.payloadType) == [111, 96], "our numbers, kept by the answerer")
    #expect(caller.negotiation.isDTLSClient == false)

    let offer = try Fixture(browser: browser, name: "callee-second-offer").description()
    let answer = try caller.answer(offer)
    try answer.validate(asAnswerTo: offer)
    #expect(answer.media.map(\.direction) == [.sendonly, .sendonly, .recvonly, .recvonly])
    #expect(answer.media.map(\.port) == [9, 9, 9, 9])
    #expect(answer.bundle?.mids == ["0", "1", "2", "3"])
    #expect(
      answer.media.map(\.transport.setup) == Array(repeating: .passive, count: 4), "the association stays as it is")
    #expect(answer.origin.version == 2)

    let second = NegotiatedMedia.all(local: answer, remote: offer)
    #expect(second.map(\.mid) == ["0", "1", "2", "3"])
    #expect(second.map(\.codec.payloadType) == payloadTypes, "Firefox uses its own numbers in its own sections")
    #expect(second.prefix(2).map(\.headerExtensions.mid) == first.map(\.headerExtensions.mid))
    #expect(second[3].remoteSources.count == 1 && second[3].remoteSources[0].retransmissionSSRC != nil)
    #expect(second[2].remoteStreams.first?.stream == second[3].remoteStreams.first?.stream)
    #expect(NegotiatedTransport(local: answer, remote: offer)?.isDTLSClient == false)

    let next = caller.offer()
    #expect(next.media.map { $0.payloadFormats[0].payloadType } == payloadTypes, "each section keeps its own")
    for (old, new) in zip(answer.media, next.media) {
      #expect(Set(old.headerExtensions).isSubset(of: new.headerExtensions))
    }
    try next.validateAsOffer()
  }

  /// A page calls, and calls again with more: its numbers stay, and we offer with them, too.
  @Test(arguments: [("chromium", [111, 96, 97]), ("firefox", [109, 120, 124])])
  func ourOfferKeepsTheNumbersOfTheirs(_ browser: String, payloadTypes: [UInt8]) throws {
    var callee = Caller()
    let offer = try Fixture(browser: browser, name: "offer").description()
    let answer = try callee.answer(offer)
    callee.transceivers.append(LocalTransceiver(kind: .video, sources: LocalSources(ssrc: 9, cname: "me")))
    let next = callee.offer()
    try next.validateAsOffer()
    #expect(next.media.map(\.kind) == [.audio, .video, .video])
    #expect(next.media.map(\.mid) == ["0", "1", "2"])
    #expect(next.media.flatMap(\.payloadFormats).map(\.payloadType) == payloadTypes + payloadTypes.dropFirst())
    for (old, new) in zip(answer.media, next.media) {
      #expect(Set(old.headerExtensions).isSubset(of: new.headerExtensions))
    }
    #expect(next.media.allSatisfy { $0.transport.setup == .actpass })
    #expect(next.origin.sessionID == answer.origin.sessionID && next.origin.version == answer.origin.version + 1)
  }

  @Test func numbersTakenByThePeerAreNotReused() throws {
    var callee = Caller()
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    offer.media.removeLast()
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: ["0"])]
    offer.media[0].payloadFormats.append(
      PayloadFormat(payloadType: 96, encoding: PayloadEncoding(name: "L16", clockRate: 48000)))
    offer.media[0].headerExtensions = [
      HeaderExtension(id: 4, uri: "urn:else"), HeaderExtension(id: 2, uri: HeaderExtension.mid),
    ]
    _ = try callee.answer(offer)
    let next = callee.offer()
    #expect(next.media[1].payloadFormats.map(\.payloadType) == [97, 98], "96 and 111 have a meaning already")
    #expect(next.media[1].payloadFormat(98)?.parameters["apt"] == "97")
    let ids = next.media.flatMap(\.headerExtensions)
    #expect(ids.filter { $0.uri == HeaderExtension.mid }.allSatisfy { $0.id == 2 })
    #expect(!ids.contains { $0.id == 4 })
    try next.validateAsOffer()
  }

  @Test func stoppedTransceiverLeavesAPlaceThatItsKindTakesAgain() throws {
    var caller = Caller()
    var peer = Caller()
    _ = try caller.accept(peer.answer(caller.offer()))

    caller.transceivers[1].isStopped = true
    let without = caller.offer()
    #expect(without.media.map(\.port) == [9, 0])
    #expect(without.bundle?.mids == ["0"])
    peer.transceivers[1].isStopped = true
    #expect(try caller.accept(peer.answer(without)).map(\.mid) == ["0"])

    caller.transceivers.append(LocalTransceiver(kind: .audio))
    caller.transceivers.append(LocalTransceiver(kind: .video))
    let again = caller.offer()
    #expect(again.media.map(\.kind) == [.audio, .video, .audio])
    #expect(again.media.map(\.mid) == ["0", "2", "3"])
    #expect(again.media.map(\.port) == [9, 9, 9])
    let media = try caller.accept(peer.answer(again))
    #expect(media.count == 3)
    #expect(media[1].codec.payloadType == 96)
  }

  @Test func rejectedDataChannelKeepsItsPlaceInOurOffer() throws {
    var callee = Caller()
    let offer = try Fixture(browser: "chromium", name: "data-offer").description()
    let data = try #require(offer.media.firstIndex { $0.kind == .application })
    _ = try callee.answer(offer)
    let next = callee.offer()
    #expect(next.media.count == 3)
    #expect(next.media[data].kind == .application && next.media[data].port == 0)
    #expect(next.media[2].kind == .video)
  }

  @Test func anOfferMayNotLoseOrChangeSections() throws {
    var callee = Caller()
    let offer = try Fixture(browser: "chromium", name: "offer").description()
    _ = try callee.answer(offer)
    var fewer = offer
    fewer.media.removeLast()
    fewer.groups = []
    #expect(throws: NegotiationError.sectionCount(expected: 2, found: 1)) {
      try callee.negotiation.validate(offer: fewer)
    }
    var swapped = offer
    swapped.media.swapAt(0, 1)
    #expect(throws: NegotiationError.sectionKind(index: 0, expected: .audio, found: .video)) {
      try callee.negotiation.validate(offer: swapped)
    }
    var renamed = offer
    renamed.media[0].mid = "x"
    renamed.groups = []
    #expect(throws: NegotiationError.sectionMid(index: 0, expected: "0", found: "x")) {
      try callee.negotiation.validate(offer: renamed)
    }
    #expect(callee.negotiation.currentRemote == offer, "a refused offer changes nothing")
  }

  @Test func anOfferThatIsNeverAnsweredLeavesNoTrace() throws {
    var caller = Caller()
    let before = caller.negotiation
    _ = caller.offer()
    #expect(caller.negotiation.currentLocal == before.currentLocal)
    // Rolled back for the peer's offer: its numbers count, ours are forgotten.
    caller.transceivers = LocalSide.transceivers
    let offer = try Fixture(browser: "firefox", name: "offer").description()
    let answer = try caller.answer(offer)
    #expect(answer.media.flatMap(\.payloadFormats).map(\.payloadType) == [109, 120, 124])
    #expect(answer.origin.version == 2, "newer than the offer that was withdrawn")
  }

  @Test func offeredSectionsTakeTransceiversOfTracksOnly() throws {
    let negotiation = Negotiation(sessionID: 1)
    var offer = try Fixture(browser: "chromium", name: "offer").description()
    var transceivers = LocalSide.transceivers
    transceivers[0].wasAddedByTrack = false
    #expect(
      negotiation.associate(offer: offer, transceivers: transceivers) == [.newTransceiver(.audio), .transceiver(1)])
    offer.media[1].direction = .sendonly
    #expect(
      negotiation.associate(offer: offer, transceivers: LocalSide.transceivers)
        == [.transceiver(0), .newTransceiver(.video)], "the peer does not want our camera there")
  }

  @Test func stoppedTransceiverIsNotOffered() {
    var negotiation = Negotiation(sessionID: 1)
    var transceivers = LocalSide.transceivers
    transceivers[0].isStopped = true
    let offer = negotiation.makeOffer(transceivers: transceivers, transport: LocalSide.transport)
    #expect(offer.mids == [nil, "0"])
    #expect(offer.description.media.map(\.kind) == [.video])
  }
}
