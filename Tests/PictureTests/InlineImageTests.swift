import CZlib
import Frames
import Picture
import TestSupport
import Testing

@Suite struct InlineImageTests {
  @Test func imagesArePNGsOfWhatChanged() throws {
    let capabilities = TerminalCapabilities(
      colors: .trueColor, hasInlineImages: true, cellPixels: PixelSize(width: 8, height: 16))
    let renderer = Renderer(mode: .iterm2, capabilities: capabilities, fit: .stretch)
    let viewport = Viewport(columns: 20, rows: 8, cellPixels: PixelSize(width: 8, height: 16), screenRows: 9)
    var random = SeededGenerator(seed: 3)
    var bytes: [UInt8] = []
    let frame = Scenes.moving(160, 128, time: 0, random: &random)
    renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
    let whole = try #require(InlineImage.images(in: bytes).first)
    #expect(whole.keys["inline"] == "1" && whole.keys["width"] == "20" && whole.keys["height"] == "8")
    #expect(whole.width == 160 && whole.height == 128)
    for (x, y) in [(0, 0), (159, 0), (20, 20), (100, 127), (159, 127)] {
      let wanted = Scenes.rgb(
        y: Double(frame.y[y * frame.yStride + x]), u: Double(frame.u[y / 2 * frame.uvStride + x / 2]),
        v: Double(frame.v[y / 2 * frame.uvStride + x / 2]))
      for channel in 0..<3 {
        #expect(abs(wanted[channel] - Double(whole.pixels[(y * 160 + x) * 3 + channel])) <= 2)
      }
    }
    bytes.removeAll()
    for row in 0..<16 {
      for x in 0..<16 { frame.y[row * frame.yStride + x] = 235 }
    }
    renderer.render(remote: frame, selfView: nil, in: viewport, into: &bytes)
    let part = try #require(InlineImage.images(in: bytes).first)
    #expect(part.width == 16 && part.height == 16)
    #expect(part.keys["width"] == "2" && part.keys["height"] == "1")
  }

  @Test func aWholePictureHasTheFaintestColors() throws {
    let capabilities = TerminalCapabilities(
      colors: .trueColor, hasInlineImages: true, cellPixels: PixelSize(width: 8, height: 16))
    let renderer = Renderer(mode: .iterm2, capabilities: capabilities, fit: .stretch)
    let viewport = Viewport(columns: 20, rows: 8, cellPixels: PixelSize(width: 8, height: 16), screenRows: 9)
    for (blue, red) in [(131, 125), (128, 128), (125, 131)] as [(UInt8, UInt8)] {
      var bytes: [UInt8] = []
      renderer.render(
        remote: Scenes.solid(160, 128, y: 100, u: blue, v: red), selfView: nil, in: viewport, into: &bytes)
      renderer.invalidate()
      let whole = try #require(InlineImage.images(in: bytes).first)
      let wanted = Scenes.rgb(y: 100, u: Double(blue), v: Double(red))
      for channel in 0..<3 { #expect(abs(wanted[channel] - Double(whole.pixels[channel])) <= 2) }
    }
  }
}

/// A PNG in an OSC 1337 sequence: 8-bit RGB, filters "sub" and "up".
private struct InlineImage {
  var keys: [String: String] = [:]
  var width = 0
  var height = 0
  var pixels: [UInt8] = []

  static func images(in bytes: [UInt8]) -> [InlineImage] {
    bytes.split(separator: 0x1B).filter { $0.starts(with: "]1337;File=".utf8) }.compactMap { InlineImage($0) }
  }

  init?(_ sequence: ArraySlice<UInt8>) {
    let text = sequence.dropFirst("]1337;File=".utf8.count)
    guard let colon = text.firstIndex(of: 0x3A), text.contains(0x07) else { return nil }
    for pair in String(decoding: text[..<colon], as: UTF8.self).split(separator: ";") {
      let sides = pair.split(separator: "=")
      keys[String(sides[0])] = String(sides[1])
    }
    let png = Base64Decoder.decode(text[text.index(after: colon)...].prefix { $0 != 0x07 }.map { $0 })
    guard png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), "\(png.count)" == keys["size"] else {
      return nil
    }
    func word(_ at: Int) -> Int { png[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    var packed: [UInt8] = []
    var at = 8
    while at + 12 <= png.count {
      let length = word(at)
      let name = Array(png[at + 4..<at + 8 + length])
      guard UInt(word(at + 8 + length)) == crc32(0, name, UInt32(name.count)) else { return nil }
      if name.starts(with: "IHDR".utf8) { (width, height) = (word(at + 8), word(at + 12)) }
      if name.starts(with: "IDAT".utf8) { packed += name.dropFirst(4) }
      at += 12 + length
    }
    guard let rows = Inflate.inflate(packed, count: height * (3 * width + 1)) else { return nil }
    for row in 0..<height {
      let line = rows[row * (3 * width + 1)..<(row + 1) * (3 * width + 1)]
      for (index, value) in line.dropFirst().enumerated() {
        switch line.first {
        case 1: pixels.append(value &+ (index < 3 ? 0 : pixels[pixels.count - 3]))
        case 2: pixels.append(value &+ pixels[pixels.count - 3 * width])
        default: return nil
        }
      }
    }
  }
}
