import Foundation
import Frames
import NIOCore
import Testing

@testable import PeerConnection

/// Whole peer connections over real sockets on the loopback interface.
@Suite(.timeLimit(.minutes(1))) struct PeerConnectionDriverTests {
  @Test func aCallOverRealSockets() async throws {
    let call = try await LoopbackCall()
    try await call.negotiate()
    await call.caller.waitUntilConnected()
    await call.callee.waitUntilConnected()
    let media = call.sendMedia()
    defer { media.cancel() }
    await call.caller.receiver.waitForMedia(video: 20, audio: 20)
    await call.callee.receiver.waitForMedia(video: 20, audio: 20)
    for side in [call.caller, call.callee] {
      let statistics = await side.connection.statistics()
      #expect(statistics.connectionState == .connected)
      #expect(statistics.srtpProfile == "SRTP_AEAD_AES_128_GCM")
      #expect(statistics.sentVideo.frames >= 20)
      #expect(statistics.receivedVideo.frames >= 20)
      #expect(statistics.selectedPair.contains("host "))
      #expect(statistics.authenticationFailures == 0)
    }
    media.cancel()
    await call.caller.connection.close()
    // The goodbye reaches the other side, and its own end of events comes with its own close.
    await call.callee.waitFor { $0 == .connectionStateChange(.closed) }
    await call.close()
  }

  /// The peer is told names; multicast DNS finds what they stand for.
  @Test func aCallBetweenHiddenAddresses() async throws {
    let call = try await LoopbackCall { $0.hidesAddresses = true }
    try await call.negotiate()
    for side in [call.caller, call.callee] {
      await side.waitUntilConnected()
      await side.waitFor { $0 == .iceGatheringStateChange(.complete) }
      let candidates = side.events.compactMap { event in
        if case .iceCandidate(let candidate) = event { candidate.candidate } else { nil }
      }.filter { !$0.isEmpty }
      #expect(!candidates.isEmpty)
      #expect(candidates.allSatisfy { $0.contains(".local ") && !$0.contains("127.0.0.1") && !$0.contains("::1") })
    }
    await call.close()
  }

  @Test func callsInARowLeaveNothingOpen() async throws {
    func openFiles() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
    func call() async throws {
      let call = try await LoopbackCall()
      try await call.negotiate()
      await call.caller.waitUntilConnected()
      await call.callee.waitUntilConnected()
      await call.close()
    }
    try await call()
    let before = try openFiles()
    for _ in 0..<5 { try await call() }
    // Suites that run at the same time open files, too; sockets of these five calls would be ten and more.
    #expect(try openFiles() < before + 8)
  }

  @Test func operationsAfterCloseAreRefused() async throws {
    let call = try await LoopbackCall()
    await call.close()
    await call.close()
    await #expect(throws: PeerConnectionError.closed) { try await call.caller.connection.createOffer() }
    await #expect(throws: PeerConnectionError.closed) {
      try await call.caller.connection.addICECandidate(CandidateDescription(candidate: ""))
    }
    let frame = EncodedVideoFrame(payload: ByteBuffer(), isKeyFrame: true, timestamp: 0, time: .now())
    for _ in 0..<200 { call.caller.connection.send(video: frame) }
    #expect(await call.caller.connection.statistics().framesDroppedUnsent == 200)
  }
}
