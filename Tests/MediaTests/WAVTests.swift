import Frames
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct WAVTests {
  struct Sample: Sendable, CustomStringConvertible {
    var tag: Int
    var bits: Int
    var channels: Int
    var rate: Int
    var description: String { "format \(tag), \(bits) bits, \(channels) channels, \(rate) Hz" }
  }

  private func integer(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// A file of a 1 kHz tone at half scale.
  private func file(_ kind: Sample, frames: Int, statedBytes: Int? = nil, extra: [UInt8] = []) -> [UInt8] {
    var data: [UInt8] = []
    for index in 0..<frames {
      let value = sin(2 * .pi * 1000 * Double(index) / Double(kind.rate)) / 2
      for _ in 0..<kind.channels {
        switch (kind.tag, kind.bits) {
        case (1, 8): data.append(UInt8(128 + (value * 127).rounded()))
        case (1, _): data += integer(Int((value * Double(1 << (kind.bits - 1) - 1)).rounded()), kind.bits / 8)
        case (_, 32): data += integer(Int(Float(value).bitPattern), 4)
        default: data += integer(Int(truncatingIfNeeded: value.bitPattern), 8)
        }
      }
    }
    let block = kind.channels * kind.bits / 8
    let format =
      integer(kind.tag, 2) + integer(kind.channels, 2) + integer(kind.rate, 4) + integer(kind.rate * block, 4)
      + integer(block, 2) + integer(kind.bits, 2)
    return Array("RIFF".utf8) + integer(36 + data.count, 4) + Array("WAVEfmt ".utf8) + integer(16, 4) + format + extra
      + Array("data".utf8) + integer(statedBytes ?? data.count, 4) + data
  }

  private func listen(_ file: TemporaryFile, periods: Int = .max, loops: Bool = false) throws -> [Int16] {
    let source = try WAVSource(path: file.path, loops: loops, pace: .immediate)
    var heard: [Int16] = []
    var period = AudioPeriod()
    var count = 0
    while count < periods, try source.next(into: &period) {
      heard += period.samples
      count += 1
    }
    return heard
  }

  @Test(arguments: [
    Sample(tag: 1, bits: 16, channels: 1, rate: 48_000), Sample(tag: 1, bits: 8, channels: 1, rate: 48_000),
    Sample(tag: 1, bits: 24, channels: 2, rate: 44_100), Sample(tag: 1, bits: 32, channels: 1, rate: 96_000),
    Sample(tag: 3, bits: 32, channels: 2, rate: 22_050), Sample(tag: 3, bits: 64, channels: 1, rate: 8_000),
    Sample(tag: 1, bits: 16, channels: 6, rate: 11_025), Sample(tag: 1, bits: 16, channels: 1, rate: 192_000),
  ])
  func everyFormatBecomesTheSameTone(kind: Sample) throws {
    let heard = try listen(TemporaryFile("tone.wav", file(kind, frames: kind.rate / 4)))
    #expect((10_560...12_000).contains(heard.count))
    let middle = Array(heard[2400..<9600])
    #expect((16_000...16_500).contains(amplitude(of: 1000, in: middle)))
    let noise = loudness(middle) - amplitude(of: 1000, in: middle) / 2.0.squareRoot()
    #expect(abs(noise) < 30)
  }

  @Test func loopsWithoutAGap() throws {
    // 48 samples are one turn of the tone, so the loop is seamless.
    let file = try TemporaryFile("loop.wav", file(Sample(tag: 1, bits: 16, channels: 1, rate: 48_000), frames: 4800))
    let heard = try listen(file, periods: 40, loops: true)
    #expect(heard.count == 40 * 960)
    let all = Array(heard[960...])
    #expect(abs(loudness(all) - amplitude(of: 1000, in: all) / 2.0.squareRoot()) < 30)
  }

  @Test func otherChunksAreSkipped() throws {
    let kind = Sample(tag: 1, bits: 16, channels: 1, rate: 48_000)
    let odd = Array("LIST".utf8) + integer(5, 4) + Array("hello".utf8) + [0]
    #expect(try listen(TemporaryFile("a.wav", file(kind, frames: 9600, extra: odd))).count >= 8640)
  }

  @Test func aRecordingThatWasNotFinishedPlays() throws {
    let kind = Sample(tag: 1, bits: 16, channels: 1, rate: 48_000)
    for stated in [0, 0xffff_ffff] {
      let heard = try listen(TemporaryFile("open.wav", file(kind, frames: 9600, statedBytes: stated)))
      #expect(heard.count >= 8640)
    }
  }

  @Test func cutShortPlaysWhatThereIsAndSaysSo() throws {
    let kind = Sample(tag: 1, bits: 16, channels: 1, rate: 48_000)
    let file = try TemporaryFile("cut.wav", file(kind, frames: 9600, statedBytes: 96_000))
    let source = try WAVSource(path: file.path, loops: true, pace: .immediate)
    var period = AudioPeriod()
    var played = 0
    let error = #expect(throws: MediaError.self) { while try source.next(into: &period) { played += 1 } }
    #expect(played >= 9)
    #expect(
      error
        == .badFile(
          path: file.path, position: 19_244, detail: "it is cut short: 19200 of 96000 bytes of sound are there"))
  }

  @Test func badFilesSayWhatIsWrong() throws {
    let kind = Sample(tag: 1, bits: 16, channels: 1, rate: 48_000)
    let good = file(kind, frames: 100)
    func changed(_ offset: Int, _ value: UInt8) -> [UInt8] {
      var bytes = good
      bytes[offset] = value
      return bytes
    }
    let cases: [([UInt8], String)] = [
      ([], "not a WAV file"), (Array("RIFF0000WAVX".utf8), "not a WAV file"), (Array(good[..<20]), "cut short"),
      (Array(good[..<36]), "ends before its sound"), (Array(good[..<44]), "no sound"), (changed(20, 7), "format 7"),
      (changed(34, 12), "12 bits"), (changed(22, 0), "0 channels"), (changed(32, 3), "3 bytes a frame"),
      (changed(12, 0x20), "before its format"), (changed(16, 8), "cut short"),
    ]
    for (bytes, words) in cases {
      let file = try TemporaryFile("bad.wav", bytes)
      let error = #expect(throws: MediaError.self, "\(words)") { try WAVSource(path: file.path) }
      #expect("\(try #require(error))".contains(words))
    }
  }

  @Test func mutatedFilesNeverTrap() throws {
    var random = SeededGenerator(seed: 5)
    let whole = file(Sample(tag: 1, bits: 16, channels: 2, rate: 44_100), frames: 300)
    let file = try TemporaryFile("fuzz.wav")
    var accepted = 0
    for _ in 0..<200 {
      // Mutations of the header: of the sound there are no bad ones.
      try file.write(random.mutate(Array(whole[..<44])) + whole[44...])
      if let heard = try? listen(file, periods: 20, loops: true), !heard.isEmpty { accepted += 1 }
    }
    #expect(accepted > 5)
  }

  @Test func sinkWritesWhatTheSourceReads() throws {
    let file = try TemporaryFile("out.wav")
    let sound = tone(500, count: 960 * 60)
    do {
      let sink = try WAVSink(path: file.path, pace: .immediate)
      var period = AudioPeriod()
      for index in 0..<55 {
        period.samples = Array(sound[index * 960..<(index + 1) * 960])
        try sink.play(period)
      }
      // A second has passed: as it is now, the file stands for the first 50 periods.
      #expect(try Array(file.read()[40..<44]) == integer(50 * 960 * 2, 4))
    }
    let bytes = try file.read()
    #expect(bytes.count == 44 + 55 * 960 * 2)
    let heard = try listen(file)
    // The resampler passes a tone of the same rate unchanged, but for rounding.
    #expect(zip(heard, sound).allSatisfy { abs(Int($0) - Int($1)) < 100 })
    #expect(heard.count >= 53 * 960)
  }
}
