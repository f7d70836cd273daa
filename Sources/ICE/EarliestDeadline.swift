internal import NIOCore

extension NIODeadline? {
  /// Takes a deadline if it is earlier than those before; nil is never.
  mutating func consider(_ deadline: NIODeadline?) {
    guard let deadline else { return }
    self = min(self ?? deadline, deadline)
  }
}
