import Foundation

/// A program under measurement: its lines of output, and what the kernel says it used once it has ended.
struct ChildProcess {
  /// What a process used, user and system together, in seconds; peak memory in KiB.
  struct Usage {
    var cpu: Double
    var peakMemory: Int
  }

  let pid: pid_t
  private let output: FileHandle

  /// - Throws: `POSIXError` when it cannot be started.
  init(_ path: String, _ arguments: [String]) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var vector = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in vector { free(pointer) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, nil, &vector, environ)
    close(ends[1])
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    self.pid = pid
    output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
  }

  func terminate() { kill(pid, SIGTERM) }

  /// Everything it printed until it ended.
  func readOutput() -> String { String(decoding: (try? output.readToEnd()) ?? Data(), as: UTF8.self) }

  /// Waits for its end.
  func usage() -> Usage {
    var status: Int32 = 0
    var usage = rusage()
    wait4(pid, &status, 0, &usage)
    return Usage(cpu: usage.ru_utime.seconds + usage.ru_stime.seconds, peakMemory: Int(usage.ru_maxrss))
  }
}

extension timeval {
  fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
