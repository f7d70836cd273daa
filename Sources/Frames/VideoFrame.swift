public import NIOCore

/// One uncompressed picture in I420: a full-size luma plane and two chroma planes of half the width and height
/// (rounded up). Samples are BT.601 limited range (luma 16...235), as VP8 carries them.
///
/// A frame is filled by whoever took it from a ``VideoFramePool``, then published; from then on everybody only reads.
/// When the last reference goes away its memory returns to the pool, so a running call allocates no pictures.
public final class VideoFrame: @unchecked Sendable {
  // @unchecked: the planes are written only between `VideoFramePool.take` and the hand-over to another thread, by the
  // one owner there is at that time; after it they are immutable. The hand-over (a mailbox) orders the two.

  /// Width of the luma plane in samples, 1 or more.
  public let width: Int
  /// Height of the luma plane in samples, 1 or more.
  public let height: Int
  /// Bytes from one luma row to the next, a multiple of 64.
  public let yStride: Int
  /// Bytes from one chroma row to the next, a multiple of 64.
  public let uvStride: Int
  /// Width of a chroma plane in samples.
  public var chromaWidth: Int { (width + 1) / 2 }
  /// Height of a chroma plane in samples.
  public var chromaHeight: Int { (height + 1) / 2 }
  /// First sample of the luma plane, `yStride * height` bytes.
  public let y: UnsafeMutablePointer<UInt8>
  /// First sample of the U plane, `uvStride * chromaHeight` bytes.
  public let u: UnsafeMutablePointer<UInt8>
  /// First sample of the V plane, `uvStride * chromaHeight` bytes.
  public let v: UnsafeMutablePointer<UInt8>
  /// When the picture was taken (a camera's) or is to be shown (a decoder's).
  public var time: NIODeadline

  private let storage: UnsafeMutableRawPointer
  private let pool: VideoFramePool

  init(size: VideoSize, storage: UnsafeMutableRawPointer, pool: VideoFramePool) {
    let layout = VideoFramePool.Layout(size)
    width = size.width
    height = size.height
    yStride = layout.yStride
    uvStride = layout.uvStride
    self.storage = storage
    let bytes = storage.assumingMemoryBound(to: UInt8.self)
    y = bytes
    u = bytes + layout.yBytes
    v = bytes + layout.yBytes + layout.uvBytes
    time = .uptimeNanoseconds(0)
    self.pool = pool
  }

  deinit {
    pool.giveBack(storage, size: VideoSize(width: width, height: height))
  }

  /// Fills the frame with one colour.
  public func fill(y luma: UInt8, u blue: UInt8 = 128, v red: UInt8 = 128) {
    y.update(repeating: luma, count: yStride * height)
    u.update(repeating: blue, count: uvStride * chromaHeight)
    v.update(repeating: red, count: uvStride * chromaHeight)
  }
}

/// Width and height of a picture in luma samples.
public struct VideoSize: Sendable, Hashable {
  public var width: Int
  public var height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// The largest picture any part of Glyphone takes: a peer or a file that claims more is refused.
  public static let largest = VideoSize(width: 4096, height: 4096)

  /// Whether both sides are at least 1 and at most those of ``largest``.
  public var isValid: Bool { (1...Self.largest.width).contains(width) && (1...Self.largest.height).contains(height) }
}

extension VideoSize: CustomStringConvertible {
  public var description: String { "\(width)x\(height)" }
}
