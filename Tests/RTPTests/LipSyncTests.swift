import Frames
import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct LipSyncTests {
  /// Clocks of a sender whose picture and sound timestamps start anywhere.
  private func clocks() -> (audio: ClockMapping, video: ClockMapping) {
    var audio = ClockMapping(clockRate: 48_000)
    var video = ClockMapping(clockRate: 90_000)
    audio.received(
      SenderReport(
        ssrc: SSRC(1), time: NTPTime(.at(milliseconds: 5000)), timestamp: RTPTimestamp(UInt32.max - 100),
        packetCount: 0, octetCount: 0))
    video.received(
      SenderReport(
        ssrc: SSRC(2), time: NTPTime(.at(milliseconds: 5400)), timestamp: RTPTimestamp(777), packetCount: 0,
        octetCount: 0))
    return (audio, video)
  }

  @Test func mappingFindsTheTimeBetween() throws {
    let (audio, video) = clocks()
    // Sound of 5100, picture of 5300.
    let between = try #require(
      audio.nanoseconds(
        from: RTPTimestamp(UInt32.max - 100 &+ 4800), to: RTPTimestamp(777 &- 9000), of: video))
    #expect(abs(between - 200_000_000) < 1000)
    #expect(ClockMapping(clockRate: 1).nanoseconds(from: RTPTimestamp(0), to: RTPTimestamp(0), of: video) == nil)
  }

  /// Plays sound with `audioDelay` and picture with `videoDelay` after capture, following what lip sync asks for; gives
  /// by how many milliseconds the picture is late in the end.
  private func settle(audioDelay: Int64, videoDelay: Int64) -> Int64 {
    let (audioClock, videoClock) = clocks()
    var sync = LipSync()
    var offset: Int64 = 0
    for step in Int64(0)..<1000 {
      let capture = 6000 + step * 20
      let audioTime = capture + audioDelay + sync.audioDelay.nanoseconds / 1_000_000
      let videoTime = capture + videoDelay + sync.videoDelay.nanoseconds / 1_000_000
      offset = videoTime - audioTime
      sync.update(
        audio: .init(
          timestamp: RTPTimestamp(UInt32.max - 100 &+ UInt32((capture - 5000) * 48)), time: .at(milliseconds: audioTime)
        ),
        audioClock: audioClock,
        video: .init(
          timestamp: RTPTimestamp(777 &+ UInt32((capture - 5400) * 90)), time: .at(milliseconds: videoTime)),
        videoClock: videoClock)
    }
    return offset
  }

  @Test(arguments: [(Int64(50), Int64(50)), (200, 40), (400, 100), (40, 200), (60, 300)])
  func pictureAndSoundMeet(audioDelay: Int64, videoDelay: Int64) {
    #expect(abs(settle(audioDelay: audioDelay, videoDelay: videoDelay)) <= 21)
  }

  @Test func absurdDifferencesAreIgnored() {
    #expect(settle(audioDelay: 20_000, videoDelay: 0) == -20_000)
    // What can be done is bounded.
    #expect(settle(audioDelay: 3000, videoDelay: 0) == -3000 + LipSync.longest / 1_000_000)
  }

  /// In a call: sound that is captured, sent and played later holds the picture back.
  @Test func aCallFindsSync() throws {
    let call = SimulatedCall(seed: 41)
    call.onAudio = { packet in
      // A speaker that is 200 ms behind.
      call.callee.reportAudioPlayout(mid: "a", timestamp: packet.timestamp, at: call.now + .milliseconds(200))
    }
    call.run(milliseconds: 8000)
    let last = try #require(call.framesReceived.last)
    let number = try #require(call.receivedNumbers().last)
    let captured = SimulatedCall.start + Int64(number) * 33
    let delay = Int64(last.time.uptimeNanoseconds) / 1_000_000 - captured
    // 25 ms on the way and 200 ms in the speaker.
    #expect(abs(delay - 225) <= 30)
  }
}
