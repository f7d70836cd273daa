import Glibc
import Picture
import Synchronization

/// POSIX shared memory for kitty graphics: the terminal opens an object by its name and removes it. What it has not taken
/// is removed when the object goes away.
final class SharedPictureMemory: PictureMemory {
  /// Names given out lately; older ones were taken long ago.
  private let names = Mutex<[String]>([])

  /// Names that are remembered to be removed. A frame has at most four parts; two frames may be on their way to the
  /// terminal, a third may wait for them, and as many again are spared for terminals that are slow to look.
  private static let mostNames = 24

  init() {
    names.withLock { $0.reserveCapacity(Self.mostNames + 1) }
  }

  deinit {
    for name in names.withLock({ $0 }) { shm_unlink(name) }
  }

  /// A name that nobody can guess, and so short that it takes no memory of its own.
  private static func makeName() -> String {
    var bits = UInt64.random(in: 0 ... .max)
    return String(unsafeUninitializedCapacity: 15) { name in
      for (place, byte) in "/gly".utf8.enumerated() { name[place] = byte }
      for place in 4..<15 {
        let digit = UInt8(bits & 31)
        name[place] = digit < 26 ? 0x61 + digit : 0x32 + digit - 26
        bits >>= 5
      }
      return 15
    }
  }

  func publish(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> String? {
    guard byteCount > 0 else { return nil }
    let name = Self.makeName()
    let stale = names.withLock { names -> String? in
      names.append(name)
      return names.count > Self.mostNames ? names.removeFirst() : nil
    }
    // A terminal that does not take its pictures must not fill the memory of the machine.
    if let stale { shm_unlink(stale) }
    let descriptor = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Unlike ftruncate this fails when the memory is full; otherwise writing to it would be the end of the program.
    guard posix_fallocate(descriptor, 0, off_t(byteCount)) == 0,
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
