import Glibc
import Picture
import Synchronization

/// POSIX shared memory for kitty graphics: the terminal opens an object by its name and removes it. What it has not taken
/// is removed when the object goes away.
final class SharedPictureMemory: PictureMemory {
  private struct State {
    var number = 0
    /// Names given out lately; older ones were taken long ago.
    var names: [String] = []
  }

  /// Names that are remembered to be removed.
  private static let mostNames = 8
  private let state = Mutex(State())

  deinit {
    for name in state.withLock({ $0.names }) { shm_unlink(name) }
  }

  func publish(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> String? {
    guard byteCount > 0 else { return nil }
    let (name, stale) = state.withLock { state -> (String, String?) in
      state.number += 1
      let name = "/glyphone-\(getpid())-\(state.number)"
      state.names.append(name)
      return (name, state.names.count > Self.mostNames ? state.names.removeFirst() : nil)
    }
    // A terminal that does not take its pictures must not fill the memory of the machine.
    if let stale { shm_unlink(stale) }
    let descriptor = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard ftruncate(descriptor, off_t(byteCount)) == 0,
      let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else {
      shm_unlink(name)
      return nil
    }
    fill(memory.assumingMemoryBound(to: UInt8.self))
    munmap(memory, byteCount)
    return name
  }
}
