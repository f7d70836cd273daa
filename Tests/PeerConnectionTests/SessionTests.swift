import Frames
import ICE
import NIOCore
import RTP
import SDP
import TestSupport
import Testing

@testable import PeerConnection

@Suite struct SessionTests {
  @Test func aCallCarriesSoundAndPictureBothWays() throws {
    let call = try SimulatedCall()
    try call.connect()
    #expect(call.isConnected)
    call.startMedia()
    call.run(for: .seconds(5))
    for peer in call.peers {
      #expect(peer.pictures.count > 140)
      #expect(peer.pictureNumbers == Array(0..<UInt32(peer.pictures.count)))
      #expect(peer.pictures.first?.isKeyFrame == true)
      #expect(peer.sounds.count > 245)
      #expect(peer.sounds.first?.level == 30)
      #expect(peer.has(.connectionStateChange(.connecting)))
      #expect(peer.has(.connectionStateChange(.connected)))
      #expect(peer.tracks.map(\.kind) == [.audio, .video])
      #expect(Set(peer.tracks.flatMap(\.streamIDs)).count == 1)
      #expect(peer.failure == nil)
      let statistics = peer.session.statistics()
      #expect(statistics.dtls == "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256")
      #expect(statistics.srtpProfile == "SRTP_AEAD_AES_128_GCM")
      #expect(statistics.selectedPair.contains("host 192.0.2.1:5000"))
      #expect(statistics.sentVideo.frames > 140)
      #expect(statistics.receivedVideo.frames > 140)
      #expect(statistics.receivedAudio.packets > 245)
      #expect(statistics.receivedVideo.packetsLost == 0)
      #expect(statistics.authenticationFailures == 0)
      #expect(statistics.discardedDatagrams == 0)
      #expect(statistics.roundTripTime != nil)
    }
  }

  /// Each knows nothing of the other but the address of its relay.
  @Test func aCallThroughRelaysOnly() throws {
    var configuration = PeerConnectionConfiguration()
    configuration.iceTransportPolicy = .relay
    let call = try SimulatedCall(configuration: configuration)
    call.turn.behaviour.nonceLifetime = .seconds(60)
    try call.useRelays()
    try call.connect()
    #expect(call.isConnected)
    call.startMedia()
    call.run(for: .seconds(5))
    let indications = call.turn.sendIndications
    for peer in call.peers {
      #expect(peer.pictures.count > 140)
      #expect(peer.pictureNumbers == Array(0..<UInt32(peer.pictures.count)))
      #expect(peer.sounds.count > 245)
      #expect(peer.serverProblems == [])
      let statistics = peer.session.statistics()
      #expect(statistics.selectedPair.contains("relay 198.51.100.1:"))
      #expect(statistics.discardedDatagrams == 0)
      #expect(statistics.receivedVideo.packetsLost == 0)
      let candidates = peer.events.compactMap { if case .iceCandidate(let told) = $0 { told.candidate } else { nil } }
      #expect(!candidates.contains { $0.contains("192.0.2.") }, "\(candidates)")
    }
    call.run(for: .seconds(5))
    #expect(call.turn.sendIndications - indications < 5, "media goes on channels")
    #expect(call.turn.refused == 0)
    call.caller.close()
    call.run(for: .milliseconds(100))
    #expect(call.callee.session.connectionState == .closed)
    #expect(call.turn.allocations.count == 1, "the caller has given its relay back")
  }

  /// What the offer's first section could have carried, the next one does.
  @Test func candidatesAreOfASectionThatIsTaken() throws {
    let call = try SimulatedCall()
    for peer in call.peers { try peer.addTracks() }
    var offer = try call.caller.setLocal()
    offer.sdp.replace("opus/48000/2", with: "silk/24000")
    try call.callee.setRemote(offer)
    let answer = try SessionDescription(parsing: call.callee.setLocal().sdp)
    #expect(answer.media.map(answer.isRejected) == [true, false])
    let told = call.callee.events.compactMap { if case .iceCandidate(let candidate) = $0 { candidate } else { nil } }
    #expect(!told.isEmpty && told.allSatisfy { $0.sdpMid == answer.media[1].mid && $0.sdpMLineIndex == 1 })
  }

  @Test func candidatesWithAnEmptyMidAreOfTheirIndex() throws {
    let call = try SimulatedCall()
    for peer in call.peers { peer.leavesMidEmpty = true }
    try call.connect()
    #expect(call.peers.allSatisfy { $0.session.connectionState == .connected })
  }

  @Test func setUpTakesFewRoundTrips() throws {
    // 20 ms one way.
    let call = try SimulatedCall(conditions: LinkConditions(latency: .milliseconds(10)))
    let start = call.now
    try call.connect()
    #expect(call.now - start < .milliseconds(250))
  }

  @Test(arguments: [0.0, 0.05, 0.1]) func lostPacketsAreSentAgain(_ loss: Double) throws {
    let call = try SimulatedCall(
      seed: 5, conditions: LinkConditions(latency: .milliseconds(8), jitter: .milliseconds(4)))
    try call.connect()
    for peer in call.peers { peer.host.conditions.loss = loss / 2 }
    call.startMedia()
    call.run(for: .seconds(10))
    for peer in call.peers {
      let numbers = peer.pictureNumbers
      #expect(zip(numbers, numbers.dropFirst()).allSatisfy(<), "pictures come in decoding order")
      // Where a picture is missing, the next one that comes is a key frame.
      for index in numbers.indices.dropFirst() {
        #expect(numbers[index] == numbers[index - 1] + 1 || peer.pictures[index].isKeyFrame)
      }
      #expect(numbers.count > 280, "\(numbers.count) of about 300 pictures")
      let statistics = peer.session.statistics()
      #expect((statistics.receivedVideo.retransmissions > 0) == (loss > 0))
      #expect((statistics.sentVideo.retransmissions > 0) == (loss > 0))
    }
  }

  @Test func aKeyFrameCanBeAskedFor() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.startMedia()
    call.run(for: .seconds(1))
    let before = call.callee.keyFrameRequests
    call.caller.session.requestKeyFrame(now: call.now)
    call.run(for: .seconds(1))
    #expect(call.callee.keyFrameRequests == before + 1)
    #expect(call.caller.pictures.count(where: \.isKeyFrame) == 2)
  }

  @Test func theSendRateFollowsANarrowPath() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.callee.host.conditions.rate = 300_000
    call.startMedia()
    call.run(for: .seconds(10))
    let rates = call.caller.events.compactMap { if case .targetBitrate(let rate) = $0 { rate } else { nil } }
    #expect(try #require(rates.last) < 500_000, "\(rates)")
  }

  /// The callee answers recvonly and sends its own media in four sections by a second offer, while the first answer may
  /// still be on its way.
  @Test func theSecondOfferOfMDNsPageIsTakenInMidCall() throws {
    let call = try SimulatedCall()
    let (caller, page) = (call.caller, call.callee)
    try caller.addTracks()
    try page.setRemote(caller.setLocal())
    for kind in TrackKind.allCases {
      try page.session.addTransceiver(kind, direction: .sendrecv, streamID: "page")
    }
    let answer = try page.setLocal()
    #expect(page.has(.negotiationNeeded))
    let secondOffer = try page.setLocal()
    // Both arrive at once.
    try caller.setRemote(answer)
    try caller.setRemote(secondOffer)
    try page.setRemote(caller.setLocal())
    #expect(call.runUntilConnected())
    call.startMedia()
    call.run(for: .seconds(3))
    #expect(caller.tracks.map(\.mid) == ["2", "3"])
    #expect(caller.tracks.allSatisfy { $0.streamIDs == ["page"] })
    for peer in call.peers {
      #expect(peer.pictures.count > 80)
      #expect(peer.sounds.count > 140)
      #expect(peer.session.statistics().discardedDatagrams == 0)
      #expect(peer.failure == nil)
    }
  }

  @Test func tracksAddedInMidCallFlowAfterANewRound() throws {
    let call = try SimulatedCall()
    try call.caller.addTracks()
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    #expect(call.runUntilConnected())
    call.startMedia()
    call.run(for: .seconds(1))
    #expect(call.callee.pictures.count > 20)
    #expect(call.caller.pictures.isEmpty)

    try call.callee.addTracks()
    #expect(call.callee.has(.negotiationNeeded))
    try call.caller.setRemote(call.callee.setLocal())
    try call.callee.setRemote(call.caller.setLocal())
    let before = call.callee.pictures.count
    call.run(for: .seconds(2))
    #expect(call.caller.pictures.count > 40)
    #expect(call.callee.pictures.count > before + 50, "what flowed before goes on")
    // Sections were taken up again, not added: the callee's transceivers were free.
    #expect(call.caller.session.jsep.transceivers.count == 2)
  }

  @Test func bothMayOfferAtOnce() throws {
    let call = try SimulatedCall()
    let (polite, impolite) = (call.caller, call.callee)
    for peer in call.peers { try peer.addTracks() }
    let politeOffer = try polite.setLocal()
    let impoliteOffer = try impolite.setLocal()
    #expect(throws: PeerConnectionError.self) { try impolite.setRemote(politeOffer) }
    try polite.setRemote(impoliteOffer, rollingBack: true)
    try impolite.setRemote(polite.setLocal())
    #expect(call.runUntilConnected())
    call.startMedia()
    call.run(for: .seconds(2))
    for peer in call.peers { #expect(peer.pictures.count > 50) }
  }

  @Test func iceMayBeRestartedByThePeer() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.startMedia()
    call.run(for: .seconds(1))
    call.caller.session.ice.restart(now: call.now)
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    let before = call.callee.pictures.count
    call.run(for: .seconds(3))
    #expect(call.isConnected)
    #expect(call.callee.pictures.count > before + 80)
    #expect(call.callee.pictureNumbers == Array(0..<UInt32(call.callee.pictures.count)))
  }

  @Test func badCandidatesAreNamed() throws {
    let call = try SimulatedCall()
    for text in ["candidate:1 1 udp", "nonsense", "candidate:1 1 udp 1 192.0.2.1 70000 typ host"] {
      #expect(throws: PeerConnectionError.self) {
        try call.callee.session.addICECandidate(CandidateDescription(candidate: text), now: call.now)
      }
    }
  }

  @Test func candidatesBeforeTheOfferWaitAndAreBounded() throws {
    let call = try SimulatedCall()
    for index in 0..<(3 * Session.maximumHeldCandidates) {
      let text = "candidate:\(index) 1 udp 5 192.0.2.9 \(1000 + index) typ host"
      try call.callee.session.addICECandidate(CandidateDescription(candidate: text), now: call.now)
    }
    #expect(call.callee.session.heldCandidates.count == Session.maximumHeldCandidates)
  }

  @Test(arguments: [true, false]) func closingTellsThePeer(_ callerCloses: Bool) throws {
    let call = try SimulatedCall()
    try call.connect()
    call.startMedia()
    call.run(for: .seconds(1))
    let (closer, other) = callerCloses ? (call.caller, call.callee) : (call.callee, call.caller)
    closer.close()
    call.run(for: .milliseconds(100))
    #expect(closer.session.connectionState == .closed)
    #expect(closer.has(.signalingStateChange(.closed)))
    #expect(other.session.connectionState == .closed)
    #expect(other.has(.connectionStateChange(.closed)))
    #expect(closer.nextDeadline == nil)
    #expect(throws: PeerConnectionError.closed) { try closer.session.createOffer() }
    closer.session.close(now: call.now)
    #expect(closer.session.pollOutput() == nil)
  }

  @Test func aPathThatDiesIsDisconnectedThenFailed() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.setConditions { $0.isDown = true }
    call.run(for: .seconds(15))
    for peer in call.peers { #expect(peer.session.connectionState == .disconnected) }
    call.setConditions { $0.isDown = false }
    call.run(for: .seconds(8))
    #expect(call.isConnected)
    call.setConditions { $0.isDown = true }
    call.run(for: .seconds(40))
    for peer in call.peers {
      #expect(peer.session.connectionState == .failed)
      guard case .iceFailed = peer.failure else {
        Issue.record("\(String(describing: peer.failure))")
        continue
      }
    }
  }
}
