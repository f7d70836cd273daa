import Frames
import Glibc

/// Draws the test picture: colour bars over a grey ramp, a disk that goes round, and a clock in milliseconds. Pure: the
/// picture is a function of the time of day.
final class TestPattern {
  let size: VideoSize
  /// Where the clock's black box is, in luma samples; empty when the picture is too small for it.
  let clockBox: (x: Int, y: Int, width: Int, height: Int)
  /// Luma samples to one dot of the clock's font.
  let dot: Int

  private let background: VideoFrame
  private static let characters = 12

  init(size: VideoSize) {
    self.size = size
    let columns = Self.characters * ClockFont.advance + 1
    dot = size.width / (columns + 4)
    let box = (width: columns * dot, height: (ClockFont.height + 2) * dot)
    clockBox = (
      x: (size.width - box.width) / 2, y: max(size.height * 3 / 4 - box.height / 2, 0),
      width: box.width, height: box.height
    )
    background = VideoFramePool(keep: 1).take(size)
    drawBackground()
  }

  /// Fills the frame, which must be of ``size``.
  /// - Parameter milliseconds: since midnight, 0..<86400000; what the clock shows.
  func draw(into frame: VideoFrame, at milliseconds: Int) {
    I420Planes(background).copy(to: frame)
    drawDisk(into: frame, turn: Double(milliseconds % 4000) / 4000)
    if dot > 0 { drawClock(into: frame, at: milliseconds) }
  }

  // The bars of 75 % (EIA-189-A) in BT.601: white, yellow, cyan, green, magenta, red, blue, black.
  private static let bars: [Colour] = [
    Colour(180, 128, 128), Colour(162, 44, 142), Colour(131, 156, 44), Colour(112, 72, 58),
    Colour(84, 184, 198), Colour(65, 100, 212), Colour(35, 212, 114), Colour(16, 128, 128),
  ]

  private func drawBackground() {
    let barsHeight = size.height * 3 / 5
    for (index, colour) in Self.bars.enumerated() {
      let left = size.width * index / Self.bars.count
      let right = size.width * (index + 1) / Self.bars.count
      background.fill(x: left, y: 0, width: right - left, height: barsHeight, colour)
    }
    for column in 0..<size.width {
      let luma = UInt8(16 + 219 * column / max(size.width - 1, 1))
      background.fill(
        x: column, y: barsHeight, width: 1, height: size.height - barsHeight, Colour(luma, 128, 128))
    }
  }

  /// - Parameter turn: 0..<1 of the way round.
  private func drawDisk(into frame: VideoFrame, turn: Double) {
    let radius = max(size.height / 12, 1)
    let centreX = Int(Double(size.width) * (0.5 + 0.35 * cos(2 * .pi * turn)))
    let centreY = Int(Double(size.height) * (0.3 + 0.18 * sin(2 * .pi * turn)))
    for row in -radius...radius {
      let half = Int(Double(radius * radius - row * row).squareRoot())
      frame.fill(x: centreX - half, y: centreY + row, width: 2 * half, height: 1, Colour(220, 110, 150))
    }
  }

  private func drawClock(into frame: VideoFrame, at milliseconds: Int) {
    frame.fill(
      x: clockBox.x, y: clockBox.y, width: clockBox.width, height: clockBox.height, Colour(16, 128, 128))
    var left = clockBox.x + dot
    func put(_ rows: [UInt8]) {
      for (row, bits) in rows.enumerated() {
        for column in 0..<ClockFont.width where bits & (1 << UInt8(ClockFont.width - 1 - column)) != 0 {
          frame.fill(
            x: left + column * dot, y: clockBox.y + (row + 1) * dot, width: dot, height: dot, Colour(235, 128, 128))
        }
      }
      left += ClockFont.advance * dot
    }
    func put(_ number: Int, digits: Int) {
      var divisor = digits == 3 ? 100 : 10
      while divisor > 0 {
        put(ClockFont.rows(digit: number / divisor % 10))
        divisor /= 10
      }
    }
    let seconds = milliseconds / 1000
    put(seconds / 3600, digits: 2)
    put(ClockFont.colon)
    put(seconds / 60 % 60, digits: 2)
    put(ClockFont.colon)
    put(seconds % 60, digits: 2)
    put(ClockFont.point)
    put(milliseconds % 1000, digits: 3)
  }
}

/// A colour as luma, blue and red difference.
struct Colour {
  var y: UInt8
  var u: UInt8
  var v: UInt8

  init(_ y: UInt8, _ u: UInt8, _ v: UInt8) {
    self.y = y
    self.u = u
    self.v = v
  }
}

extension VideoFrame {
  /// Fills the part of a rectangle that is inside the picture.
  func fill(x: Int, y top: Int, width rectangleWidth: Int, height rectangleHeight: Int, _ colour: Colour) {
    let left = min(max(x, 0), width)
    let right = min(max(x + rectangleWidth, left), width)
    let first = min(max(top, 0), height)
    let last = min(max(top + rectangleHeight, first), height)
    guard left < right, first < last else { return }
    for row in first..<last { (y + row * yStride + left).update(repeating: colour.y, count: right - left) }
    let chromaLeft = left / 2
    let chromaCount = (right + 1) / 2 - chromaLeft
    for row in first / 2..<(last + 1) / 2 {
      (u + row * uvStride + chromaLeft).update(repeating: colour.u, count: chromaCount)
      (v + row * uvStride + chromaLeft).update(repeating: colour.v, count: chromaCount)
    }
  }
}
