import Foundation
import NIOConcurrencyHelpers

/// A thread of its own for one piece of media work that blocks on a device or a queue. Ends when its body returns;
/// ``join()`` waits for that.
final class MediaThread: Sendable {
  private let finished = ConditionLock(value: false)

  /// Starts at once.
  /// - Parameter name: what `top -H` and a debugger show, 15 bytes at most.
  init(name: String, body: @escaping @Sendable () -> Void) {
    let finished = finished
    let thread = Thread {
      body()
      finished.lock()
      finished.unlock(withValue: true)
    }
    thread.name = name
    thread.start()
  }

  /// Blocks until the body has returned. Never called on a media thread or an event loop.
  func join() {
    finished.lock(whenValue: true)
    finished.unlock()
  }
}
