import NIOCore
import PeerConnection

/// Makes the figures of a second out of counters that only grow.
struct StatisticsSampler {
  private var previous = PeerConnectionStatistics()
  private var previousMedia = MediaCounters.Values()
  private var previousTime: NIODeadline?

  /// - Parameters:
  ///   - began: when the person called or said yes.
  ///   - since: when the call became active.
  mutating func sample(
    _ network: PeerConnectionStatistics, _ media: MediaCounters.Values, began: NIODeadline, since: NIODeadline,
    now: NIODeadline
  ) -> CallStatistics {
    let elapsed = max(Self.seconds(from: previousTime ?? since, to: now), 0.001)
    var figures = CallStatistics()
    figures.seconds = Self.seconds(from: since, to: now)
    figures.framesSent = media.framesSent
    figures.framesDecoded = media.framesDecoded
    figures.framesDropped = media.framesDropped + network.receivedVideo.framesDropped
    figures.audioFramesSent = media.audioFramesSent
    figures.audioFramesDecoded = media.audioFramesDecoded
    figures.audioFramesConcealed = media.audioFramesConcealed
    figures.sentSize = media.sentSize
    figures.receivedSize = media.receivedSize
    figures.sentFramesPerSecond = Double(media.framesSent - previousMedia.framesSent) / elapsed
    figures.receivedFramesPerSecond = Double(media.framesDecoded - previousMedia.framesDecoded) / elapsed
    figures.sentKilobitsPerSecond = Double(network.bytesSent - previous.bytesSent) * 8 / 1000 / elapsed
    figures.receivedKilobitsPerSecond = Double(network.bytesReceived - previous.bytesReceived) * 8 / 1000 / elapsed
    figures.receivedLossPercent = max(network.receivedVideo.fractionLost, network.receivedAudio.fractionLost) * 100
    figures.sentLossPercent = max(network.sentVideo.fractionLost, network.sentAudio.fractionLost) * 100
    figures.roundTripMilliseconds = network.roundTripTime.map { Double($0.nanoseconds) / 1e6 }
    figures.setUpMilliseconds = media.firstFrame.map { Self.seconds(from: began, to: $0) * 1000 }
    figures.path = network.selectedPair
    previous = network
    previousMedia = media
    previousTime = now
    return figures
  }

  private static func seconds(from earlier: NIODeadline, to later: NIODeadline) -> Double {
    Double((later - earlier).nanoseconds) / 1e9
  }
}
