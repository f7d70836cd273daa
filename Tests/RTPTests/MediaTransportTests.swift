import Frames
import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct MediaTransportTests {
  @Test func aCleanCallDeliversEverything() throws {
    let call = SimulatedCall(seed: 1)
    call.run(milliseconds: 10_000)
    call.isSending = false
    call.run(milliseconds: 500)
    #expect(call.receivedNumbers() == Array(0..<UInt32(call.framesSent.count)))
    #expect(call.audioReceived.count == 500)
    #expect(call.audioReceived.allSatisfy { $0.level == 20 })
    #expect(call.errors == [])
    #expect(call.keyFrameRequests == 0)
    // A clean path needs little delay: frames are shown soon after they came.
    let receiver = try #require(call.callee.statistics.receivers.first { $0.isVideo })
    #expect(receiver.playoutDelay < 0.02)
    #expect(receiver.packetsLost == 0 && receiver.nacksSent == 0)
    #expect(receiver.framesReceived == call.framesSent.count)
    let roundTrip = try #require(call.caller.statistics.roundTrip)
    #expect(abs(roundTrip.nanoseconds - 50_000_000) < 3_000_000)
    #expect(call.bitrates.last ?? 0 > 1_200_000)
    #expect((call.rtcpSizes.max() ?? 0) <= 1200)
  }

  /// With retransmission every frame comes, within the time that playing allows.
  @Test(arguments: [(0.05, true), (0.1, true), (0.2, true), (0.1, false)])
  func lossIsRepaired(loss: Double, usesRetransmission: Bool) throws {
    let path = Path(jitter: .milliseconds(8), loss: loss, duplication: 0.01)
    let call = SimulatedCall(seed: 7, there: path, back: path, usesRetransmission: usesRetransmission)
    call.run(milliseconds: 10_000)
    call.isSending = false
    call.run(milliseconds: 2000)
    let numbers = call.receivedNumbers()
    #expect(numbers == Array(0..<UInt32(call.framesSent.count)) || (loss > 0.1 && numbers.count >= 275))
    #expect(numbers == numbers.sorted())
    #expect(call.errors == [])
    let receiver = try #require(call.callee.statistics.receivers.first { $0.isVideo })
    #expect(receiver.packetsRecovered > 25 || !usesRetransmission)
    #expect(receiver.duplicates > 0)
    // Numbers of the playout: nothing waits longer than the repair takes.
    #expect(receiver.playoutDelay <= 0.2)
    let sender = try #require(call.caller.statistics.senders.first { $0.isVideo })
    #expect(sender.packetsRetransmitted >= receiver.packetsRecovered)
    // Packets sent again under their own numbers hide the loss from the reports.
    #expect(!usesRetransmission || sender.packetsLost > 25)
  }

  @Test func reorderingAloneCausesNoRequests() throws {
    let call = SimulatedCall(seed: 3, there: Path(jitter: .milliseconds(6)))
    call.run(milliseconds: 5000)
    let receiver = try #require(call.callee.statistics.receivers.first { $0.isVideo })
    #expect(receiver.packetsLost <= 5)
    #expect(receiver.nacksSent < 40)
    #expect(call.receivedNumbers().count > call.framesSent.count - 8)
  }

  /// When packets cannot be had again, the picture goes on with a key frame that was asked for.
  @Test func keyFrameEndsAGapThatNothingRepairs() throws {
    let call = SimulatedCall(seed: 4)
    call.run(milliseconds: 2000)
    let before = call.receivedNumbers().count
    // A second of outage; what was lost is not to be had again either.
    let outage = (call.now, call.now + .seconds(1))
    var lost: Set<UInt16> = []
    call.losing = { packet in
      let isOut = (outage.0...outage.1).contains(call.now)
      if packet.ssrc == SSRC(1000), isOut { lost.insert(packet.sequenceNumber.rawValue) }
      let original = packet.payload.getInteger(at: packet.payload.readerIndex, as: UInt16.self) ?? 0
      return isOut || (packet.ssrc == SSRC(1001) && lost.contains(original))
    }
    call.run(milliseconds: 5000)
    #expect((1...4).contains(call.keyFrameRequests))
    let numbers = call.receivedNumbers()
    #expect(numbers.count > before + 60)
    #expect(numbers == numbers.sorted())
    // The first frame after the gap is a key frame.
    let gap = try #require(numbers.indices.dropFirst().first { numbers[$0] != numbers[$0 - 1] + 1 })
    #expect(call.framesReceived[gap].isKeyFrame)
    // Less than a second after the outage.
    #expect(call.framesReceived[gap].time < outage.1 + .milliseconds(900))
  }

  @Test func aFrameBeforeTheFirstKeyFrameAsksForOne() {
    let call = SimulatedCall(seed: 5)
    call.losing = { packet in call.now < .at(milliseconds: SimulatedCall.start + 400) && packet.ssrc != SSRC(2000) }
    call.run(milliseconds: 2000)
    #expect((1...3).contains(call.keyFrameRequests))
    #expect(call.framesReceived.first?.isKeyFrame == true)
    #expect(call.receivedNumbers().count > 25)
  }

  @Test func retransmissionsAreNotRepeatedWithinARoundTrip() throws {
    let call = SimulatedCall(seed: 6)
    call.run(milliseconds: 1000)
    let nack = GenericNACK(sender: SSRC(5), media: SSRC(1000), sequences: [])
    // The last packet sent, named again and again.
    var sequence: SequenceNumber?
    call.losing = {
      if $0.ssrc == SSRC(1000) { sequence = $0.sequenceNumber }
      return false
    }
    call.run(milliseconds: 100)
    var asking = nack
    asking.sequences = [try #require(sequence)]
    var wire = ByteBuffer()
    wire.writeRTCP(.nack(asking))
    let before = try #require(call.caller.statistics.senders.first { $0.isVideo }).packetsRetransmitted
    for millisecond in Int64(0)..<40 {
      try call.caller.receiveRTCP(wire, now: call.now + .milliseconds(millisecond))
    }
    let after = try #require(call.caller.statistics.senders.first { $0.isVideo }).packetsRetransmitted
    #expect(after - before <= 1)
  }

  @Test func keyFrameRequestsAreThinnedOut() throws {
    let call = SimulatedCall(seed: 8)
    call.run(milliseconds: 100)
    var intra = ByteBuffer()
    intra.writeRTCP(
      .fullIntraRequest(.init(sender: SSRC(1), requests: [.init(media: SSRC(1000), commandSequence: 1)])))
    var loss = ByteBuffer()
    loss.writeRTCP(.pictureLoss(.init(sender: SSRC(1), media: SSRC(1000))))
    for step in Int64(0)..<10 {
      try call.caller.receiveRTCP(intra, now: call.now + .milliseconds(step * 400))
    }
    call.run(milliseconds: 1)
    #expect(call.keyFrameRequests == 1)
    for step in Int64(0)..<100 {
      try call.caller.receiveRTCP(loss, now: call.now + .milliseconds(5000 + step * 10))
    }
    call.run(milliseconds: 1)
    #expect((4...5).contains(call.keyFrameRequests))
  }

  @Test func goodbyeComesOnceAndOver() throws {
    let call = SimulatedCall(seed: 9)
    call.run(milliseconds: 1000)
    call.caller.close()
    call.run(milliseconds: 200)
    #expect(call.ended.sorted() == ["a", "v"])
    #expect(call.caller.nextDeadline == nil)
    let count = call.framesSent.count
    call.run(milliseconds: 500)
    #expect(call.receivedNumbers().count <= count)
    #expect(call.caller.statistics.senders == [])
  }

  @Test func withoutReducedSizeAReportComesFirst() throws {
    let call = SimulatedCall(seed: 10, there: Path(loss: 0.1)) { $0.usesReducedSizeRTCP = false }
    var output = MediaOutput()
    call.run(milliseconds: 1000)
    var seen = 0
    for _ in 0..<200 {
      call.run(milliseconds: 10)
      call.callee.poll(now: call.now + .milliseconds(60), into: &output)
      for datagram in output.rtcp {
        var packets: [RTCPPacket] = []
        try RTCPParser.parse(datagram, into: &packets)
        guard case .receiverReport? = packets.first else {
          Issue.record("begins with \(packets)")
          continue
        }
        #expect(packets.contains { if case .sourceDescription = $0 { true } else { false } })
        seen += 1
      }
      output.removeAll()
    }
    #expect(seen > 0)
  }

  @Test func packetsHaveRoomForSRTP() {
    let call = SimulatedCall(seed: 11)
    let caller = call.caller
    var output = MediaOutput()
    caller.send(
      video: .init(
        payload: ByteBuffer(repeating: 0, count: 30_000), isKeyFrame: true, timestamp: 0, time: call.now), mid: "v",
      now: call.now)
    while let deadline = caller.nextDeadline, output.rtp.count < 26 {
      caller.poll(now: max(deadline, call.now), into: &output)
    }
    #expect(output.rtp.count >= 26)
    #expect(output.rtp.allSatisfy { $0.readableBytes <= 1200 && $0.writableBytes >= OutgoingPacket.trailingRoom })
    #expect(output.rtcp.allSatisfy { $0.writableBytes >= OutgoingPacket.trailingRoom })
  }

  /// The same number never goes out with other bytes, or SRTP would encrypt both with one keystream.
  @Test func repeatedPacketsAreTheSameToTheBit() {
    let call = SimulatedCall(seed: 12, there: Path(loss: 0.1), usesRetransmission: false)
    var sent: [SequenceNumber: ByteBuffer] = [:]
    var repeated = 0
    call.losing = { packet in
      guard packet.ssrc == SSRC(1000) else { return false }
      if let before = sent.updateValue(packet.payload, forKey: packet.sequenceNumber) {
        repeated += 1
        #expect(before == packet.payload)
        #expect(packet.extensions.values(SimulatedCall.extensions).transportSequence == nil)
      }
      return false
    }
    call.run(milliseconds: 3000)
    #expect(repeated > 5)
  }
}
