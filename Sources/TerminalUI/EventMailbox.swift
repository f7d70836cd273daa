import Calling
import Synchronization

/// Events on their way from the controller to the main thread. Bounded: when the terminal stands still and nobody
/// fetches them, the oldest lines of chat, notices and figures are dropped and counted; what says how things stand is kept
/// in its newest form.
final class EventMailbox: Sendable {
  static let capacity = 1024

  private struct Contents {
    var events: [CallEvent] = []
    var dropped = 0
  }

  private let contents = Mutex(Contents())

  func put(_ event: CallEvent) {
    contents.withLock { contents in
      if contents.events.count >= Self.capacity { Self.makeRoom(&contents) }
      contents.events.append(event)
    }
  }

  /// Everything that waits, in order, and how many were dropped before it.
  func takeAll() -> (events: [CallEvent], dropped: Int) {
    contents.withLock { contents in
      defer { contents = Contents() }
      return (contents.events, contents.dropped)
    }
  }

  private static func makeRoom(_ contents: inout Contents) {
    let index = contents.events.firstIndex { event in
      switch event {
      case .chat, .notice, .statistics: true
      case .connection, .ownName, .users, .call, .deviceQuestion, .finished: false
      }
    }
    contents.events.remove(at: index ?? 0)
    contents.dropped += 1
  }
}
