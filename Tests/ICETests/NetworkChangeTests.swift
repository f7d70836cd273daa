import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import ICE

/// The path monitor on a real kernel: in a network namespace of its own, so that nobody else's network changes. Only root may
/// make one.
@Suite(
  .timeLimit(.minutes(1)),
  .enabled(if: Namespace.isPossible, "network namespaces need root, and ip (Debian: iproute2)"))
struct NetworkChangeTests {
  @Test func seesAddressesComeAndGo() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let watcher = Watcher(group.next())
    try await watcher.start()
    var reports = watcher.reports.makeAsyncIterator()

    try await watcher.run("link set lo up")
    let loopback = await reports.next()
    #expect(loopback?.first == "lo 127.0.0.1")
    for change in [
      "link add cable0 type veth peer name cable1", "link set cable1 up", "link set cable0 up addrgenmode none",
      "address add 192.0.2.1/24 dev cable0",
    ] {
      try await watcher.run(change)
    }
    #expect(await reports.next() == ["cable0 192.0.2.1"])
    // Another network: the address changes under way.
    try await watcher.run("address add 198.51.100.1/24 dev cable0")
    try await watcher.run("address del 192.0.2.1/24 dev cable0")
    #expect(await reports.next() == ["cable0 198.51.100.1"])
    // The other end of the cable is pulled: the address is still there, but of no use.
    try await watcher.run("link set cable1 down")
    #expect(await reports.next() == loopback)
    try await watcher.run("link set cable1 up")
    #expect(await reports.next() == ["cable0 198.51.100.1"])
    await watcher.stop()
    try await group.shutdownGracefully()
  }

  /// A path monitor on a thread that has moved to a namespace of its own.
  private actor Watcher {
    nonisolated let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    nonisolated let reports: AsyncStream<[String]>
    private let continuation: AsyncStream<[String]>.Continuation
    private var monitor: PathMonitor?

    init(_ loop: any EventLoop) {
      self.loop = loop
      (reports, continuation) = AsyncStream.makeStream()
    }

    func start() throws {
      try Namespace.enter()
      let continuation = continuation
      let monitor = PathMonitor(
        eventLoop: loop, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        list: { try NetworkInterface.usable() },
        changed: { continuation.yield($0.map { "\($0.name) \($0.address.ip)" }.sorted()) })
      #expect(try monitor.start().isEmpty)
      self.monitor = monitor
    }

    /// Runs `ip` on this thread, and so in its namespace.
    func run(_ arguments: String) throws { try Namespace.ip(arguments) }

    func stop() { monitor?.stop() }
  }
}

/// A network of the calling thread's own.
private enum Namespace {
  struct Failure: Error {
    let what: String
  }

  private static let program = "/usr/sbin/ip"

  static var isPossible: Bool {
    geteuid() == 0 && FileManager.default.isExecutableFile(atPath: program)
  }

  /// Moves the calling thread to a new network namespace, which ends with the thread.
  static func enter() throws {
    typealias Unshare = @convention(c) (CInt) -> CInt
    let newNetwork: CInt = 0x4000_0000  // CLONE_NEWNET
    guard let symbol = dlsym(nil, "unshare") else { throw Failure(what: "unshare") }
    guard unsafeBitCast(symbol, to: Unshare.self)(newNetwork) == 0 else {
      throw Failure(what: String(cString: strerror(errno)))
    }
  }

  /// Runs `ip` on the calling thread, whose namespace the child gets: Foundation's `Process` would use threads of its own.
  static func ip(_ arguments: String) throws {
    let words = [program] + arguments.split(separator: " ").map(String.init)
    var vector = words.map { strdup($0) } + [nil]
    defer { for pointer in vector { free(pointer) } }
    var child: pid_t = 0
    var status: CInt = 0
    guard posix_spawn(&child, program, nil, nil, &vector, environ) == 0, waitpid(child, &status, 0) == child,
      status == 0
    else { throw Failure(what: arguments) }
  }
}
