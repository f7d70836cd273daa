import Frames
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Media

/// A file in a folder of its own, gone with the value.
final class TemporaryFile: Sendable {
  let path: String
  private let folder: String

  init(_ name: String, _ bytes: [UInt8] = []) throws {
    var template = Array("/tmp/media-tests-XXXXXX".utf8CString)
    folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    path = folder + "/" + name
    try write(bytes)
  }

  deinit { remove() }

  func remove() {
    unlink(path)
    rmdir(folder)
  }

  func write(_ bytes: [UInt8]) throws {
    let file = try #require(fopen(path, "wb"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  func read() throws -> [UInt8] {
    let file = try #require(fopen(path, "rb"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return bytes
  }
}

extension SeededGenerator {
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

  /// A copy with some bytes changed, removed or added.
  mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &self)
      switch Int.random(in: 0..<4, using: &self) {
      case 0: bytes.remove(at: index)
      case 1: bytes.insert(UInt8.random(in: 0...255, using: &self), at: index)
      case 2: bytes.removeSubrange(index...)
      default: bytes[index] = UInt8.random(in: 0...255, using: &self)
      }
    }
    return bytes
  }
}

/// How alike two pictures are, in dB over their luma.
func psnr(_ one: VideoFrame, _ other: VideoFrame) -> Double {
  var sum = 0
  for row in 0..<one.height {
    for column in 0..<one.width {
      let difference = Int(one.y[row * one.yStride + column]) - Int(other.y[row * other.yStride + column])
      sum += difference * difference
    }
  }
  let mean = Double(sum) / Double(one.width * one.height)
  return mean == 0 ? .infinity : 10 * log10(255 * 255 / mean)
}

/// The test pattern at a time of day.
func picture(_ size: VideoSize = VideoSize(width: 320, height: 240), milliseconds: Int) -> VideoFrame {
  let frame = VideoFramePool(keep: 0).take(size)
  TestPattern(size: size).draw(into: frame, at: milliseconds)
  frame.time = .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000)
  return frame
}

/// The amplitude of a frequency in some samples (Goertzel).
func amplitude(of frequency: Double, in samples: [Int16], rate: Double = 48_000) -> Double {
  var real = 0.0
  var imaginary = 0.0
  for (index, sample) in samples.enumerated() {
    let angle = 2 * .pi * frequency * Double(index) / rate
    real += Double(sample) * cos(angle)
    imaginary += Double(sample) * sin(angle)
  }
  return 2 * (real * real + imaginary * imaginary).squareRoot() / Double(samples.count)
}

func tone(_ frequency: Double, count: Int, rate: Double = 48_000, peak: Double = 10_000) -> [Int16] {
  (0..<count).map { Int16((sin(2 * .pi * frequency * Double($0) / rate) * peak).rounded()) }
}

/// Square root of the mean square.
func loudness(_ samples: some Collection<Int16>) -> Double {
  (samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(samples.count, 1))).squareRoot()
}
