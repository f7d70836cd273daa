import Frames
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct MovieTests {
  /// Three VP8 pictures of a grey that rises.
  private static func coded() throws -> [[UInt8]] {
    let pool = VideoFramePool()
    let encoder = try VP8Encoder(size: VideoSize(width: 64, height: 48), bitrate: 400_000)
    return try (0..<3).map { number in
      let frame = pool.take(VideoSize(width: 64, height: 48))
      frame.fill(y: UInt8(60 + 40 * number))
      frame.time = .uptimeNanoseconds(UInt64(number) * 40_000_000)
      let packet = try #require(try encoder.encode(frame, forceKeyFrame: number == 0))
      return Array(packet.payload.readableBytesView)
    }
  }

  private static func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(value >> (8 * $0) & 255) }
  }
  private static func big(_ value: Int, _ bytes: Int) -> [UInt8] { little(value, bytes).reversed() }

  private static func ivf(_ frames: [[UInt8]], codec: String = "VP80") -> [UInt8] {
    var bytes = Array("DKIF".utf8) + little(0, 2) + little(32, 2) + Array(codec.utf8)
    bytes += little(64, 2) + little(48, 2) + little(25, 4) + little(1, 4) + little(frames.count, 4) + little(0, 4)
    for (number, frame) in frames.enumerated() { bytes += little(frame.count, 4) + little(number, 8) + frame }
    return bytes
  }

  private static func element(_ id: [UInt8], _ contents: [UInt8], isOpen: Bool = false) -> [UInt8] {
    id + (isOpen ? [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] : [0x08] + big(contents.count, 4)) + contents
  }

  /// - Parameter isLive: as a recorder writes it that does not know how long it will be.
  private static func webm(_ frames: [[UInt8]], codec: String = "V_VP8", isLive: Bool = false) -> [UInt8] {
    let sound = element([0xAE], element([0xD7], [1]) + element([0x83], [2]) + element([0x86], Array("A_OPUS".utf8)))
    let video = element(
      [0xAE],
      element([0xD7], [2]) + element([0x83], [1]) + element([0x86], Array(codec.utf8))
        + element([0x23, 0xE3, 0x83], big(40_000_000, 4)) + element([0xE0], element([0xB0], [64])))
    var clusters: [UInt8] = []
    for (number, frame) in frames.enumerated() {
      let head: [UInt8] = [0x82, 0, 0, 0x80]
      let block =
        number == 1
        ? element([0xA0], element([0xA1], head + frame)) : element([0xA3], head + frame)
      let stranger = element([0xA3], [0x81, 0, 0, 0x80, 1, 2, 3])
      clusters += element(
        [0x1F, 0x43, 0xB6, 0x75], element([0xE7], big(40 * number, 2)) + stranger + block, isOpen: isLive)
    }
    let segment =
      element([0xEC], [UInt8](repeating: 0, count: 30)) + element([0x16, 0x54, 0xAE, 0x6B], sound + video) + clusters
    return element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x82], Array("webm".utf8)))
      + element([0x18, 0x53, 0x80, 0x67], segment, isOpen: isLive)
  }

  private func lumas(of bytes: [UInt8]) throws -> [(luma: Int, time: UInt64)] {
    let file = try TemporaryFile("film", bytes)
    let movie = try MovieReader(path: file.path)
    #expect(movie.frameTime == .milliseconds(40))
    var seen: [(Int, UInt64)] = []
    while let frame = try movie.next() { seen.append((Int(frame.y[0]), frame.time.uptimeNanoseconds / 1_000_000)) }
    return seen
  }

  @Test(arguments: ["ivf", "webm", "live webm"])
  func picturesComeInOrderWithTheirTimes(kind: String) throws {
    let frames = try Self.coded()
    let seen = try lumas(of: kind == "ivf" ? Self.ivf(frames) : Self.webm(frames, isLive: kind == "live webm"))
    #expect(seen.map(\.time) == [0, 40, 80])
    for (number, picture) in seen.enumerated() { #expect(abs(picture.luma - 60 - 40 * number) < 8) }
  }

  @Test func y4mIsPlayedToo() throws {
    var bytes = Array("YUV4MPEG2 W2 H2 F25:1\n".utf8)
    for luma in [50, 60] as [UInt8] { bytes += Array("FRAME\n".utf8) + [luma, luma, luma, luma, 128, 128] }
    let seen = try lumas(of: bytes)
    #expect(seen.map(\.luma) == [50, 60] && seen.map(\.time) == [0, 40])
  }

  @Test func whatCannotBePlayedIsNamed() throws {
    let frames = try Self.coded()
    let cases: [([UInt8], String)] = [
      (Array("GIF89a".utf8), "neither Y4M, IVF nor WebM"), ([], "neither Y4M"),
      (Self.ivf(frames, codec: "AV01"), "AV01"), (Self.webm(frames, codec: "V_AV1"), "A_OPUS, V_AV1"),
      (Array(Self.ivf(frames).prefix(20)), "no header"),
    ]
    for (bytes, words) in cases {
      let file = try TemporaryFile("film", bytes)
      let error = #expect(throws: MediaError.self) { _ = try MovieReader(path: file.path) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(words))
    }
    #expect(throws: MediaError.self) { try MovieReader(path: "/does/not/exist") }
  }

  @Test func cutShortGivesThePicturesBeforeAndThenAnError() throws {
    let frames = try Self.coded()
    for whole in [Self.ivf(frames), Self.webm(frames)] {
      let file = try TemporaryFile("film", Array(whole.dropLast(4)))
      let movie = try MovieReader(path: file.path)
      #expect(try movie.next() != nil)
      #expect(try movie.next() != nil)
      let error = #expect(throws: MediaError.self) { try movie.next() }
      #expect("\(error.map { "\($0)" } ?? "")".contains("cut short"))
    }
  }

  @Test(arguments: 0..<4)
  func anyBytesGivePicturesOrAnError(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let frames = try Self.coded()
    for round in 0..<150 {
      var bytes = round % 2 == 0 ? Self.webm(frames, isLive: round % 4 == 0) : Self.ivf(frames)
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place..<min(place + .random(in: 1...40, using: &random), bytes.count))
        default: bytes.insert(contentsOf: (0..<3).map { _ in .random(in: 0...255, using: &random) }, at: place)
        }
        if bytes.isEmpty { break }
      }
      let file = try TemporaryFile("film", bytes)
      guard let movie = try? MovieReader(path: file.path) else { continue }
      var count = 0
      while count < 50, case .some(.some) = try? movie.next() { count += 1 }
      #expect(count <= 50)
    }
  }
}
