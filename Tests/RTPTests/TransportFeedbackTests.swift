import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct TransportFeedbackTests {
  private func parse(_ buffer: ByteBuffer) throws -> TransportFeedback {
    var packets: [RTCPPacket] = []
    try RTCPParser.parse(buffer, into: &packets)
    guard case .transportFeedback(let feedback)? = packets.first else { throw RTPError.malformed("test vector") }
    return feedback
  }

  /// Built by hand from the figures of the draft, section 3.1.
  @Test func readsEveryKindOfChunk() throws {
    // Run of 3 small deltas; 1-bit vector 10000000000001 (first and last of 14); 2-bit vector: small, missing, large,
    // missing x4. 3 + 14 + 7 = 24 packets from 0xFFFE on.
    let wire = bytes(
      """
      AF CD 0008 00000001 00000002 FFFE 0018 000010 07
      2003 A001 D200 04 08 0C 10 14 18 FFF0 0002
      """)
    let feedback = try parse(wire)
    #expect(feedback.baseSequence == 0xFFFE)
    #expect(feedback.statusCount == 24)
    #expect(feedback.referenceTime == 16)
    #expect(feedback.feedbackCount == 7)
    #expect(feedback.arrivals.map(\.offset) == [0, 1, 2, 3, 16, 17, 19])
    #expect(feedback.arrivals.map(\.ticks) == [4, 12, 24, 40, 60, 84, 68])
  }

  @Test func runsOfMissingPacketsCostNothing() throws {
    let wire = bytes("8F CD 0005 00000001 00000002 0000 FFFF 000000 00 1FFF1FFF")
    // Too few chunks for 65535 packets.
    #expect(throws: RTPError.truncated("transport feedback chunks")) { try parse(wire) }
    let claims = bytes("8F CD 0005 00000001 00000002 0000 1FFF 000000 00 3FFF0000")
    #expect(throws: RTPError.truncated("transport feedback deltas")) { try parse(claims) }
  }

  @Test func randomArrivalsReadBack() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      var arrivals: [TransportFeedback.Arrival] = []
      let count = Int.random(in: 1...120, using: &generator)
      let density = Double.random(in: 0...1, using: &generator)
      let spread = [10, 300, 5000].randomElement(using: &generator) ?? 10
      var ticks: Int64 = 0
      for offset in 0..<count where Double.random(in: 0..<1, using: &generator) < density {
        ticks += Int64.random(in: -5...Int64(spread), using: &generator)
        arrivals.append(.init(offset: offset, ticks: ticks))
      }
      let feedback = TransportFeedback(
        sender: SSRC(1), media: SSRC(2), baseSequence: .random(in: 0...UInt16.max, using: &generator),
        statusCount: count, referenceTime: 0xFF_FFFF, feedbackCount: 255, arrivals: arrivals)
      var buffer = ByteBuffer()
      buffer.writeRTCP(.transportFeedback(feedback))
      #expect(buffer.readableBytes % 4 == 0)
      #expect(try parse(buffer) == feedback)
    }
  }

  /// Feedback from one end joined at the other gives back the times of sending and arriving.
  @Test func recorderAndLogAgree() throws {
    var generator = SeededGenerator(seed: 4)
    var log = SentPacketLog()
    var recorder = TransportFeedbackRecorder()
    var results: [PacketResult] = []
    var lost = 0
    var sent = 0
    for millisecond in 0..<Int64(20_000) where millisecond % 3 == 0 {
      let now = NIODeadline.at(milliseconds: 1000 + millisecond)
      let number = log.register(size: 1000, now: now)
      sent += 1
      if Int.random(in: 0..<10, using: &generator) == 0 {
        lost += 1
      } else {
        recorder.received(number, now: now + .milliseconds(40))
      }
      while let feedback = recorder.poll(now: now + .milliseconds(40), sender: SSRC(1), media: SSRC(2)) {
        var wire = ByteBuffer()
        wire.writeRTCP(.transportFeedback(feedback))
        #expect(wire.readableBytes < 1000)
        log.join(try parse(wire), into: &results)
      }
    }
    // The last feedback may lack what came after it.
    #expect(results.count > sent - 30)
    #expect(abs(results.count { $0.arrival == nil } - lost) < 10)
    let delays = results.compactMap { result in result.arrival.map { $0 - Int64(result.sent.uptimeNanoseconds) } }
    let least = try #require(delays.min())
    let most = try #require(delays.max())
    // Times are carried in quarters of a millisecond.
    #expect(most - least <= 250_000)
  }

  @Test func feedbackComesEveryFiftyMilliseconds() {
    var recorder = TransportFeedbackRecorder()
    var reports = 0
    for millisecond in 0..<Int64(1000) {
      let now = NIODeadline.at(milliseconds: millisecond)
      if millisecond % 10 == 0 { recorder.received(UInt16(millisecond / 10), now: now) }
      while recorder.poll(now: now, sender: SSRC(1), media: SSRC(2)) != nil { reports += 1 }
    }
    #expect((18...21).contains(reports))
    #expect(recorder.nextDeadline != nil)
    _ = recorder.poll(now: .at(milliseconds: 2000), sender: SSRC(1), media: SSRC(2))
    #expect(recorder.nextDeadline == nil)
  }

  @Test func lateArrivalIsReportedAgain() throws {
    var recorder = TransportFeedbackRecorder()
    recorder.received(10, now: .at(milliseconds: 0))
    recorder.received(12, now: .at(milliseconds: 1))
    let before = recorder.poll(now: .at(milliseconds: 1), sender: SSRC(1), media: SSRC(2))
    let first = try #require(before)
    #expect(first.arrivals.map(\.offset) == [0, 2])
    recorder.received(11, now: .at(milliseconds: 60))
    let after = recorder.poll(now: .at(milliseconds: 60), sender: SSRC(1), media: SSRC(2))
    let second = try #require(after)
    #expect(second.baseSequence == 11)
    #expect(second.arrivals.map(\.offset) == [0, 1])
    #expect(second.feedbackCount == 1)
  }

  @Test func hostileNumbersStayBounded() {
    var generator = SeededGenerator(seed: 5)
    var recorder = TransportFeedbackRecorder()
    var log = SentPacketLog()
    var results: [PacketResult] = []
    var now = NIODeadline.at(milliseconds: 0)
    for _ in 0..<3000 {
      now = now + .microseconds(.random(in: 0...20_000, using: &generator))
      recorder.received(.random(in: 0...UInt16.max, using: &generator), now: now)
      while let feedback = recorder.poll(now: now, sender: SSRC(1), media: SSRC(2)) {
        #expect(feedback.arrivals.count <= TransportFeedbackRecorder.maximumArrivals)
        _ = log.register(size: 100, now: now)
        log.join(feedback, into: &results)
      }
    }
    #expect(results.count <= 3000)
  }
}
