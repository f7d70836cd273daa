import Frames
import NIOConcurrencyHelpers
import NIOCore

/// What the media threads have done, for the statistics.
final class MediaCounters: Sendable {
  struct Values: Sendable {
    var framesSent = 0
    var framesDecoded = 0
    var framesDropped = 0
    var audioFramesSent = 0
    var audioFramesDecoded = 0
    var audioFramesConcealed = 0
    var sentSize = VideoSize(width: 0, height: 0)
    /// When the first picture of the peer was decoded.
    var firstFrame: NIODeadline?
    var receivedSize = VideoSize(width: 0, height: 0)
  }

  private let box = NIOLockedValueBox(Values())

  var values: Values { box.withLockedValue { $0 } }

  func count(_ change: (inout Values) -> Void) { box.withLockedValue(change) }
}
