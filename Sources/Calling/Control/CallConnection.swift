import Frames
import NIOConcurrencyHelpers
import NIOCore
import PeerConnection

/// Joins the media threads to the peer connection, which is made after them and may be made anew.
final class CallOutlet: MediaOutlet {
  private let connection = NIOLockedValueBox<PeerConnection?>(nil)
  private let failed: @Sendable (String) -> Void

  /// - Parameter failed: called on a media thread when a device gives up.
  init(failed: @escaping @Sendable (String) -> Void) {
    self.failed = failed
  }

  func connect(_ new: PeerConnection?) { connection.withLockedValue { $0 = new } }

  private var current: PeerConnection? { connection.withLockedValue { $0 } }

  func send(video frame: EncodedVideoFrame) { current?.send(video: frame) }
  func send(audio frame: EncodedAudioFrame) { current?.send(audio: frame) }
  func needKeyFrame() { current?.requestKeyFrame() }
  func heard(timestamp: UInt32, at time: NIODeadline) { current?.reportAudioPlayout(timestamp: timestamp, at: time) }
  func mediaFailed(_ text: String) { failed(text) }
}

/// Everything that belongs to one call and goes with it.
struct CallConnection {
  let id: CallMachine.CallID
  let outlet: CallOutlet
  let pipeline: MediaPipeline
  var peer: Peer?
  /// What the statistics of a second are the difference to.
  var sampler = StatisticsSampler()

  /// A peer connection and its negotiation: steps are taken one after the other, so that an offer which comes while an
  /// answer is still being applied waits its turn and is never lost.
  struct Peer {
    let connection: PeerConnection
    let steps: AsyncStream<NegotiationStep>.Continuation
    /// Candidates wait until the description they belong to is out: a page loses what comes before it.
    var isDescriptionSent = false
    var heldCandidates: [CandidateDescription] = []
    /// What is out of our present offer or answer, to be sent once more if it got lost with the connection to the server.
    var sentOffer: String?
    var sentCandidates: [CandidateDescription] = []
  }
}

/// One step of the offer/answer exchange.
enum NegotiationStep: Sendable {
  case makeOffer(to: String)
  case takeOffer(from: String, sdp: String)
  case takeAnswer(sdp: String)
  case restart(to: String)
  case addCandidate(CandidateDescription)
}
