import Frames

/// Makes of a picture the one to be drawn: the part that is shown, in other tones. The result is one frame that is filled
/// again and again; a picture that stays as it is comes back untouched.
final class FrameAdjuster {
  private let pool = VideoFramePool(keep: 1)
  private var adjusted: VideoFrame?

  /// - Returns: a frame to be drawn before the next call.
  func adjust(_ frame: VideoFrame, window: SourceWindow, effects: PictureEffects) -> VideoFrame {
    let isWhole = window.isWhole(of: VideoSize(width: frame.width, height: frame.height))
    if isWhole, effects.keepsTones { return frame }
    let target = target(VideoSize(width: window.width, height: window.height))
    let luma = ToneMap(
      pivot: 126, gain: effects.contrast, offset: effects.brightness * 219, range: 16...235)
    let chroma = ToneMap(
      pivot: 128, gain: effects.isGray ? 0 : effects.saturation * effects.contrast, offset: 0, range: 16...240)
    luma.map(
      frame.y + window.y * frame.yStride + window.x, frame.yStride, to: target.y, target.yStride,
      width: target.width, height: target.height)
    let corner = window.y / 2 * frame.uvStride + window.x / 2
    for (plane, result) in [(frame.u, target.u), (frame.v, target.v)] {
      chroma.map(
        plane + corner, frame.uvStride, to: result, target.uvStride, width: target.chromaWidth,
        height: target.chromaHeight)
    }
    return target
  }

  private func target(_ size: VideoSize) -> VideoFrame {
    if let adjusted, adjusted.width == size.width, adjusted.height == size.height { return adjusted }
    let made = pool.take(size)
    adjusted = made
    return made
  }
}

/// A straight line through the tones: a sample's distance from the pivot is multiplied, and something added.
private struct ToneMap {
  private let pivot: SIMD16<Int16>
  /// In units of 1/64.
  private let gain: SIMD16<Int16>
  private let base: SIMD16<Int16>
  private let lowest: SIMD16<Int16>
  private let highest: SIMD16<Int16>
  private let isIdentity: Bool

  init(pivot: Int, gain: Double, offset: Double, range: ClosedRange<Int>) {
    isIdentity = gain == 1 && offset == 0
    self.pivot = SIMD16(repeating: Int16(pivot))
    // Products with a distance of 128 at most must stay within 16 bits.
    self.gain = SIMD16(repeating: Int16(min((gain * 64).rounded(), 250)))
    base = SIMD16(repeating: Int16(pivot) + Int16(offset.rounded()))
    lowest = SIMD16(repeating: Int16(range.lowerBound))
    highest = SIMD16(repeating: Int16(range.upperBound))
  }

  /// Rows of both planes may be touched up to a multiple of 16 samples.
  func map(
    _ source: UnsafePointer<UInt8>, _ sourceStride: Int, to target: UnsafeMutablePointer<UInt8>, _ targetStride: Int,
    width: Int, height: Int
  ) {
    for row in 0..<height {
      let from = UnsafeRawPointer(source + row * sourceStride)
      let to = UnsafeMutableRawPointer(target + row * targetStride)
      if isIdentity {
        to.copyMemory(from: from, byteCount: width)
        continue
      }
      var column = 0
      while column < width {
        let samples = SIMD16<Int16>(truncatingIfNeeded: (from + column).loadUnaligned(as: SIMD16<UInt8>.self))
        let scaled = ((samples &- pivot) &* gain) &>> 6 &+ base
        let held = scaled.clamped(lowerBound: lowest, upperBound: highest)
        (to + column).storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: held), as: SIMD16<UInt8>.self)
        column &+= 16
      }
    }
  }
}
