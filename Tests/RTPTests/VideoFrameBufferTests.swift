import Frames
import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct VideoFrameBufferTests {
  /// A packet of a made-up frame.
  private func insert(
    _ buffer: inout VideoFrameBuffer, _ sequence: Int64, frame: UInt32, start: Bool = false, end: Bool = false,
    key: Bool = false, size: Int = 10, at milliseconds: Int64
  ) {
    var packet = RTPPacket(ssrc: SSRC(1))
    packet.isMarked = end
    packet.timestamp = RTPTimestamp(frame &* 3000)
    packet.payload = ByteBuffer(repeating: key ? 0 : 1, count: size)
    var descriptor = VP8PayloadDescriptor()
    descriptor.startsPartition = start
    buffer.insert(packet, sequence: sequence, descriptor: descriptor, now: .at(milliseconds: milliseconds))
  }

  private func poll(_ buffer: inout VideoFrameBuffer, _ milliseconds: Int64) -> [UInt32] {
    var frames: [UInt32] = []
    buffer.poll(now: .at(milliseconds: milliseconds)) { frames.append($0.timestamp / 3000) }
    return frames
  }

  private func needsKeyFrame(_ buffer: VideoFrameBuffer, _ milliseconds: Int64) -> Bool {
    buffer.needsKeyFrame(now: .at(milliseconds: milliseconds), roundTrip: .milliseconds(50))
  }

  @Test func framesComeOutInOrderWhateverOrderPacketsHave() {
    for seed in UInt64(0)..<20 {
      var generator = SeededGenerator(seed: seed)
      var buffer = VideoFrameBuffer()
      var packets: [(sequence: Int64, frame: UInt32, part: Int)] = []
      for frame in UInt32(0)..<8 {
        for part in 0..<3 { packets.append((Int64(frame) * 3 + Int64(part), frame, part)) }
      }
      packets.shuffle(using: &generator)
      for packet in packets {
        insert(
          &buffer, packet.sequence, frame: packet.frame, start: packet.part == 0, end: packet.part == 2,
          key: packet.frame == 0, at: 0)
      }
      #expect(poll(&buffer, 2000) == Array(0..<8))
      #expect(buffer.heldBytes == 0 && buffer.heldFrames == 0)
    }
  }

  @Test func aPacketThatHoldsNothingOnlyFillsTheNumbers() {
    var buffer = VideoFrameBuffer()
    insert(&buffer, 1, frame: 1, start: true, end: true, key: true, at: 0)
    insert(&buffer, 4, frame: 2, start: true, end: true, at: 0)
    #expect(poll(&buffer, 1500) == [1])
    var filler = RTPPacket(ssrc: SSRC(1))
    filler.payload = ByteBuffer()
    buffer.insert(filler, sequence: 3, descriptor: nil, now: .at(milliseconds: 1500))
    #expect(poll(&buffer, 1500) == [])
    buffer.insert(filler, sequence: 2, descriptor: nil, now: .at(milliseconds: 1500))
    #expect(poll(&buffer, 1500) == [2])
  }

  @Test func framesWaitForAMissingOneUntilAKeyFrame() {
    var buffer = VideoFrameBuffer()
    insert(&buffer, 1, frame: 1, start: true, end: true, key: true, at: 0)
    #expect(poll(&buffer, 100) == [1])
    insert(&buffer, 3, frame: 3, start: true, end: true, at: 100)
    #expect(poll(&buffer, 250) == [])
    #expect(!needsKeyFrame(buffer, 500))
    #expect(needsKeyFrame(buffer, 501))
    insert(&buffer, 4, frame: 4, start: true, key: true, at: 510)
    #expect(!needsKeyFrame(buffer, 520))
    // The rest of that key frame stays away: hope ends.
    #expect(needsKeyFrame(buffer, 1600))
    insert(&buffer, 5, frame: 4, end: true, at: 1700)
    #expect(poll(&buffer, 2600) == [4])
    #expect(buffer.framesDropped == 1)
    // Too late.
    insert(&buffer, 2, frame: 2, start: true, end: true, at: 2600)
    #expect(poll(&buffer, 4000) == [])
  }

  @Test func nothingIsShownBeforeAKeyFrame() {
    var buffer = VideoFrameBuffer()
    insert(&buffer, 1, frame: 1, start: true, end: true, at: 0)
    #expect(poll(&buffer, 5000) == [])
    #expect(needsKeyFrame(buffer, 0))
    insert(&buffer, 2, frame: 2, start: true, end: true, key: true, at: 0)
    #expect(poll(&buffer, 5000) == [2])
  }

  /// Frames that arrive unevenly are shown evenly, once the buffer knows the path.
  @Test(arguments: [Int64(10), 30, 60])
  func playoutIsEven(jitter: Int64) {
    var generator = SeededGenerator(seed: UInt64(jitter))
    var buffer = VideoFrameBuffer()
    var arrivals: [Int64] = []
    for frame in Int64(0)..<600 {
      arrivals.append(1000 + frame * 33 + Int64.random(in: 0...jitter, using: &generator))
    }
    for index in arrivals.indices.dropFirst() { arrivals[index] = max(arrivals[index], arrivals[index - 1]) }
    var shown: [Int64] = []
    var next = 0
    for millisecond in Int64(1000)..<22_000 {
      while next < arrivals.count, arrivals[next] <= millisecond {
        insertEven(&buffer, next, at: millisecond)
        next += 1
      }
      buffer.poll(now: .at(milliseconds: millisecond)) { _ in shown.append(millisecond) }
    }
    #expect(shown.count == 600)
    let steps = zip(shown.dropFirst(), shown).map { $0 - $1 }.suffix(400)
    let uneven = steps.count { abs($0 - 33) > 5 }
    #expect(uneven < 20)
    #expect(buffer.playoutDelay <= .milliseconds(3 * jitter))
  }

  private func insertEven(_ buffer: inout VideoFrameBuffer, _ frame: Int, at milliseconds: Int64) {
    var packet = RTPPacket(ssrc: SSRC(1))
    packet.isMarked = true
    packet.timestamp = RTPTimestamp(UInt32(frame) * 33 * 90)
    packet.payload = ByteBuffer(bytes: [frame == 0 ? 0 : 1])
    var descriptor = VP8PayloadDescriptor()
    descriptor.startsPartition = true
    buffer.insert(packet, sequence: Int64(frame), descriptor: descriptor, now: .at(milliseconds: milliseconds))
  }

  @Test func lipSyncDelaysThePicture() {
    var buffer = VideoFrameBuffer()
    buffer.lipSyncDelay = .milliseconds(300)
    insert(&buffer, 1, frame: 1, start: true, end: true, key: true, at: 1000)
    #expect(buffer.nextDeadline == .at(milliseconds: 1340))
    #expect(poll(&buffer, 1339) == [])
    #expect(poll(&buffer, 1340) == [1])
  }

  @Test func hostilePacketsStayBounded() {
    var generator = SeededGenerator(seed: 21)
    var buffer = VideoFrameBuffer()
    var mostFrames = 0
    var mostBytes = 0
    var sequence: Int64 = 0
    var milliseconds: Int64 = 0
    for round in 0..<20_000 {
      milliseconds += Int64.random(in: 0...2, using: &generator)
      let step: Int64 = round % 500 == 0 ? 3000 : Int64.random(in: -30...40, using: &generator)
      sequence = max(0, sequence + step)
      insert(
        &buffer, sequence, frame: .random(in: 0...(round % 2 == 0 ? 3 : UInt32.max), using: &generator),
        start: .random(using: &generator), end: round % 100 == 0, key: .random(using: &generator),
        size: round % 10 == 0 ? 60_000 : 100, at: milliseconds)
      _ = poll(&buffer, milliseconds)
      _ = needsKeyFrame(buffer, milliseconds)
      mostFrames = max(mostFrames, buffer.heldFrames)
      mostBytes = max(mostBytes, buffer.heldBytes)
    }
    #expect(mostFrames <= VideoFrameBuffer.maximumFrames)
    #expect(mostBytes <= VideoFrameBuffer.maximumBytes)
    #expect(buffer.heldBytes >= 0)
    // And still works.
    buffer.reset()
    insert(&buffer, 5, frame: 1, start: true, end: true, key: true, at: milliseconds)
    #expect(poll(&buffer, milliseconds + 1000) == [1])
  }
}

extension RTPPacket {
  /// An empty packet, to be filled in.
  fileprivate init(ssrc: SSRC) {
    var header = ByteBuffer(bytes: [0x80, 96, 0, 0, 0, 0, 0, 0])
    header.writeInteger(ssrc.rawValue)
    do {
      try self.init(parsing: header)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}
