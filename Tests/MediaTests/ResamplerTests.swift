import Glibc
import Testing

@testable import Media

@Suite struct ResamplerTests {
  private func convert(_ frequency: Double, from rate: Int, to output: Int, seconds: Double = 0.5) -> [Int16] {
    let resampler = Resampler(from: rate, to: output)
    var heard: [Int16] = []
    var block = [Float](repeating: 0, count: 700)
    var sample = 0
    while Double(sample) < Double(rate) * seconds {
      let input = (0..<500).map { Float(0.5 * sin(2 * .pi * frequency * Double(sample + $0) / Double(rate))) }
      sample += 500
      input.withUnsafeBufferPointer { resampler.push($0) }
      while case let count = block.withUnsafeMutableBufferPointer({ resampler.pull(into: $0) }), count > 0 {
        heard += block[..<count].map { Int16(($0 * 32768).rounded()) }
      }
    }
    return heard
  }

  @Test(arguments: [8_000, 44_100, 47_999, 96_000])
  func aToneStaysPure(rate: Int) {
    let heard = convert(997, from: rate, to: 48_000, seconds: 1.2)
    // A second of it, so that the window holds whole turns.
    let middle = Array(heard[2400..<50_400])
    let wanted = amplitude(of: 997, in: middle)
    #expect(abs(wanted - 16_384) < 200)
    // What is left when the tone is taken away, in dB below it.
    let total = loudness(middle)
    let rest = max(total * total - wanted * wanted / 2, 0.1)
    #expect(10 * log10(wanted * wanted / 2 / rest) > 70)
  }

  @Test func whatTheOutputCannotHoldIsRemoved() {
    let heard = convert(15_000, from: 48_000, to: 16_000)
    #expect(loudness(heard[1000...]) < 20)
  }

  @Test func thereIsNoDrift() {
    let heard = convert(1000, from: 44_100, to: 48_000, seconds: 2)
    #expect(abs(heard.count - 96_000) < 600)
    let late = Array(heard[(heard.count - 4800)...])
    #expect(amplitude(of: 1000, in: late) > 16_000)
  }
}
