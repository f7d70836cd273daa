import Glibc
import Testing

@testable import TerminalUI

@Suite struct SharedPictureMemoryTests {
  /// The bytes behind a name; nil when there are none.
  private static func read(_ name: String, _ count: Int) -> [UInt8]? {
    let descriptor = shm_open(name, O_RDONLY, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    return Glibc.read(descriptor, &bytes, count) == count ? bytes : nil
  }

  @Test func whatIsPublishedCanBeReadUntilItIsOld() throws {
    var memory: SharedPictureMemory? = SharedPictureMemory()
    var names: [String] = []
    for number in 0..<40 {
      names.append(try #require(memory?.publish(byteCount: 5) { $0.update(repeating: UInt8(number), count: 5) }))
    }
    #expect(Set(names).count == 40)
    // Three frames of four parts are still there.
    for number in 28..<40 { #expect(Self.read(names[number], 5) == Array(repeating: UInt8(number), count: 5)) }
    #expect(Self.read(names[0], 5) == nil)
    memory = nil
    #expect(names.allSatisfy { Self.read($0, 5) == nil })
  }

  @Test func whereThereIsNoMemoryNothingIsWritten() {
    let memory = SharedPictureMemory()
    #expect(memory.publish(byteCount: 1 << 44) { _ in Issue.record("there is no such memory") } == nil)
    #expect(memory.publish(byteCount: 0) { _ in } == nil)
  }
}
