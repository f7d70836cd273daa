public import NIOCore

/// Things to happen in virtual time, earliest first; those of one time in the order they were added.
public struct EventQueue<Event> {
  private struct Entry {
    let time: NIODeadline
    let number: Int
    let event: Event

    func isBefore(_ other: Entry) -> Bool {
      (time, number) < (other.time, other.number)
    }
  }

  /// A binary heap: no entry is before its parent at half its index.
  private var heap: [Entry] = []
  private var added = 0

  public init() {}

  /// When the first event is due.
  public var nextTime: NIODeadline? { heap.first?.time }

  public mutating func add(_ event: Event, at time: NIODeadline) {
    heap.append(Entry(time: time, number: added, event: event))
    added += 1
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the first event.
  public mutating func pop() -> (time: NIODeadline, event: Event)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
        guard let least = children.min(by: { heap[$0].isBefore(heap[$1]) }), heap[least].isBefore(heap[parent]) else {
          break
        }
        heap.swapAt(least, parent)
        parent = least
      }
    }
    return (first.time, first.event)
  }
}
