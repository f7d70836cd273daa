import CYUV
public import Frames

/// Scales pictures, into frames of its own pool.
public final class VideoScaler: Sendable {
  private let pool: VideoFramePool

  /// - Parameter keep: how many pictures are out at a time in steady state.
  public init(keep: Int = 4) {
    pool = VideoFramePool(keep: keep)
  }

  /// The picture in another size; itself when it has that size already. Its proportions are not kept: see
  /// ``Frames/VideoSize/fitted(into:)``.
  /// - Precondition: `size.isValid`.
  public func scale(_ frame: VideoFrame, to size: VideoSize) -> VideoFrame {
    if frame.width == size.width, frame.height == size.height { return frame }
    let scaled = pool.take(size)
    scaled.time = frame.time
    _ = I420Scale(
      frame.y, Int32(frame.yStride), frame.u, Int32(frame.uvStride), frame.v, Int32(frame.uvStride),
      Int32(frame.width), Int32(frame.height),
      scaled.y, Int32(scaled.yStride), scaled.u, Int32(scaled.uvStride), scaled.v, Int32(scaled.uvStride),
      Int32(size.width), Int32(size.height), kFilterBox)
    return scaled
  }
}

extension VideoSize {
  /// The largest size of the same proportions, even sides, at least 2x2, that fits into the given one; this size itself
  /// if it fits.
  public func fitted(into box: VideoSize) -> VideoSize {
    guard width > box.width || height > box.height, isValid else { return self }
    let scale = min(Double(box.width) / Double(width), Double(box.height) / Double(height))
    func side(_ length: Int) -> Int { max(Int(Double(length) * scale / 2 + 1e-9) * 2, 2) }
    return VideoSize(width: side(width), height: side(height))
  }
}
