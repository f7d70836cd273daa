import Frames
import NIOCore
import TestSupport
import Testing

@testable import Media

@Suite struct VP8Tests {
  private let size = VideoSize(width: 320, height: 240)

  @Test func roundTripKeepsThePicture() throws {
    let encoder = try VP8Encoder(size: size, bitrate: 500_000)
    let decoder = try VP8Decoder()
    for index in 0..<30 {
      let original = picture(size, milliseconds: index * 33)
      guard let encoded = try encoder.encode(original) else { continue }
      #expect(encoded.isKeyFrame == (index == 0))
      #expect(encoded.time == original.time)
      let decoded = try #require(try decoder.decode(encoded.payload, time: encoded.time))
      #expect(decoded.time == original.time)
      #expect(decoded.width == 320 && decoded.height == 240)
      #expect(psnr(original, decoded) > 30, "frame \(index)")
    }
  }

  @Test func timestampsAreOfTheVideoClock() throws {
    let encoder = try VP8Encoder(size: size, bitrate: 500_000)
    let first = try #require(try encoder.encode(picture(size, milliseconds: 0)))
    let second = try #require(try encoder.encode(picture(size, milliseconds: 1000)))
    #expect(second.timestamp &- first.timestamp == 90_000)
  }

  @Test func keyFrameOnRequestSynchronisesANewDecoder() throws {
    let encoder = try VP8Encoder(size: size, bitrate: 500_000)
    _ = try encoder.encode(picture(size, milliseconds: 0))
    let delta = try #require(try encoder.encode(picture(size, milliseconds: 33)))
    let decoder = try VP8Decoder()
    #expect(throws: MediaError.self) { try decoder.decode(delta.payload, time: delta.time) }

    let original = picture(size, milliseconds: 66)
    let key = try #require(try encoder.encode(original, forceKeyFrame: true))
    #expect(key.isKeyFrame)
    let decoded = try #require(try decoder.decode(key.payload, time: key.time))
    #expect(psnr(original, decoded) > 27)
  }

  @Test func followsThePicturesSize() throws {
    let encoder = try VP8Encoder(size: size, bitrate: 500_000)
    let decoder = try VP8Decoder()
    for (index, size) in [size, VideoSize(width: 641, height: 363), VideoSize(width: 160, height: 120)].enumerated() {
      let original = picture(size, milliseconds: index * 33)
      let encoded = try #require(try encoder.encode(original))
      #expect(encoded.isKeyFrame)
      #expect(encoder.size == size)
      let decoded = try #require(try decoder.decode(encoded.payload, time: encoded.time))
      #expect(decoded.width == size.width && decoded.height == size.height)
    }
  }

  @Test func bitrateFollowsTheTarget() throws {
    let encoder = try VP8Encoder(size: size, bitrate: 1_200_000)
    var random = SeededGenerator(seed: 1)
    let noise = random.bytes(64 * 1024).map { $0 & 31 }
    var bytes = [0, 0]
    for index in 0..<180 {
      if index == 90 { try encoder.setBitrate(600_000) }
      // Noise, so that there is more to say than bits for it.
      let frame = picture(size, milliseconds: index * 33)
      for row in 0..<size.height {
        let start = Int.random(in: 0..<noise.count - size.width, using: &random)
        (frame.y + row * frame.yStride).update(from: Array(noise[start..<start + size.width]), count: size.width)
      }
      let count = try encoder.encode(frame)?.payload.readableBytes ?? 0
      // The first second after each change is for the rate control to settle.
      if index % 90 >= 30 { bytes[index / 90] += count }
    }
    let rates = bytes.map { Double($0) * 8 / 2 }
    #expect((900_000...1_500_000).contains(rates[0]), "\(rates)")
    #expect((450_000...750_000).contains(rates[1]), "\(rates)")
  }

  @Test func refusesSizesBeyondTheLargest() throws {
    let encoded = try #require(
      try VP8Encoder(size: size, bitrate: 500_000).encode(picture(size, milliseconds: 0)))
    var payload = encoded.payload
    payload.setInteger(UInt16(0x3fff), at: payload.readerIndex + 6, endianness: .little)
    let decoder = try VP8Decoder()
    #expect(throws: MediaError.failed(device: "VP8 decoder", detail: "refused a picture of 16383x240")) {
      try decoder.decode(payload, time: .now())
    }
    #expect(try decoder.decode(encoded.payload, time: .now()) != nil)
  }

  @Test func garbageIsAnErrorAndTheNextKeyFrameHeals() throws {
    var random = SeededGenerator(seed: 7)
    let encoder = try VP8Encoder(size: size, bitrate: 500_000)
    let decoder = try VP8Decoder()
    var refused = 0
    for round in 0..<120 {
      let original = picture(size, milliseconds: round * 33)
      let encoded = try #require(try encoder.encode(original, forceKeyFrame: round % 4 == 0))
      let intact = [UInt8](encoded.payload.readableBytesView)
      let bad = round % 3 == 0 ? random.bytes(Int.random(in: 0...200, using: &random)) : random.mutate(intact)
      do { _ = try decoder.decode(ByteBuffer(bytes: bad), time: .now()) } catch { refused += 1 }
    }
    #expect(refused > 20)
    let original = picture(size, milliseconds: 0)
    let key = try #require(try encoder.encode(original, forceKeyFrame: true))
    let decoded = try #require(try decoder.decode(key.payload, time: .now()))
    #expect(psnr(original, decoded) > 27)
  }

  @Test func emptyAndTinyFramesAreErrors() throws {
    let decoder = try VP8Decoder()
    for bytes: [UInt8] in [[], [0], [1, 2], [0, 0, 0, 0x9d, 0x01], [0x10, 0, 0, 1, 2, 3, 0, 0, 0, 0]] {
      #expect(throws: MediaError.self, "\(bytes)") { try decoder.decode(ByteBuffer(bytes: bytes), time: .now()) }
    }
  }
}
