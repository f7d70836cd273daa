import Frames
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct OpusTests {
  /// Something like a voice: a tone with overtones that swells and falls.
  private func voice(periods: Int) -> [AudioPeriod] {
    (0..<periods).map { index in
      var period = AudioPeriod()
      for sample in 0..<960 {
        let time = Double(index * 960 + sample) / 48_000
        let swell = 0.55 + 0.45 * sin(2 * .pi * 3 * time)
        period.samples[sample] = Int16(
          6000 * swell * (sin(2 * .pi * 180 * time) + 0.5 * sin(2 * .pi * 360 * time) + 0.3 * sin(2 * .pi * 900 * time))
        )
      }
      return period
    }
  }

  @Test func roundTripKeepsATone() throws {
    let encoder = try OpusEncoder(bitrate: 32_000, expectedLoss: 0)
    let decoder = try OpusDecoder()
    let source = tone(440, count: 960 * 50)
    var heard: [Int16] = []
    var period = AudioPeriod()
    for index in 0..<50 {
      period.samples = Array(source[index * 960..<(index + 1) * 960])
      let frame = try encoder.encode(period)
      #expect(frame.timestamp == UInt32(index * 960))
      #expect(frame.payload.readableBytes <= OpusEncoder.largestPacket)
      #expect(OpusDecoder.samples(in: frame.payload) == 960)
      #expect(try decoder.decode(frame.payload) == 960)
      #expect(decoder.take(into: &period))
      #expect(!decoder.take(into: &period))
      heard += period.samples
    }
    let settled = Array(heard[9600...])
    let share = amplitude(of: 440, in: settled) / (loudness(settled) * 2.0.squareRoot())
    #expect(share > 0.98)
    #expect((8_000...12_000).contains(amplitude(of: 440, in: settled)))
  }

  @Test func errorCorrectionBeatsConcealment() throws {
    let encoder = try OpusEncoder(bitrate: 32_000, expectedLoss: 30)
    let periods = voice(periods: 100)
    let packets = try periods.map { period in
      // A copy: the encoder fills its buffers again.
      ByteBuffer(bytes: try encoder.encode(period).payload.readableBytesView)
    }
    /// What is heard when every fifth packet is lost.
    func heard(_ replace: (OpusDecoder, ByteBuffer) throws -> Void) throws -> [[Int16]] {
      let decoder = try OpusDecoder()
      var period = AudioPeriod()
      return try packets.indices.map { index in
        if index % 5 == 4, index + 1 < packets.count {
          try replace(decoder, packets[index + 1])
        } else {
          try decoder.decode(packets[index])
        }
        #expect(decoder.take(into: &period))
        return period.samples
      }
    }
    let complete = try {
      let decoder = try OpusDecoder()
      var period = AudioPeriod()
      return try packets.map { packet in
        try decoder.decode(packet)
        _ = decoder.take(into: &period)
        return period.samples
      }
    }()
    func error(_ sound: [[Int16]]) -> Double {
      stride(from: 14, to: 99, by: 5).reduce(0) { sum, index in
        sum + loudness(zip(sound[index], complete[index]).map { Int16(clamping: Int($0) - Int($1)) })
      }
    }
    let corrected = error(try heard { try $0.decodeFEC($1) })
    let concealed = error(try heard { decoder, _ in try decoder.conceal() })
    #expect(corrected < 0.7 * concealed, "\(corrected) against \(concealed)")
  }

  @Test func concealmentFadesOut() throws {
    let encoder = try OpusEncoder()
    let decoder = try OpusDecoder()
    var period = AudioPeriod()
    for period in voice(periods: 20) { try decoder.decode(try encoder.encode(period).payload) }
    while decoder.take(into: &period) {}
    for _ in 0..<50 {
      try decoder.conceal()
      #expect(decoder.take(into: &period))
    }
    #expect(loudness(period.samples) < 100)
  }

  @Test func garbageIsAnErrorAndTheDecoderGoesOn() throws {
    var random = SeededGenerator(seed: 3)
    let encoder = try OpusEncoder()
    let decoder = try OpusDecoder()
    var period = AudioPeriod()
    let intact = [UInt8](try encoder.encode(voice(periods: 1)[0]).payload.readableBytesView)
    var refused = 0
    for round in 0..<500 {
      let bad = round % 2 == 0 ? random.bytes(Int.random(in: 0...300, using: &random)) : random.mutate(intact)
      let packet = ByteBuffer(bytes: bad)
      do {
        let count = try decoder.decode(packet)
        #expect(OpusDecoder.samples(in: packet) == count)
      } catch { refused += 1 }
      _ = try? decoder.decodeFEC(packet)
      #expect(decoder.queuedSamples <= 2 * OpusDecoder.longestPacket)
      if round % 7 == 0 { while decoder.take(into: &period) {} }
    }
    #expect(refused > 50)
    while decoder.take(into: &period) {}
    #expect(try decoder.decode(ByteBuffer(bytes: intact)) == 960)
    #expect(throws: MediaError.self) { try decoder.decode(ByteBuffer()) }
    #expect(OpusDecoder.samples(in: ByteBuffer()) == nil)
  }

  @Test func levelIsThatOfRFC6464() {
    #expect(AudioLevel.measure([Int16](repeating: 0, count: 960)) == 127)
    #expect(AudioLevel.measure([Int16](repeating: 32767, count: 960)) == 0)
    #expect(AudioLevel.measure([Int16](repeating: -32768, count: 960)) == 0)
    // A full-scale sine is 3 dB below a full-scale square; a tenth of it 20 dB more.
    #expect(AudioLevel.measure(tone(1000, count: 960, peak: 32_767)) == 3)
    #expect(AudioLevel.measure(tone(1000, count: 960, peak: 3_276.7)) == 23)
    #expect(AudioLevel.measure([1] + [Int16](repeating: 0, count: 959)) > 100)
  }
}
