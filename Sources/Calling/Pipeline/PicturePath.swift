import Frames
import Media
import NIOCore
import PeerConnection

/// The picture thread: decodes every frame and shows the newest.
final class PicturePath: Sendable {
  /// About a second of a call. If decoding falls that far behind, all of it goes and a key frame is asked for.
  private static let capacity = 30

  private let mailbox = Mailbox<EncodedVideoFrame>(capacity: capacity, whenFull: .dropAll)
  private let sink: any PictureSink
  private let counters: MediaCounters
  private let outlet: any MediaOutlet

  init(sink: any PictureSink, counters: MediaCounters, outlet: any MediaOutlet) {
    self.sink = sink
    self.counters = counters
    self.outlet = outlet
  }

  /// Called on the event loop.
  func receive(_ frame: EncodedVideoFrame) {
    let lost = mailbox.put(frame)
    guard lost > 0 else { return }
    counters.count { $0.framesDropped += lost }
    outlet.needKeyFrame()
  }

  func stop() { mailbox.close() }

  func run() {
    do {
      let decoder = try VP8Decoder()
      var waitsForKeyFrame = true
      while let frame = mailbox.take() {
        if frame.isKeyFrame || !waitsForKeyFrame { waitsForKeyFrame = !decode(frame, with: decoder) }
        if waitsForKeyFrame { outlet.needKeyFrame() }
      }
    } catch {
      outlet.mediaFailed("The peer's picture cannot be decoded: \(error).")
    }
  }

  /// - Returns: false when the decoder can only go on from a key frame.
  private func decode(_ frame: EncodedVideoFrame, with decoder: VP8Decoder) -> Bool {
    do {
      guard let picture = try decoder.decode(frame.payload, time: frame.time) else { return true }
      counters.count {
        if $0.framesDecoded == 0 { $0.firstFrame = .now() }
        $0.framesDecoded += 1
        $0.receivedSize = VideoSize(width: picture.width, height: picture.height)
      }
      // What waits behind is newer: the latest wins.
      if mailbox.isEmpty { sink.showRemote(picture) }
      return true
    } catch {
      counters.count { $0.framesDropped += 1 }
      return false
    }
  }
}
