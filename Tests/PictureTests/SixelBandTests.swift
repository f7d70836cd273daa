import CSamples
import CSamplesBaseline
import TestSupport
import Testing

@testable import Picture

/// Bands of sixels are found and written in C, on this processor as on any.
@Suite struct SixelBandTests {
  private static let stride = 384

  /// The loops of a processor.
  private struct Loops {
    var collect = glyphone_sixels_collect
    var collectAll = glyphone_sixels_collect_all
    var pack = glyphone_sixels_pack
    var write = glyphone_sixels_write

    static let all = [
      Loops(),
      Loops(
        collect: baseline_sixels_collect, collectAll: baseline_sixels_collect_all, pack: baseline_sixels_pack,
        write: baseline_sixels_write),
    ]
  }

  /// The odd colours are new.
  private func isNew() -> Storage<Bool> {
    let isNew = Storage(repeating: false, count: 256)
    for number in 0..<256 where number % 2 == 1 { isNew.pointer[number] = true }
    return isNew
  }

  /// What a band is written as, once its sixels are collected.
  private func text(_ band: SixelBand, _ loops: Loops, _ isNew: Storage<Bool>) -> [UInt8] {
    loops.pack(&band.sixels, isNew.pointer)
    let room = Storage<UInt8>(repeating: 0, count: band.room)
    guard let end = loops.write(&band.sixels, room.pointer) else { return [] }
    return Array(UnsafeBufferPointer(start: room.pointer, count: end - room.pointer))
  }

  /// The colours of pixels, by column and row; nil where nothing is painted.
  private typealias Pixels = [[UInt8?]]

  /// What a terminal makes of a text; nil where it paints a pixel twice.
  private func pixels(_ text: [UInt8], width: Int) -> Pixels? {
    var pixels = Pixels(repeating: [UInt8?](repeating: nil, count: 6), count: width)
    var (x, color, digits) = (0, 0, 0)
    var counts: Int?
    var isColor = false
    for byte in text {
      if isColor || counts != nil, (0x30...0x39).contains(byte) {
        digits = 10 * digits + Int(byte - 0x30)
        if isColor { color = digits } else { counts = digits }
        continue
      }
      isColor = byte == 0x23
      digits = 0
      switch byte {
      case 0x21: counts = 0
      case 0x23: break
      case 0x24: x = 0
      default:
        for _ in 0..<(counts ?? 1) {
          for row in 0..<6 where (byte - 0x3F) >> UInt8(row) & 1 == 1 {
            if pixels[x][row] != nil { return nil }
            pixels[x][row] = UInt8(color)
          }
          x += 1
        }
        counts = nil
      }
    }
    return pixels
  }

  /// The most stretches that any column is part of: so many passes there have to be.
  private func depth(_ pixels: Pixels) -> Int {
    var depths = [Int](repeating: 0, count: pixels.count)
    for color in Set(pixels.joined().compactMap(\.self)) {
      let columns = pixels.indices.filter { pixels[$0].contains(color) }
      for (column, next) in zip(columns, columns.dropFirst() + [.max]) {
        let isJoined = next != .max && next - column - 1 <= Int(glyphone_small_gap)
        for x in column..<(isJoined ? next : column + 1) { depths[x] += 1 }
      }
    }
    return depths.max() ?? 0
  }

  private func expect(_ loops: Loops, _ expected: Pixels, _ collect: (inout glyphone_sixels) -> Void) -> [UInt8] {
    let band = SixelBand(width: expected.count)
    collect(&band.sixels)
    let isNew = isNew()
    let text = text(band, loops, isNew)
    #expect(pixels(text, width: expected.count) == expected)
    let depth = depth(expected)
    #expect(text.count { $0 == 0x24 } == max(depth, 1) - 1)
    let colors = Set(expected.joined().compactMap(\.self))
    #expect(band.newColors.sorted() == colors.filter { $0 % 2 == 1 }.sorted())
    for number in 0..<256 {
      #expect(isNew.pointer[number] == (number % 2 == 1 && !colors.contains(UInt8(number))))
    }
    return text
  }

  /// Numbers of few colours, so that there are runs, or of many.
  private func numbers(seed: UInt64) -> Storage<UInt8> {
    let numbers = samples(6 * Self.stride + 32, seed: seed)
    for place in 0..<numbers.count {
      let sample = numbers.pointer[place]
      switch seed % 4 {
      case 0: numbers.pointer[place] = sample < 200 ? 3 : sample % 7
      case 1: numbers.pointer[place] = sample / 8
      case 2: numbers.pointer[place] = UInt8(place % Self.stride / 20)
      // As many stretches side by side as there can be.
      default: numbers.pointer[place] = UInt8(place % Self.stride * 6 % 54 + place / Self.stride % 6)
      }
    }
    return numbers
  }

  @Test(arguments: [1, 7, 8, 40, 61, 300])
  func pixelsThatArePaintedAreWrittenOnceInTheFewestPasses(width: Int) {
    for seed in 0..<12 as Range<UInt64> {
      let numbers = numbers(seed: seed)
      let painted = samples(Self.stride, seed: seed + 50)
      for x in 0..<Self.stride {
        switch seed % 3 {
        case 0: painted.pointer[x] &= 9
        case 1: painted.pointer[x] = x / 64 % 2 == 0 ? 0 : painted.pointer[x] & 63
        default: painted.pointer[x] = 63
        }
      }
      let expected = (0..<width).map { x in
        (0..<6).map { painted.pointer[x] >> UInt8($0) & 1 == 1 ? numbers.pointer[$0 * Self.stride + x] : nil }
      }
      let texts = Loops.all.map { loops in
        expect(loops, expected) { loops.collect(&$0, numbers.pointer, Self.stride, painted.pointer, Int32(width)) }
      }
      #expect(texts[0] == texts[1])
    }
  }

  @Test(arguments: [1, 7, 8, 40, 61, 300])
  func allPixelsAreWrittenOnceInTheFewestPasses(width: Int) {
    for seed in 0..<12 as Range<UInt64> {
      let numbers = numbers(seed: seed)
      for height in [6, 1 + Int(seed) % 6] {
        let expected = (0..<width).map { x in
          (0..<6).map { $0 < height ? numbers.pointer[$0 * Self.stride + x] : nil }
        }
        let texts = Loops.all.map { loops in
          expect(loops, expected) {
            loops.collectAll(&$0, numbers.pointer, Self.stride, Int32(width), Int32(height))
          }
        }
        #expect(texts[0] == texts[1])
      }
    }
  }

  @Test func runsAndGapsAreAsShortAsTheyCanBe() {
    let numbers = Storage<UInt8>(repeating: 5, count: 6 * Self.stride)
    let painted = Storage<UInt8>(repeating: 0, count: Self.stride)
    func text(_ columns: Int...) -> String {
      painted.fill(0)
      for x in columns { painted.pointer[x] = 1 }
      let band = SixelBand(width: 300)
      glyphone_sixels_collect(&band.sixels, numbers.pointer, Self.stride, painted.pointer, 300)
      return String(decoding: self.text(band, Loops(), isNew()), as: UTF8.self)
    }
    #expect(text() == "")
    #expect(text(0) == "#5@")
    #expect(text(2, 3, 4, 8) == "#5??@@@???@")
    #expect(text(10, 11, 12, 13) == "#5!10?!4@")
    // The colour is chosen already.
    #expect(text(0, 200) == "#5@!199?@")
  }
}
