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
    var told: Set<Int> = []
    for _ in 0..<5 {
      let call = try await LoopbackCall()
      try await call.negotiate()
      await call.caller.waitUntilConnected()
      await call.callee.waitUntilConnected()
      #expect(try !ports(toldBy: call).isDisjoint(with: openPorts()))
      await call.close()
      told.formUnion(ports(toldBy: call))
    }
    #expect(told.count >= 10)
    #expect(try told.isDisjoint(with: openPorts()))
  }

  /// The ports of both sides' UDP candidates. Files as such can't be counted: suites that run at the same time open some.
  private func ports(toldBy call: LoopbackCall) -> Set<Int> {
    Set(
      (call.caller.events + call.callee.events).compactMap { event in
        guard case .iceCandidate(let candidate) = event else { return nil }
        let words = candidate.candidate.split(separator: " ")
        return words.count > 5 && words[2] == "udp" ? Int(words[5]) : nil
      })
  }

  /// The ports of this machine's UDP sockets.
  private func openPorts() throws -> Set<Int> {
    let tables = try ["udp", "udp6"].map { try String(contentsOfFile: "/proc/self/net/\($0)", encoding: .utf8) }
    let local = tables.flatMap { $0.split(separator: "\n").dropFirst() }.compactMap {
      $0.split(separator: " ").dropFirst().first?.split(separator: ":").last
    }
    return Set(local.compactMap { Int($0, radix: 16) })
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
