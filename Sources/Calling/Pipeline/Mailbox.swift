import DequeModule
import Foundation

/// A bounded queue from one thread to another. What happens when it is full is stated where it is made.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
  // @unchecked: `condition` guards everything below it.

  enum WhenFull: Sendable {
    /// The oldest element makes room.
    case dropOldest
    /// All that waits is thrown away: elements that build on each other are useless with a gap.
    case dropAll
  }

  private let condition = NSCondition()
  private var elements: Deque<Element>
  private var isClosed = false
  private let capacity: Int
  private let whenFull: WhenFull

  init(capacity: Int, whenFull: WhenFull) {
    self.capacity = capacity
    self.whenFull = whenFull
    elements = Deque(minimumCapacity: capacity)
  }

  /// Never blocks.
  /// - Returns: how many waiting elements had to go.
  @discardableResult
  func put(_ element: Element) -> Int {
    condition.lock()
    defer { condition.unlock() }
    guard !isClosed else { return 0 }
    let lost = elements.count < capacity ? 0 : whenFull == .dropAll ? elements.count : 1
    elements.removeFirst(lost)
    elements.append(element)
    condition.signal()
    return lost
  }

  /// The next element; waits for one. Nil once closed.
  func take() -> Element? {
    condition.lock()
    defer { condition.unlock() }
    while elements.isEmpty, !isClosed { condition.wait() }
    return elements.popFirst()
  }

  /// The next element if there is one.
  func poll() -> Element? {
    condition.lock()
    defer { condition.unlock() }
    return elements.popFirst()
  }

  var isEmpty: Bool {
    condition.lock()
    defer { condition.unlock() }
    return elements.isEmpty
  }

  /// Throws away what waits and wakes the reader for good.
  func close() {
    condition.lock()
    defer { condition.unlock() }
    isClosed = true
    elements.removeAll()
    condition.broadcast()
  }
}
