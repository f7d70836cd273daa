import Foundation
import SDP
import Testing

@testable import PeerConnection

@Suite struct JSEPTests {
  @Test func oneRoundServesBothDirectionsWhenTheCalleeAddsItsTracksBeforeItAnswers() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    try caller.addTracks()
    let offer = try caller.offer()
    let received = try callee.setRemote(offer)
    #expect(received.trackEvents.count == 2)
    try callee.addTracks()
    let answer = try callee.answer()
    #expect(answer.description.sdp.contains("a=setup:active"))
    let agreed = try #require(try caller.setRemote(answer.description).agreement)
    #expect(agreed.media.map(\.direction) == [.sendrecv, .sendrecv])
    #expect(answer.outcome.agreement?.media.map(\.direction) == [.sendrecv, .sendrecv])
    #expect(agreed.transport?.isDTLSClient == false)
    #expect(answer.outcome.agreement?.transport?.isDTLSClient == true)
    #expect(caller.jsep.transceivers.count == 2)
    #expect(callee.jsep.transceivers.count == 2)
    #expect(!caller.jsep.needsNegotiation)
    #expect(!callee.jsep.needsNegotiation)
  }

  @Test func tracksAddedBeforeTheOfferArrivesTakeItsSections() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    try caller.addTracks()
    try callee.addTracks()
    try callee.setRemote(try caller.offer())
    #expect(try callee.answer().outcome.agreement?.media.map(\.direction) == [.sendrecv, .sendrecv])
    #expect(callee.jsep.transceivers.map(\.mid) == ["0", "1"])
  }

  /// MDN's page adds transceivers of its own after it has taken the offer, answers recvonly and offers four sections.
  @Test func secondOfferInMidCallAddsSections() throws {
    var (caller, page) = (Endpoint(), Endpoint())
    try caller.addTracks()
    try page.setRemote(try caller.offer())
    for kind in TrackKind.allCases { try page.addTransceiver(kind) }
    let firstAnswer = try page.answer()
    #expect(firstAnswer.outcome.agreement?.media.map(\.direction) == [.recvonly, .recvonly])
    #expect(page.jsep.needsNegotiation)
    let first = try caller.setRemote(firstAnswer.description)
    #expect(first.agreement?.media.map(\.direction) == [.sendonly, .sendonly])
    #expect(first.trackEvents.isEmpty)

    let received = try caller.setRemote(try page.offer())
    #expect(
      received.trackEvents.map { if case .track(let track) = $0 { track.mid } else { "" } } == ["2", "3"])
    let second = try caller.answer()
    #expect(second.outcome.agreement?.media.map(\.direction) == [.sendonly, .sendonly, .recvonly, .recvonly])
    #expect(second.outcome.agreement?.media.map(\.kind) == [.audio, .video, .audio, .video])
    let agreed = try page.setRemote(second.description)
    #expect(agreed.agreement?.media.map(\.direction) == [.recvonly, .recvonly, .sendonly, .sendonly])
    #expect(!page.jsep.needsNegotiation)
    #expect(!caller.jsep.needsNegotiation)
  }

  @Test func glareIsRefusedUnlessOursIsRolledBack() throws {
    var (polite, impolite) = (Endpoint(), Endpoint())
    try polite.addTracks()
    try impolite.addTracks()
    let politeOffer = try polite.offer()
    let impoliteOffer = try impolite.offer()
    #expect(throws: PeerConnectionError.self) { try impolite.setRemote(politeOffer) }
    #expect(impolite.jsep.state == .haveLocalOffer)
    try polite.setRemote(impoliteOffer, rollingBack: true)
    #expect(polite.jsep.state == .haveRemoteOffer)
    let answer = try polite.answer()
    #expect(answer.outcome.agreement?.media.map(\.direction) == [.sendrecv, .sendrecv])
    #expect(try impolite.setRemote(answer.description).agreement?.media.count == 2)
    #expect(!polite.jsep.needsNegotiation)
  }

  @Test func rollbackUndoesAnOfferOfEitherSide() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    try caller.addTracks()
    let offer = try caller.offer()
    _ = try caller.jsep.setLocal(.rollback)
    #expect(caller.jsep.state == .stable)
    #expect(caller.jsep.transceivers.map(\.mid) == [nil, nil])
    #expect(caller.jsep.needsNegotiation)

    try callee.setRemote(offer)
    #expect(callee.jsep.transceivers.count == 2)
    let undone = try callee.setRemote(.rollback)
    #expect(undone.trackEvents.count == 2)
    #expect(callee.jsep.transceivers.isEmpty)

    // A track added in between keeps its transceiver.
    try callee.setRemote(offer)
    try callee.addTracks()
    try callee.setRemote(.rollback)
    #expect(callee.jsep.transceivers.count == 2)
    #expect(callee.jsep.needsNegotiation)
    #expect(throws: PeerConnectionError.invalidState("there is nothing to roll back")) {
      try callee.setRemote(.rollback)
    }
  }

  @Test func descriptionsOutOfTurnAreRefused() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    #expect(throws: PeerConnectionError.self) { try caller.offer() }
    #expect(throws: PeerConnectionError.self) { try callee.answer() }
    try caller.addTracks()
    let offer = try caller.offer()
    try callee.setRemote(offer)
    #expect(throws: PeerConnectionError.self) { try callee.offer() }
    let answer = try callee.answer().description
    #expect(throws: PeerConnectionError.self) { try callee.setRemote(answer) }
    try caller.setRemote(answer)
    #expect(throws: PeerConnectionError.self) { try caller.setRemote(answer) }
    #expect(caller.jsep.state == .stable)
    caller.jsep.close()
    #expect(throws: PeerConnectionError.closed) { try caller.offer() }
  }

  @Test func ourDescriptionsMustNotBeChangedOnTheWay() throws {
    var caller = Endpoint()
    try caller.addTracks()
    var offer = try caller.jsep.createOffer(transport: caller.transport)
    offer.sdp += "a=tampered\r\n"
    #expect(throws: PeerConnectionError.self) { try caller.jsep.setLocal(offer) }
    #expect(caller.jsep.state == .stable)
  }

  @Test func badDescriptionsNameWhatIsWrongAndChangeNothing() throws {
    var callee = Endpoint()
    for text in ["", "v=0", "hello", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video x\r\n"] {
      #expect(throws: PeerConnectionError.self) { try callee.setRemote(Description(type: .offer, sdp: text)) }
    }
    var caller = Endpoint()
    try caller.addTracks()
    let offer = try caller.offer()
    let broken = Description(type: .offer, sdp: offer.sdp.replacingLines("a=rtcp-mux", with: "a=nothing"))
    #expect {
      try callee.setRemote(broken)
    } throws: { error in
      "\(error)".contains("rtcp-mux")
    }
    #expect(callee.jsep.state == .stable)
    #expect(callee.jsep.transceivers.isEmpty)
    try callee.setRemote(offer)
  }

  @Test func removingATrackNeedsNegotiationAndKeepsTheSection() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    try caller.addTracks()
    try callee.addTracks()
    try callee.setRemote(try caller.offer())
    try caller.setRemote(try callee.answer().description)
    try caller.jsep.removeTracks(.video)
    #expect(caller.jsep.needsNegotiation)
    let received = try callee.setRemote(try caller.offer())
    guard case .trackRemoved(let track) = received.trackEvents.first else {
      Issue.record("\(received.trackEvents)")
      return
    }
    #expect(track.kind == .video)
    let answer = try callee.answer()
    #expect(answer.outcome.agreement?.media.map(\.direction) == [.sendrecv, .sendonly])
    try caller.setRemote(answer.description)
    #expect(!caller.jsep.needsNegotiation)
  }

  @Test func aRejectedSectionEndsItsTransceiver() throws {
    var (caller, callee) = (Endpoint(), Endpoint())
    try caller.addTracks()
    try callee.setRemote(try caller.offer())
    var answer = try callee.answer().description
    // Rejects the video section as a peer without video would.
    let parts = answer.sdp.components(separatedBy: "m=video 9")
    answer.sdp = (parts[0] + "m=video 0" + parts[1]).replacingLines("a=group:BUNDLE 0 1", with: "a=group:BUNDLE 0")
    let agreed = try caller.setRemote(answer)
    #expect(agreed.agreement?.media.map(\.kind) == [.audio])
    #expect(caller.jsep.transceivers.map(\.kind) == [.audio])
    #expect(!caller.jsep.needsNegotiation)
  }

  @Test(arguments: ["chromium-156", "firefox-153"]) func answersWhatBrowsersOffer(_ browser: String) throws {
    let texts = try BrowserSDP(browser)
    var callee = Endpoint()
    let received = try callee.setRemote(Description(type: .offer, sdp: texts.offer))
    #expect(received.trackEvents.count == 2)
    try callee.addTracks()
    let answer = try callee.answer()
    let agreement = try #require(answer.outcome.agreement)
    #expect(agreement.media.map(\.direction) == [.sendrecv, .sendrecv])
    #expect(agreement.media.map(\.codec.encoding.name) == ["opus", "VP8"])
    #expect(agreement.media[1].codec.retransmissionPayloadType != nil)
    #expect(agreement.media.allSatisfy { $0.headerExtensions.mid != nil && $0.headerExtensions.transportWideCC != nil })
    #expect(agreement.transport?.isDTLSClient == true)
    #expect(agreement.transport?.remoteFingerprints.first?.algorithm == "sha-256")
  }
}

/// A JSEP machine with a transport that goes nowhere.
struct Endpoint {
  var jsep = JSEP(sessionID: 4611)
  let transport = LocalTransport(
    iceUfrag: "abcd", icePassword: "0123456789abcdef012345",
    fingerprint: Fingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 7, count: 32)))
  private var ssrc: UInt32 = 1000

  private mutating func newSources() -> LocalSources {
    ssrc += 2
    return LocalSources(ssrc: ssrc, retransmissionSSRC: ssrc + 1, cname: "us")
  }

  mutating func addTracks() throws {
    for kind in TrackKind.allCases {
      let sources = newSources()
      try jsep.addTrack(kind, msid: MediaStreamIdentifier(stream: "s", track: kind.rawValue), sources: sources)
    }
  }

  mutating func addTransceiver(_ kind: TrackKind) throws {
    let sources = newSources()
    try jsep.addTransceiver(
      kind, direction: .sendrecv, msid: MediaStreamIdentifier(stream: "s", track: kind.rawValue), sources: sources)
  }

  mutating func offer() throws -> Description {
    let offer = try jsep.createOffer(transport: transport)
    _ = try jsep.setLocal(offer)
    return offer
  }

  mutating func answer() throws -> (description: Description, outcome: JSEP.Outcome) {
    let answer = try jsep.createAnswer(transport: transport)
    return (answer, try jsep.setLocal(answer))
  }

  @discardableResult
  mutating func setRemote(_ description: Description, rollingBack: Bool = false) throws -> JSEP.Outcome {
    var ssrc = self.ssrc
    defer { self.ssrc = ssrc }
    return try jsep.setRemote(description, rollingBack: rollingBack) {
      ssrc += 2
      return LocalSources(ssrc: ssrc, retransmissionSSRC: ssrc + 1, cname: "us")
    }
  }
}
