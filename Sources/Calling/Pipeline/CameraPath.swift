import Frames
import Media
import NIOConcurrencyHelpers

/// The camera thread: takes pictures, shows them as self view, encodes and hands them on.
struct CameraPath: Sendable {
  /// What the network and the person want of it.
  struct Wishes: Sendable {
    var isConnected = false
    var isOff = false
    var wantsKeyFrame = false
    /// Bits a second for pictures.
    var bitrate = CameraPath.startBitrate
  }

  final class Control: Sendable {
    private let wishes = NIOLockedValueBox(Wishes())

    func update(_ change: (inout Wishes) -> Void) { wishes.withLockedValue(change) }

    /// The wishes as of now; the one for a key frame is thereby taken.
    func take() -> Wishes {
      wishes.withLockedValue { wishes in
        defer { if wishes.isConnected { wishes.wantsKeyFrame = false } }
        return wishes
      }
    }
  }

  static let startBitrate = 600_000
  static let lowestBitrate = 50_000
  /// A camera that is off sends a black picture this often, in camera frames: browsers do the same.
  private static let blackInterval = 10

  let camera: any VideoSource
  let control: Control
  let sink: any PictureSink
  let counters: MediaCounters
  let outlet: any MediaOutlet

  func run() {
    do {
      var sender = Sender(path: self)
      while let frame = try camera.next() { try sender.take(frame) }
    } catch {
      outlet.mediaFailed("The camera gave up: \(error). The call goes on without your picture.")
    }
  }

  /// Loop state: one encoder for as long as the size stays the same.
  private struct Sender {
    let path: CameraPath
    private let blackPool = VideoFramePool(keep: 1)
    private var encoder: VP8Encoder?
    private var framesOff = 0

    init(path: CameraPath) {
      self.path = path
    }

    mutating func take(_ frame: VideoFrame) throws(MediaError) {
      let wishes = path.control.take()
      framesOff = wishes.isOff ? framesOff + 1 : 0
      let picture = wishes.isOff ? black(like: frame) : frame
      path.sink.showLocal(picture)
      guard wishes.isConnected else { return }
      if framesOff > 1, framesOff % CameraPath.blackInterval != 0, !wishes.wantsKeyFrame { return }
      let encoder = try encoder(for: picture, bitrate: wishes.bitrate)
      guard let encoded = try encoder.encode(picture, forceKeyFrame: wishes.wantsKeyFrame) else { return }
      path.outlet.send(video: encoded)
      path.counters.count {
        $0.framesSent += 1
        $0.sentSize = VideoSize(width: picture.width, height: picture.height)
      }
    }

    private mutating func encoder(for frame: VideoFrame, bitrate: Int) throws(MediaError) -> VP8Encoder {
      let size = VideoSize(width: frame.width, height: frame.height)
      if let encoder, encoder.size == size {
        if encoder.bitrate != bitrate { try encoder.setBitrate(bitrate) }
        return encoder
      }
      let new = try VP8Encoder(size: size, bitrate: bitrate, framesPerSecond: 30)
      encoder = new
      return new
    }

    private func black(like frame: VideoFrame) -> VideoFrame {
      let black = blackPool.take(VideoSize(width: frame.width, height: frame.height))
      black.fill(y: 16)
      black.time = frame.time
      return black
    }
  }
}
