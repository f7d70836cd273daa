import CTerminalGuard
import Glibc

/// Sees to it that the terminal is left as it was found, however the program ends, and turns signals into bytes on a
/// pipe that the main loop polls.
final class TerminalGuard: Sendable {
  /// Readable when a signal came (its number) or somebody wants the main loop's attention (0).
  let wakeRead: Int32
  private let wakeWrite: Int32

  /// - Throws: when the system has no file descriptors left.
  init() throws(TerminalError) {
    var ends: [Int32] = [-1, -1]
    guard glyphone_guard_pipe(&ends) == 0 else { throw .system("a pipe", errno) }
    wakeRead = ends[0]
    wakeWrite = ends[1]
    glyphone_guard_switch(1, wakeWrite)
  }

  deinit {
    glyphone_guard_switch(0, -1)
    close(wakeRead)
    close(wakeWrite)
  }

  /// Wakes the main loop. From any thread.
  func wake() {
    var byte: UInt8 = 0
    // A full pipe wakes as well.
    _ = write(wakeWrite, &byte, 1)
  }

  /// Takes what is in the pipe: the signals that came.
  func drain() -> Set<Int32> {
    var bytes = [UInt8](repeating: 0, count: 256)
    var signals: Set<Int32> = []
    while true {
      let count = read(wakeRead, &bytes, bytes.count)
      guard count > 0 else { return signals }
      for byte in bytes[..<count] where byte != 0 { signals.insert(Int32(byte)) }
    }
  }

  /// From now on a crash restores the terminal.
  func arm(terminal: Int32, restore: [UInt8], saved: termios) {
    var saved = saved
    glyphone_guard_arm(terminal, restore, restore.count, &saved)
  }

  func disarm() { glyphone_guard_disarm() }

  /// Stops the process until the shell continues it. The terminal must have been given back before.
  func suspend() { glyphone_guard_suspend() }
}
