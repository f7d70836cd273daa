import CALSA  // its header includes poll.h, which Swift therefore files under it
import Glibc
import NIOCore

/// Wakes a thread that waits in poll(2), from another thread, for good.
final class StopSignal: Sendable {
  private let readEnd: Int32
  private let writeEnd: Int32

  /// - Throws: ``MediaError/failed(device:detail:)`` when the process is out of descriptors.
  init(for device: String) throws(MediaError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .failed(device: device, detail: MediaError.words(errno)) }
    readEnd = ends[0]
    writeEnd = ends[1]
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// Ends every wait, now and from now on.
  func stop() {
    var byte: UInt8 = 1
    // A full pipe is as readable as can be.
    _ = write(writeEnd, &byte, 1)
  }

  var isStopped: Bool { wait(until: .uptimeNanoseconds(0)) }

  /// The descriptor that becomes readable when stopped, as an entry for ``wait(for:until:)``.
  var descriptor: pollfd { pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0) }

  /// Sleeps.
  /// - Returns: whether it was stopped.
  func wait(until deadline: NIODeadline) -> Bool {
    var only = descriptor
    while true {
      let ready = poll(&only, 1, Self.milliseconds(until: deadline))
      if ready > 0 { return true }
      if deadline <= .now() { return false }
    }
  }

  enum Outcome { case ready, stopped, timedOut }

  /// Waits for any of the descriptors, of which the first is this signal's own ``descriptor``.
  func wait(for descriptors: inout [pollfd], until deadline: NIODeadline) -> Outcome {
    while true {
      let ready = poll(&descriptors, nfds_t(descriptors.count), Self.milliseconds(until: deadline))
      if ready > 0 { return descriptors[0].revents != 0 ? .stopped : .ready }
      if deadline <= .now() { return .timedOut }
    }
  }

  /// Rounded up, so that a wait does not end early and spin.
  private static func milliseconds(until deadline: NIODeadline) -> Int32 {
    let left = (deadline - .now()).nanoseconds
    return left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
  }
}
