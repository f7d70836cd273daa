import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct ReportTests {
  private func receive(_ statistics: inout ReceptionStatistics, _ numbers: [Int]) -> [ReceptionStatistics.Verdict] {
    numbers.map {
      statistics.received(
        SequenceNumber(UInt16(truncatingIfNeeded: $0)), timestamp: RTPTimestamp(UInt32($0) * 960), size: 100,
        now: .at(milliseconds: Int64($0) * 20))
    }
  }

  @Test func countsLossAndCycles() throws {
    var statistics = ReceptionStatistics(clockRate: 48_000)
    _ = receive(&statistics, Array(65530..<65540).filter { $0 != 65535 && $0 != 65537 })
    let block = statistics.makeReportBlock(ssrc: SSRC(1), now: .at(milliseconds: 0))
    #expect(block?.packetsLost == 2)
    #expect(block?.fractionLost == 51)  // 2 of 10
    #expect(block?.highestSequence == 65539)  // one cycle, number 3
    #expect(block?.jitter == 0)
    #expect(block?.lastSenderReport == 0)
    // One of the lost came late, and nothing was lost since.
    _ = receive(&statistics, [65535, 65540])
    let second = statistics.makeReportBlock(ssrc: SSRC(1), now: .at(milliseconds: 0))
    #expect(second?.packetsLost == 1)
    #expect(second?.fractionLost == 0)
  }

  @Test func jumpsHaveToBeConfirmed() {
    var statistics = ReceptionStatistics(clockRate: 48_000)
    #expect(receive(&statistics, [10, 11]) == [.restarted(10), .accepted(11)])
    #expect(receive(&statistics, [20_000]) == [.rejected])
    #expect(receive(&statistics, [12]) == [.accepted(12)])
    #expect(receive(&statistics, [20_000, 20_001]) == [.rejected, .restarted(65536 + 20_001)])
    #expect(statistics.packetsLost == 0)
  }

  @Test func jitterIsThatOfTheRFC() {
    var statistics = ReceptionStatistics(clockRate: 48_000)
    // Every other packet 10 ms late: the differences are all 480 ticks, so the estimate tends to that.
    for number in 0..<500 {
      _ = statistics.received(
        SequenceNumber(UInt16(number)), timestamp: RTPTimestamp(UInt32(number) * 960), size: 1,
        now: .at(milliseconds: Int64(number) * 20 + (number % 2 == 0 ? 0 : 10)))
    }
    #expect(abs(statistics.jitter - 0.010) < 0.0005)
  }

  @Test func roundTripFromReports() throws {
    // The sender report leaves at 1000, arrives at 1030, the block leaves at 1530 and arrives at 1560.
    var reception = ReceptionStatistics(clockRate: 90_000)
    _ = receive(&reception, [1])
    let report = SenderReport(
      ssrc: SSRC(1), time: NTPTime(.at(milliseconds: 1000)), timestamp: RTPTimestamp(0), packetCount: 0, octetCount: 0)
    reception.received(report, now: .at(milliseconds: 1030))
    let block = try #require(
      { reception.makeReportBlock(ssrc: SSRC(1), now: .at(milliseconds: 1530)) }())
    var estimator = RoundTripEstimator()
    let sample = try #require({ estimator.received(block, now: .at(milliseconds: 1560)) }())
    #expect(abs(sample.nanoseconds - 60_000_000) < 50_000)
    // A report that claims to be from the future, and one without a sender report, say nothing.
    var nonsense = block
    nonsense.delaySinceLastSenderReport = 0x7000_0000
    let ignored = estimator.received(nonsense, now: .at(milliseconds: 1560))
    nonsense.lastSenderReport = 0
    let unknown = estimator.received(nonsense, now: .at(milliseconds: 1560))
    #expect(ignored == nil && unknown == nil)
    #expect(estimator.estimate == sample)
  }

  @Test func senderReportNamesThePresent() throws {
    var reporter = SenderReporter(ssrc: SSRC(9), clockRate: 90_000)
    #expect(reporter.makeReport(now: .at(milliseconds: 0)) == nil)
    reporter.sent(payload: 100)
    reporter.sent(payload: 50)
    reporter.sentFrame(RTPTimestamp(UInt32.max), captured: .at(milliseconds: 100))
    let report = try #require(reporter.makeReport(now: .at(milliseconds: 200)))
    #expect(report.timestamp == RTPTimestamp(8999))
    #expect(report.packetCount == 2 && report.octetCount == 150)
  }

  @Test func ntpTimesDiffer() {
    let early = NTPTime(.at(milliseconds: 999))
    let late = NTPTime(.at(milliseconds: 2500))
    #expect(abs(early.nanoseconds(to: late) - 1_501_000_000) < 10)
    #expect(abs(late.nanoseconds(to: early) + 1_501_000_000) < 10)
  }
}
