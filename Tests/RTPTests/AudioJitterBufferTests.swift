import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct AudioJitterBufferTests {
  /// What was heard, step by step.
  private enum Heard: Equatable { case packet(Int), fec(Int), conceal, silence }

  private func packet(
    _ number: Int, at milliseconds: Int64, duration: Int = 960, ssrc: UInt32 = 1, level: UInt8? = nil,
    timestamp: UInt32? = nil, toc: UInt8 = 0x78
  ) -> ReceivedAudioPacket {
    var payload = ByteBuffer(bytes: [toc])
    payload.writeInteger(UInt32(number))
    return ReceivedAudioPacket(
      ssrc: SSRC(ssrc), sequenceNumber: SequenceNumber(UInt16(truncatingIfNeeded: number)),
      timestamp: RTPTimestamp(timestamp ?? UInt32(truncatingIfNeeded: number * duration)), payload: payload,
      arrival: .at(milliseconds: milliseconds), level: level)
  }

  private func hear(_ buffer: inout AudioJitterBuffer, _ milliseconds: Int64) -> Heard {
    func number(_ payload: ByteBuffer) -> Int {
      Int(payload.getInteger(at: payload.readerIndex + 1, as: UInt32.self) ?? 0)
    }
    switch buffer.next(now: .at(milliseconds: milliseconds)) {
    case .packet(let payload, _): return .packet(number(payload))
    case .fec(let payload, _): return .fec(number(payload))
    case .conceal: return .conceal
    case .silence: return .silence
    }
  }

  /// Plays `count` packets sent every 20 ms from 1000 ms on, which come at `arrival(number)` or not at all.
  private func play(
    _ count: Int, buffer: inout AudioJitterBuffer, level: UInt8? = nil, arrival: (Int) -> Int64?
  ) -> [Heard] {
    var arrivals: [(Int64, Int)] = []
    for number in 0..<count { if let time = arrival(number) { arrivals.append((time, number)) } }
    arrivals.sort { $0.0 < $1.0 }
    var next = 0
    var result: [Heard] = []
    for millisecond in Int64(1000)..<(1000 + Int64(count) * 20 + 600) {
      while next < arrivals.count, arrivals[next].0 <= millisecond {
        buffer.insert(packet(arrivals[next].1, at: arrivals[next].0, level: level))
        next += 1
      }
      if millisecond % 20 == 7 { result.append(hear(&buffer, millisecond)) }
    }
    return result
  }

  @Test func aSteadyStreamIsHeardWithoutGaps() {
    var buffer = AudioJitterBuffer()
    let result = play(500, buffer: &buffer) { 1000 + Int64($0) * 20 }
    let start = result.firstIndex(of: .packet(0)) ?? 0
    #expect(start <= 4)
    #expect(Array(result[start..<(start + 400)]).allSatisfy { if case .packet = $0 { true } else { false } })
    #expect(buffer.counters.late == 0 && buffer.counters.duplicates == 0)
    #expect(buffer.targetDelay <= .milliseconds(60))
  }

  @Test(arguments: [Int64(20), 60, 120])
  func jitterIsEvenedOut(jitter: Int64) {
    var generator = SeededGenerator(seed: UInt64(jitter))
    var buffer = AudioJitterBuffer()
    let result = play(3000, buffer: &buffer) {
      1000 + Int64($0) * 20 + Int64.random(in: 0...jitter, using: &generator)
    }
    // Once it knows the path: (nearly) all of 40 s are packets, in order.
    let later = result.dropFirst(600).prefix(2000)
    let made = later.count { $0 == .conceal || $0 == .silence }
    #expect(made < 80)
    let numbers = result.compactMap { if case .packet(let number) = $0 { number } else { nil } }
    #expect(numbers == numbers.sorted())
    #expect(numbers.count > 2850)
    #expect(buffer.targetDelay >= .milliseconds(jitter / 2))
    #expect(buffer.targetDelay <= .milliseconds(jitter + 40))
  }

  @Test func fecStandsInForASingleLoss() {
    var buffer = AudioJitterBuffer()
    let result = play(100, buffer: &buffer) { $0 == 50 || $0 == 60 || $0 == 61 ? nil : 1000 + Int64($0) * 20 }
    let fiftieth = result.firstIndex(of: .packet(49)) ?? 0
    #expect(Array(result[fiftieth...].prefix(3)) == [.packet(49), .fec(51), .packet(51)])
    // Of two, the decoder makes up the first.
    let sixtieth = result.firstIndex(of: .packet(59)) ?? 0
    #expect(Array(result[sixtieth...].prefix(4)) == [.packet(59), .conceal, .fec(62), .packet(62)])
    #expect(buffer.counters.recoveredByFEC == 2)
  }

  @Test func reorderedAndDoubledPacketsAreHeardOnceInOrder() {
    var buffer = AudioJitterBuffer()
    let order = [0, 2, 1, 3, 3, 5, 4, 4, 6, 7]
    for number in order { buffer.insert(packet(number, at: 1000 + Int64(number) * 20)) }
    let result = (0..<8).map { hear(&buffer, 1060 + Int64($0) * 20) }
    #expect(result == (0..<8).map { .packet($0) })
    #expect(buffer.counters.duplicates == 2)
    buffer.insert(packet(7, at: 1400))
    #expect(buffer.counters.late == 1)
  }

  /// The path becomes slower by 100 ms for good: after a hole everything is heard again, with no packet wasted.
  @Test func aDelayThatGrowsCostsOnePause() {
    var buffer = AudioJitterBuffer()
    let result = play(500, buffer: &buffer) { 1000 + Int64($0) * 20 + ($0 >= 250 ? 100 : 0) }
    let numbers = result.compactMap { if case .packet(let number) = $0 { number } else { nil } }
    #expect(numbers.count >= 495)
    #expect(result.count { $0 == .conceal } <= 8)
  }

  /// And when it becomes faster again the delay is worked off.
  @Test func aDelayThatShrinksIsWorkedOff() {
    for level: UInt8? in [nil, 127] {
      var buffer = AudioJitterBuffer()
      _ = play(1500, buffer: &buffer, level: level) { 1000 + Int64($0) * 20 + ($0 < 200 ? 150 : 0) }
      #expect(buffer.counters.dropped >= 3)
      #expect(buffer.delay <= .milliseconds(level == nil ? 130 : 90))
    }
  }

  /// Opus DTX: hardly any packets while the speaker is silent. Nothing of the speech around is lost.
  @Test func silenceOfTheSenderIsBridged() {
    var buffer = AudioJitterBuffer()
    var result: [Heard] = []
    for millisecond in Int64(1000)..<4000 {
      let number = Int(millisecond - 1000) / 20
      if millisecond % 20 == 0 {
        // Speech for 50 packets, then one of 20, then speech again; sequence numbers without a hole.
        if number < 50 {
          buffer.insert(packet(number, at: millisecond))
        } else if number < 100 {
          if number % 20 == 0 {
            let sequence = 50 + (number - 50) / 20
            buffer.insert(packet(sequence, at: millisecond, timestamp: UInt32(number * 960)))
          }
        } else {
          buffer.insert(packet(number - 100 + 52, at: millisecond, timestamp: UInt32(number * 960)))
        }
      }
      if millisecond % 20 == 7 { result.append(hear(&buffer, millisecond)) }
    }
    let numbers = result.compactMap { if case .packet(let number) = $0 { number } else { nil } }
    #expect(numbers == Array(0..<numbers.count))
    #expect(numbers.count > 95)
    #expect(buffer.counters.late == 0)
  }

  @Test(arguments: [(120, UInt8(0xE0)), (480, 0xF0), (1920, 0x10), (2880, 0x18)])
  func otherPacketDurations(duration: Int, toc: UInt8) {
    var buffer = AudioJitterBuffer()
    var available = 0
    var starved = 0
    var played = 0
    let step = Double(duration) / 48
    var next = 0
    for millisecond in Int64(1000)..<6000 {
      while Double(millisecond - 1000) >= Double(next) * step {
        buffer.insert(packet(next, at: millisecond, duration: duration, toc: toc))
        next += 1
      }
      guard millisecond % 20 == 7 else { continue }
      while available < 960 {
        switch buffer.next(now: .at(milliseconds: millisecond)) {
        case .packet(_, let samples):
          #expect(samples == duration)
          available += samples
          played += 1
        case .silence(let samples), .conceal(let samples), .fec(_, let samples):
          available += samples
          if played > 0 { starved += 1 }
        }
      }
      available -= 960
    }
    #expect(starved <= 10)
    #expect(Double(played) > 4800 / step)
  }

  @Test func anotherStreamStartsAnew() {
    var buffer = AudioJitterBuffer()
    for number in 0..<10 { buffer.insert(packet(number, at: 1000 + Int64(number) * 20)) }
    #expect(hear(&buffer, 1200) == .packet(0))
    for number in 0..<10 {
      buffer.insert(packet(40_000 + number, at: 1200 + Int64(number) * 20, ssrc: 2))
    }
    #expect(hear(&buffer, 1400) == .packet(40_000))
    #expect(buffer.counters.flushes == 1)
  }

  @Test func lipSyncDelaysTheSound() {
    var buffer = AudioJitterBuffer()
    var first = packet(0, at: 1000)
    first.lipSyncDelay = .milliseconds(200)
    buffer.insert(first)
    let plain = AudioJitterBuffer().targetDelay
    #expect(buffer.targetDelay == plain + .milliseconds(200))
    #expect(hear(&buffer, 1200) == .silence)
    #expect(hear(&buffer, 1260) == .packet(0))
    #expect(buffer.playoutTimestamp == RTPTimestamp(960))
  }

  @Test func hostilePacketsStayBounded() {
    var generator = SeededGenerator(seed: 31)
    var buffer = AudioJitterBuffer()
    var milliseconds: Int64 = 0
    var mostHeld = 0
    for round in 0..<20_000 {
      milliseconds += Int64.random(in: 0...10, using: &generator)
      let isWild = round % 3 == 0
      buffer.insert(
        packet(
          isWild ? .random(in: 0...0xFFFF, using: &generator) : round, at: milliseconds,
          timestamp: isWild ? .random(in: 0...UInt32.max, using: &generator) : nil,
          toc: .random(in: 0...255, using: &generator)))
      if round % 2 == 0 { _ = buffer.next(now: .at(milliseconds: milliseconds)) }
      mostHeld = max(mostHeld, buffer.heldPackets)
    }
    #expect(mostHeld <= AudioJitterBuffer.capacity && buffer.heldPackets >= 0)
    #expect(buffer.targetDelay <= .seconds(2))
    // And still works.
    for number in 0..<20 { buffer.insert(packet(number, at: milliseconds + Int64(number) * 20, ssrc: 9)) }
    #expect(hear(&buffer, milliseconds + 500) == .packet(0))
  }
}
