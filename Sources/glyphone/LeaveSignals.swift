import Dispatch
import Foundation

/// Makes SIGINT and SIGTERM a wish to leave, so that a call is hung up and the peer told.
final class LeaveSignals {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter wish: called on a queue, once a signal.
  init(_ wish: @escaping @Sendable () -> Void) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: wish)
      source.resume()
      return source
    }
  }

  func cancel() {
    for source in sources { source.cancel() }
  }
}
