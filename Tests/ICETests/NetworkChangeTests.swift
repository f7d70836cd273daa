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
    #expect(await reports.next() == ["lo 127.0.0.1", "lo ::1"].sorted())
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
    #expect(await reports.next() == ["lo 127.0.0.1", "lo ::1"].sorted())
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

  static func ip(_ arguments: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments.split(separator: " ").map(String.init)
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(what: arguments) }
  }
}
