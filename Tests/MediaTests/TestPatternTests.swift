import Frames
import NIOCore
import Testing

@testable import Media

@Suite struct TestPatternTests {
  private let size = VideoSize(width: 640, height: 480)

  /// Reads the clock off a picture as a person would.
  private func clock(_ frame: VideoFrame) -> String {
    let pattern = TestPattern(size: VideoSize(width: frame.width, height: frame.height))
    let dot = pattern.dot
    return (0..<12).map { character in
      let rows = (0..<ClockFont.height).map { row in
        (0..<ClockFont.width).reduce(UInt8(0)) { bits, column in
          let x = pattern.clockBox.x + dot * (1 + character * ClockFont.advance + column) + dot / 2
          let y = pattern.clockBox.y + dot * (row + 1) + dot / 2
          return bits << 1 | (frame.y[y * frame.yStride + x] > 128 ? 1 : 0)
        }
      }
      if rows == ClockFont.colon { return ":" }
      if rows == ClockFont.point { return "." }
      return (0...9).first { ClockFont.rows(digit: $0) == rows }.map { "\($0)" } ?? "?"
    }.joined()
  }

  @Test(arguments: [
    (0, "00:00:00.000"), (86_399_999, "23:59:59.999"), (45_296_789, "12:34:56.789"), (5_025_040, "01:23:45.040"),
  ])
  func clockShowsTheTime(milliseconds: Int, text: String) {
    #expect(clock(picture(size, milliseconds: milliseconds)) == text)
    #expect(clock(picture(VideoSize(width: 320, height: 180), milliseconds: milliseconds)) == text)
  }

  @Test func clockSurvivesTheCodec() throws {
    let original = picture(size, milliseconds: 45_296_789)
    let encoded = try #require(try VP8Encoder(size: size, bitrate: 1_000_000).encode(original))
    let decoded = try #require(try VP8Decoder().decode(encoded.payload, time: .now()))
    #expect(clock(decoded) == "12:34:56.789")
  }

  @Test func somethingMoves() {
    let one = picture(size, milliseconds: 0)
    let other = picture(size, milliseconds: 33)
    var changed = 0
    for row in 0..<size.height * 3 / 5 {
      for column in 0..<size.width where one.y[row * one.yStride + column] != other.y[row * other.yStride + column] {
        changed += 1
      }
    }
    #expect(changed > 200)
  }

  @Test func barsHaveTheirColours() {
    // The disk is elsewhere at this time of the turn.
    let frame = picture(size, milliseconds: 1000)
    let colours = (0..<8).map { bar in
      let x = 640 * bar / 8 + 40
      return [
        frame.y[20 * frame.yStride + x], frame.u[10 * frame.uvStride + x / 2], frame.v[10 * frame.uvStride + x / 2],
      ]
    }
    #expect(colours[0] == [180, 128, 128] && colours[4] == [84, 184, 198] && colours[7] == [16, 128, 128])
  }

  @Test(arguments: [
    VideoSize(width: 1, height: 1), VideoSize(width: 17, height: 9), VideoSize(width: 639, height: 361),
  ])
  func anySizeIsDrawn(size: VideoSize) {
    let frame = picture(size, milliseconds: 1)
    #expect(frame.width == size.width)
  }

  @Test func timesAreOnAnAbsoluteSchedule() throws {
    let camera = try TestPatternCamera(size: VideoSize(width: 64, height: 48), framesPerSecond: 30, pace: .immediate)
    let times = try (0..<301).map { _ in try #require(try camera.next()).time }
    #expect((times[300] - times[0]) == .seconds(10))
    #expect((times[1] - times[0]).nanoseconds == 33_333_333)
  }

  @Test func clockAdvancesFromFrameToFrame() throws {
    let camera = try TestPatternCamera(size: size, framesPerSecond: 10, pace: .immediate)
    let texts = try (0..<3).map { _ in clock(try #require(try camera.next())) }
    func milliseconds(_ text: String) throws -> Int {
      let fields = text.split { $0 == ":" || $0 == "." }.compactMap { Int($0) }
      try #require(fields.count == 4, "\(text)")
      return ((fields[0] * 60 + fields[1]) * 60 + fields[2]) * 1000 + fields[3]
    }
    let step = (try milliseconds(texts[2]) - milliseconds(texts[0]) + 86_400_000) % 86_400_000
    #expect((199...201).contains(step), "\(texts)")
  }

  @Test func impossibleSizesAreErrors() {
    #expect(throws: MediaError.self) {
      try TestPatternCamera(size: VideoSize(width: 0, height: 10), framesPerSecond: 30)
    }
    #expect(throws: MediaError.self) { try TestPatternCamera(size: size, framesPerSecond: 0) }
  }
}
