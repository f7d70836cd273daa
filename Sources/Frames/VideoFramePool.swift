import NIOConcurrencyHelpers

/// Lends out ``VideoFrame``s and takes their memory back when the last reader has let go.
public final class VideoFramePool: Sendable {
  struct Layout {
    let yStride: Int
    let uvStride: Int
    let yBytes: Int
    let uvBytes: Int
    /// Slack behind the last row, so that SIMD code may read past the end of a row.
    var total: Int { yBytes + 2 * uvBytes + 64 }

    init(_ size: VideoSize) {
      yStride = (size.width + 63) & ~63
      uvStride = ((size.width + 1) / 2 + 63) & ~63
      yBytes = yStride * size.height
      uvBytes = uvStride * ((size.height + 1) / 2)
    }
  }

  private struct Shelf {
    var size: VideoSize?
    // Raw addresses: a pointer is not Sendable, and the lock around the shelf is what guards these.
    var free: [UInt] = []
  }

  private let shelf = NIOLockedValueBox(Shelf())
  private let keep: Int

  /// - Parameter keep: how many returned frames are kept for reuse; more are freed.
  public init(keep: Int = 8) {
    self.keep = keep
  }

  deinit {
    for address in shelf.withLockedValue({ $0.free }) { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
  }

  /// A frame of the given size whose samples are undefined. Allocates only while the pool warms up or the size changes.
  /// - Precondition: `size.isValid`.
  public func take(_ size: VideoSize) -> VideoFrame {
    precondition(size.isValid, "a frame of \(size)")
    let address = shelf.withLockedValue { shelf -> UInt? in
      if shelf.size != size {
        for address in shelf.free { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
        shelf.free.removeAll(keepingCapacity: true)
        shelf.size = size
      }
      return shelf.free.popLast()
    }
    let storage =
      address.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
      ?? .allocate(byteCount: Layout(size).total, alignment: 64)
    return VideoFrame(size: size, storage: storage, pool: self)
  }

  func giveBack(_ storage: UnsafeMutableRawPointer, size: VideoSize) {
    let kept = shelf.withLockedValue { shelf -> Bool in
      guard shelf.size == size, shelf.free.count < keep else { return false }
      shelf.free.append(UInt(bitPattern: storage))
      return true
    }
    if !kept { storage.deallocate() }
  }
}
