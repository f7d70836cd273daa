import Glibc

/// Converts sound from one sample rate to another: band-limited interpolation with a windowed sinc.
///
/// Samples are pushed in and pulled out; it keeps what the filter needs of the past. Allocates only when made.
final class Resampler {
  /// Zero crossings of the sinc on each side of its middle, at the lower of the two rates.
  private static let crossings = 32
  /// Positions between two input samples at which the filter is tabulated; between these it is interpolated.
  private static let phases = 256
  /// Kaiser's beta: side lobes at -90 dB.
  private static let beta = 9.0

  /// The most samples that one ``push(_:)`` takes.
  let pushLimit: Int

  private let inputRate: Int
  private let outputRate: Int
  private let taps: Int
  private let table: UnsafeMutablePointer<Float>
  private let history: UnsafeMutablePointer<Float>
  private let capacity: Int
  private var filled: Int
  /// The next output sample lies `fraction / outputRate` input samples behind the filter's middle at `index`.
  private var index = 0
  private var fraction = 0

  /// - Parameters:
  ///   - inputRate: samples a second, 1...1000000.
  ///   - outputRate: the same.
  ///   - pushLimit: see ``pushLimit``.
  init(from inputRate: Int, to outputRate: Int, pushLimit: Int = 4096) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.pushLimit = pushLimit
    let ratio = min(1, Double(outputRate) / Double(inputRate))
    let half = (Int((Double(Self.crossings) / ratio).rounded(.up)) + 3) & ~3
    taps = 2 * half
    table = .allocate(capacity: (Self.phases + 1) * taps)
    capacity = taps + 2 * pushLimit
    history = .allocate(capacity: capacity)
    // The past is silence, and the first output sample falls on the first input sample.
    filled = half - 1
    history.initialize(repeating: 0, count: capacity)
    fillTable(half: half, ratio: ratio)
  }

  deinit {
    table.deallocate()
    history.deallocate()
  }

  /// Whether another ``push(_:)`` of ``pushLimit`` samples has room.
  var hasRoom: Bool { filled - index + pushLimit <= capacity }

  /// - Precondition: ``hasRoom``, and at most ``pushLimit`` samples.
  func push(_ samples: UnsafeBufferPointer<Float>) {
    precondition(samples.count <= pushLimit && hasRoom)
    if filled + samples.count > capacity {
      history.update(from: history + index, count: filled - index)
      filled -= index
      index = 0
    }
    guard let source = samples.baseAddress else { return }
    (history + filled).update(from: source, count: samples.count)
    filled += samples.count
  }

  /// Writes as many output samples as the input pushed so far allows.
  /// - Returns: how many.
  func pull(into output: UnsafeMutableBufferPointer<Float>) -> Int {
    var done = 0
    while done < output.count, index + taps <= filled {
      output[done] = interpolate()
      done += 1
      fraction += inputRate
      index += fraction / outputRate
      fraction %= outputRate
      if index > filled { break }
    }
    return done
  }

  private func interpolate() -> Float {
    let phase = Float(fraction) / Float(outputRate) * Float(Self.phases)
    let row = min(Int(phase), Self.phases - 1)
    let blend = phase - Float(row)
    let samples = UnsafeRawPointer(history + index)
    let near = UnsafeRawPointer(table + row * taps)
    let far = UnsafeRawPointer(table + (row + 1) * taps)
    var nearSum = SIMD8<Float>()
    var farSum = SIMD8<Float>()
    for offset in stride(from: 0, to: taps * MemoryLayout<Float>.stride, by: MemoryLayout<SIMD8<Float>>.size) {
      let input = samples.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
      nearSum.addProduct(input, near.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self))
      farSum.addProduct(input, far.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self))
    }
    return nearSum.sum() * (1 - blend) + farSum.sum() * blend
  }

  private func fillTable(half: Int, ratio: Double) {
    // Below the half of the lower rate, so that the filter's slope ends there.
    let cutoff = ratio * 0.92
    let norm = Self.bessel(Self.beta)
    for row in 0...Self.phases {
      let shift = Double(row) / Double(Self.phases)
      for tap in 0..<taps {
        let x = Double(tap - (half - 1)) - shift
        let edge = x / Double(half)
        let window = abs(edge) >= 1 ? 0 : Self.bessel(Self.beta * (1 - edge * edge).squareRoot()) / norm
        let angle = .pi * cutoff * x
        let sinc = abs(angle) < 1e-9 ? 1 : sin(angle) / angle
        table[row * taps + tap] = Float(cutoff * sinc * window)
      }
    }
  }

  /// The modified Bessel function of order 0.
  private static func bessel(_ x: Double) -> Double {
    var sum = 1.0
    var term = 1.0
    for k in 1...40 {
      term *= (x / 2 / Double(k)) * (x / 2 / Double(k))
      sum += term
    }
    return sum
  }
}
