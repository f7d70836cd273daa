internal import Synchronization

/// Bounds the frames on their way from the media threads to the event loop: beyond the limit new ones are refused, and
/// counted, until some have got through.
final class FrameGate: Sendable {
  private static let limit = 64
  private let waiting = Atomic(0)
  private let refusals = Atomic(0)

  /// Frames refused so far.
  var refused: Int { refusals.load(ordering: .relaxed) }

  /// Asks to let a frame in.
  /// - Returns: false if it is to be dropped; otherwise ``leave()`` has to follow.
  func enter() -> Bool {
    if waiting.add(1, ordering: .relaxed).newValue <= Self.limit { return true }
    waiting.subtract(1, ordering: .relaxed)
    refusals.add(1, ordering: .relaxed)
    return false
  }

  func leave() {
    waiting.subtract(1, ordering: .relaxed)
  }
}
