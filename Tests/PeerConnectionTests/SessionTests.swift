import Frames
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
    #expect(call.caller.session.connectionState == .connected)
    call.startMedia()
    try call.run(for: .seconds(5))
    for peer in call.peers {
      #expect(peer.videoNumbers.count > 140)
      #expect(peer.videoNumbers == (0..<UInt32(peer.videoNumbers.count)).map { $0 })
      #expect(peer.videoFrames.first?.isKeyFrame == true)
      #expect(peer.audioPackets.count > 245)
      #expect(peer.audioPackets.first?.level == 30)
      #expect(peer.has(.connectionStateChange(.connecting)))
      #expect(peer.has(.connectionStateChange(.connected)))
      #expect(peer.failure == nil)
      let statistics = peer.session.statistics()
      #expect(statistics.dtls == "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256")
      #expect(statistics.srtpProfile == "SRTP_AEAD_AES_128_GCM")
      #expect(statistics.selectedPair.contains("host 192.0.2.1:5000"))
      #expect(statistics.sentVideo.frames > 140)
      #expect(statistics.receivedVideo.frames > 140)
      #expect(statistics.receivedAudio.packets > 245)
      #expect(statistics.authenticationFailures == 0)
      #expect(statistics.discardedDatagrams == 0)
      #expect(statistics.roundTripTime != nil)
    }
  }

  @Test func setUpTakesFewRoundTrips() throws {
    let call = try SimulatedCall()
    call.delay = .milliseconds(10)
    let start = call.now
    try call.connect()
    #expect(call.now - start < .milliseconds(120))
  }

  @Test(arguments: [0.0, 0.05, 0.1]) func lostPacketsAreSentAgain(_ loss: Double) throws {
    let call = try SimulatedCall(seed: 5)
    call.delay = .milliseconds(15)
    try call.connect()
    call.loss = loss
    call.startMedia()
    try call.run(for: .seconds(10))
    for peer in call.peers {
      let numbers = peer.videoNumbers
      #expect(numbers == numbers.sorted(), "frames come in decoding order")
      #expect(Set(numbers).count == numbers.count)
      // Where a frame is missing, the next one that comes is a key frame.
      for (before, after) in zip(peer.videoFrames.indices, peer.videoFrames.indices.dropFirst()) {
        #expect(numbers[after] == numbers[before] + 1 || peer.videoFrames[after].isKeyFrame)
      }
      #expect(numbers.count > 280, "\(numbers.count) of about 300 frames")
      let statistics = peer.session.statistics()
      #expect((statistics.receivedVideo.retransmissions > 0) == (loss > 0))
      #expect((statistics.sentVideo.retransmissions > 0) == (loss > 0))
    }
  }

  @Test func aKeyFrameCanBeAskedFor() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.startMedia()
    try call.run(for: .seconds(1))
    let before = call.callee.count { if case .keyFrameRequested = $0 { true } else { false } }
    call.caller.session.requestKeyFrame(now: call.now)
    try call.run(for: .seconds(1))
    let after = call.callee.count { if case .keyFrameRequested = $0 { true } else { false } }
    #expect(after == before + 1)
    #expect(call.caller.videoFrames.count(where: \.isKeyFrame) == 2)
  }

  /// The callee answers recvonly and sends its own media in four sections by a second offer, while the first answer may
  /// still be on its way.
  @Test func theSecondOfferOfMDNsPageIsTakenInMidCall() throws {
    let call = try SimulatedCall()
    let (caller, page) = (call.caller, call.callee)
    try caller.addTracks()
    let offer = try call.offer(caller)
    try call.accept(offer, by: page)
    for kind in TrackKind.allCases {
      try page.session.addTransceiver(kind, direction: .sendrecv, streamID: "page")
    }
    let answer = try call.answer(page)
    call.drain()
    #expect(page.has(.negotiationNeeded))
    let secondOffer = try call.offer(page)
    // Both arrive at once.
    try call.accept(answer, by: caller)
    try call.accept(secondOffer, by: caller)
    let secondAnswer = try call.answer(caller)
    try call.accept(secondAnswer, by: page)
    try call.run(for: .seconds(20)) { call.peers.allSatisfy { $0.session.connectionState == .connected } }
    call.startMedia()
    try call.run(for: .seconds(3))
    let tracks = caller.events.compactMap { if case .track(let track) = $0 { track } else { nil } }
    #expect(tracks.map(\.mid) == ["2", "3"])
    #expect(tracks.allSatisfy { $0.streamIDs == ["page"] })
    for peer in call.peers {
      #expect(peer.videoNumbers.count > 80)
      #expect(peer.audioPackets.count > 140)
      #expect(peer.session.statistics().discardedDatagrams == 0)
      #expect(peer.failure == nil)
    }
  }

  @Test func tracksAddedInMidCallFlowAfterANewRound() throws {
    let call = try SimulatedCall()
    try call.caller.addTracks()
    let offer = try call.offer(call.caller)
    try call.accept(offer, by: call.callee)
    let answer = try call.answer(call.callee)
    try call.accept(answer, by: call.caller)
    try call.run(for: .seconds(20)) { call.peers.allSatisfy { $0.session.connectionState == .connected } }
    call.startMedia()
    try call.run(for: .seconds(1))
    #expect(call.callee.videoNumbers.count > 20)
    #expect(call.caller.videoNumbers.isEmpty)

    try call.callee.addTracks()
    call.drain()
    #expect(call.callee.has(.negotiationNeeded))
    let second = try call.offer(call.callee)
    try call.accept(second, by: call.caller)
    let secondAnswer = try call.answer(call.caller)
    try call.accept(secondAnswer, by: call.callee)
    let before = call.callee.videoNumbers.count
    try call.run(for: .seconds(2))
    #expect(call.caller.videoNumbers.count > 40)
    #expect(call.callee.videoNumbers.count > before + 50, "what flowed before goes on")
    // Sections were taken up again, not added: the callee's transceivers were free.
    #expect(call.caller.session.jsep.transceivers.count == 2)
  }

  @Test func bothMayOfferAtOnce() throws {
    let call = try SimulatedCall()
    for peer in call.peers { try peer.addTracks() }
    let (polite, impolite) = (call.caller, call.callee)
    let politeOffer = try call.offer(polite)
    let impoliteOffer = try call.offer(impolite)
    #expect(throws: PeerConnectionError.self) { try call.accept(politeOffer, by: impolite) }
    try call.accept(impoliteOffer, by: polite, rollingBack: true)
    let answer = try call.answer(polite)
    try call.accept(answer, by: impolite)
    try call.run(for: .seconds(20)) { call.peers.allSatisfy { $0.session.connectionState == .connected } }
    call.startMedia()
    try call.run(for: .seconds(2))
    for peer in call.peers { #expect(peer.videoNumbers.count > 50) }
  }

  @Test func candidatesMayComeBeforeTheOffer() throws {
    let call = try SimulatedCall()
    try call.caller.addTracks()
    let offer = try call.offer(call.caller)
    try call.trickle()
    try call.accept(offer, by: call.callee)
    try call.callee.addTracks()
    let answer = try call.answer(call.callee)
    try call.accept(answer, by: call.caller)
    try call.run(for: .seconds(20)) { call.peers.allSatisfy { $0.session.connectionState == .connected } }
    #expect(call.callee.session.connectionState == .connected)
  }

  @Test func badCandidatesAreNamed() throws {
    let call = try SimulatedCall()
    for text in ["candidate:1 1 udp", "nonsense", "candidate:1 1 udp 1 192.0.2.1 70000 typ host"] {
      #expect(throws: PeerConnectionError.self) {
        try call.callee.session.addICECandidate(CandidateDescription(candidate: text), now: call.now)
      }
    }
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
    try call.run(for: .seconds(1))
    let (closer, other) = callerCloses ? (call.caller, call.callee) : (call.callee, call.caller)
    closer.sendsMedia = false
    closer.session.close(now: call.now)
    try call.run(for: .milliseconds(100))
    #expect(closer.session.connectionState == .closed)
    #expect(closer.has(.signalingStateChange(.closed)))
    #expect(other.session.connectionState == .closed)
    #expect(other.has(.connectionStateChange(.closed)))
    #expect(closer.session.nextDeadline(now: call.now) == nil)
    #expect(throws: PeerConnectionError.closed) { try closer.session.createOffer() }
    closer.session.close(now: call.now)
    #expect(closer.session.pollOutput() == nil)
  }

  @Test func aPathThatDiesIsDisconnectedThenFailed() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.tamper = { _ in [] }
    try call.run(for: .seconds(15))
    for peer in call.peers {
      #expect(peer.session.connectionState == .disconnected)
    }
    call.tamper = { [$0] }
    try call.run(for: .seconds(8))
    for peer in call.peers { #expect(peer.session.connectionState == .connected) }
    call.tamper = { _ in [] }
    try call.run(for: .seconds(40))
    for peer in call.peers {
      #expect(peer.session.connectionState == .failed)
      guard case .iceFailed = peer.failure else {
        Issue.record("\(String(describing: peer.failure))")
        continue
      }
    }
  }
}
