import Frames
import Glibc
import NIOCore
import TerminalUI

/// Makes moving pictures at 30 a second.
struct PictureThread {
  let isRemote: Bool

  func run(
    pictures: PicturePane, while isWanted: @escaping @Sendable () -> Bool,
    eachSecond: @escaping @Sendable (_ second: Int, _ frames: Int) -> Void
  ) {
    let isRemote = isRemote
    Task.detached {
      let pool = VideoFramePool()
      var number = 0
      let start = NIODeadline.now()
      while isWanted() {
        let frame = pool.take(VideoSize(width: 640, height: 480))
        Self.paint(frame, number: number, isRemote: isRemote)
        isRemote ? pictures.showRemote(frame) : pictures.showLocal(frame)
        number += 1
        if number % 30 == 0 { eachSecond(number / 30, number) }
        let next = start + .nanoseconds(Int64(number) * 33_333_333)
        try? await Task.sleep(for: .nanoseconds(max((next - .now()).nanoseconds, 0)))
      }
    }
  }

  /// A disc that wanders over a gradient.
  private static func paint(_ frame: VideoFrame, number: Int, isRemote: Bool) {
    let phase = Double(number) / 30
    let centreX = Double(frame.width) * (0.5 + 0.3 * cos(phase))
    let centreY = Double(frame.height) * (0.5 + 0.3 * sin(phase * 1.3))
    for row in 0..<frame.height {
      let line = frame.y + row * frame.yStride
      for column in 0..<frame.width {
        let dx = Double(column) - centreX
        let dy = Double(row) - centreY
        let inside = dx * dx + dy * dy < 90 * 90
        line[column] = inside ? 210 : UInt8(40 + (column + row) / 12)
      }
    }
    for row in 0..<frame.chromaHeight {
      for column in 0..<frame.chromaWidth {
        let dx = Double(column * 2) - centreX
        let dy = Double(row * 2) - centreY
        let inside = dx * dx + dy * dy < 90 * 90
        frame.u[row * frame.uvStride + column] = inside ? 90 : UInt8(isRemote ? 100 + column / 5 : 160)
        frame.v[row * frame.uvStride + column] = inside ? 160 : UInt8(isRemote ? 130 - row / 6 : 90)
      }
    }
  }
}
