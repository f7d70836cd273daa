/// Memory of a fixed size for plain values, for the loops that go through it with pointers.
final class Storage<Element> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  /// `Element` must be a plain value (no references inside).
  init(repeating value: Element, count: Int) {
    self.count = count
    // A little slack lets wide loads and stores run past the end.
    pointer = .allocate(capacity: count + 64)
    pointer.initialize(repeating: value, count: count + 64)
  }

  deinit {
    pointer.deallocate()
  }

  func fill(_ value: Element) {
    pointer.update(repeating: value, count: count)
  }
}
