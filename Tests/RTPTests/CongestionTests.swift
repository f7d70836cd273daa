import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct CongestionTests {
  private let limits = BitrateLimits(minimum: 100_000, start: 1_000_000, maximum: 2_000_000)

  @Test func riseWithoutLossToTheMaximum() {
    var controller = SendRateController(limits)
    for second in Int64(0)..<60 { controller.lossReported(0, now: .at(milliseconds: second * 1000)) }
    #expect(controller.targetBitrate == 2_000_000)
  }

  @Test func fallWithLossToTheMinimum() {
    var controller = SendRateController(limits)
    controller.lossReported(0.2, now: .at(milliseconds: 0))
    controller.lossReported(0.2, now: .at(milliseconds: 1000))
    #expect(controller.targetBitrate == 900_000)
    controller.lossReported(0.05, now: .at(milliseconds: 2000))
    #expect(controller.targetBitrate == 900_000)
    for second in Int64(3)..<60 { controller.lossReported(1, now: .at(milliseconds: second * 1000)) }
    #expect(controller.targetBitrate == 100_000)
  }

  @Test func peerLimitsTheRate() {
    var controller = SendRateController(limits)
    controller.maximumReported(300_000, now: .at(milliseconds: 0))
    #expect(controller.targetBitrate == 300_000)
    controller.maximumReported(0, now: .at(milliseconds: 0))
    #expect(controller.targetBitrate == 100_000)
    controller.maximumReported(.max, now: .at(milliseconds: 0))
    #expect(controller.targetBitrate == 1_000_000)
  }

  @Test func feedbackAboutEveryPacketTakesPrecedence() {
    var controller = SendRateController(limits)
    let result = PacketResult(size: 1000, sent: .at(milliseconds: 0), arrival: 1)
    for tick in Int64(0)..<100 {
      controller.transportFeedback([result, result], now: .at(milliseconds: tick * 50))
      controller.lossReported(0.5, now: .at(milliseconds: tick * 50))
    }
    #expect(controller.targetBitrate > 1_300_000)
  }

  private func packet(_ kind: OutgoingPacket.Kind, size: Int = 1000) -> OutgoingPacket {
    OutgoingPacket(bytes: ByteBuffer(repeating: 0, count: size), kind: kind)
  }

  @Test func pacerSpreadsABurst() {
    var pacer = Pacer(targetBitrate: 800_000)
    for _ in 0..<50 { pacer.enqueue(packet(.video)) }
    var times: [Int64] = []
    for millisecond in Int64(1000)..<2000 {
      pacer.poll(now: .at(milliseconds: millisecond)) { _ in times.append(millisecond) }
    }
    #expect(times.count == 50)
    // 1000 bytes at 2.5 x 800 kbit/s take 4 ms each.
    let length = (times.last ?? 0) - (times.first ?? 0)
    #expect((180...200).contains(length))
    #expect(pacer.nextDeadline == nil)
  }

  @Test func pacerNeverTakesTooLong() {
    var pacer = Pacer(targetBitrate: 50_000)
    for _ in 0..<200 { pacer.enqueue(packet(.video)) }
    var sent = 0
    for millisecond in Int64(0)..<2500 { pacer.poll(now: .at(milliseconds: millisecond)) { _ in sent += 1 } }
    #expect(sent > 190)
  }

  @Test func soundFirstThenRepairs() {
    var pacer = Pacer(targetBitrate: 100_000)
    pacer.enqueue(packet(.video))
    pacer.enqueue(packet(.video))
    pacer.enqueue(packet(.retransmission))
    pacer.enqueue(packet(.audio, size: 100))
    #expect(pacer.nextDeadline == .at(milliseconds: 0))
    var kinds: [OutgoingPacket.Kind] = []
    while let deadline = pacer.nextDeadline { pacer.poll(now: deadline) { kinds.append($0.kind) } }
    #expect(kinds == [.audio, .retransmission, .video, .video])
  }

  @Test func pacerQueueIsBounded() {
    var pacer = Pacer(targetBitrate: 100_000)
    for _ in 0..<3000 { pacer.enqueue(packet(.video, size: 10)) }
    #expect(pacer.count == Pacer.maximumPackets)
    #expect(pacer.dropped == 3000 - Pacer.maximumPackets)
  }
}
