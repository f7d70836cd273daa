import Foundation
import Frames
import NIOConcurrencyHelpers
import NIOCore
import Synchronization

/// Gets the pictures of a film on a thread of its own, for a decoder can be slower than the film and a pipe can stand
/// still. One picture waits to be taken; nothing is read ahead of it, and nothing is dropped.
final class MovieFeed: Sendable {
  enum Item: Sendable {
    case picture(VideoFrame)
    /// Nothing comes after it.
    case end
    /// Nor after this.
    case failure(any Error)
  }

  private struct Place {
    var item: Item?
    var isStopped = false
  }

  private let place = Mutex(Place())
  private let isFilled = ConditionLock(value: false)

  /// - Parameters:
  ///   - source: gives one picture after the other, and nil at the end. Called on a thread of its own.
  ///   - wake: called there whenever something can be taken.
  init(source: @escaping @Sendable () throws -> VideoFrame?, wake: @escaping @Sendable () -> Void) {
    let thread = Thread { [self] in
      var isOver = false
      while !isOver {
        let item = Self.next(source)
        if case .picture = item {} else { isOver = true }
        guard put(item) else { return }
        wake()
      }
    }
    thread.name = "film"
    thread.start()
  }

  private static func next(_ source: () throws -> VideoFrame?) -> Item {
    do {
      return try source().map { .picture($0) } ?? .end
    } catch {
      return .failure(error)
    }
  }

  /// Waits for the place to be free; false when nobody wants anything any more.
  private func put(_ item: Item) -> Bool {
    isFilled.lock(whenValue: false)
    let isWanted = place.withLock { place in
      if !place.isStopped { place.item = item }
      return !place.isStopped
    }
    isFilled.unlock(withValue: isWanted)
    return isWanted
  }

  /// What comes next; nil when it is not there in time.
  func take(until deadline: NIODeadline) -> Item? {
    let left = max((deadline - .now()).nanoseconds, 0)
    guard isFilled.lock(whenValue: true, timeoutSeconds: Double(left) / 1e9) else { return nil }
    defer { isFilled.unlock(withValue: false) }
    return place.withLock { place in
      defer { place.item = nil }
      return place.item
    }
  }

  /// Ends the thread, unless it waits for the film: then it ends with the process.
  func stop() {
    isFilled.lock()
    place.withLock { $0 = Place(isStopped: true) }
    isFilled.unlock(withValue: false)
  }
}
