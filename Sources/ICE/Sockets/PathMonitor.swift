public import Logging
public import NIOCore
internal import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Tells when the machine's usable addresses change: a cable is pulled, a Wi-Fi joined, a VPN comes up, an address is
/// given another. It is told by the kernel (rtnetlink(7)) and looks up nothing in between.
///
/// To be made and used on one event loop.
public final class PathMonitor {
  /// Changes come in flocks - link up, address, router - and are looked at together when the first is so old.
  static let settlingTime = TimeAmount.milliseconds(250)

  private let eventLoop: any EventLoop
  private let logger: Logger
  private let list: () throws -> [NetworkInterface]
  private let changed: ([NetworkInterface]) -> Void
  private var known: [NetworkInterface] = []
  private var channel: EventLoopFuture<any Channel>?
  private var look: Scheduled<Void>?
  private var isRunning = false
  private var hasLostTouch = false

  /// - Parameters:
  ///   - list: gives the interfaces that are of interest now.
  ///   - changed: called on the event loop with the new list whenever it has become another.
  public init(
    eventLoop: any EventLoop, logger: Logger, list: @escaping () throws -> [NetworkInterface],
    changed: @escaping ([NetworkInterface]) -> Void
  ) {
    self.eventLoop = eventLoop
    self.logger = logger
    self.list = list
    self.changed = changed
  }

  /// Begins to watch. Until ``stop()`` the event loop keeps the monitor alive.
  /// - Returns: what there is now.
  /// - Throws: what the system says when it can't list its interfaces. If it only can't be watched, that is logged.
  public func start() throws -> [NetworkInterface] {
    // First, so that nothing changes unseen.
    watch()
    do {
      begin(with: try list())
    } catch {
      stop()
      throw error
    }
    return known
  }

  func begin(with interfaces: [NetworkInterface]) {
    known = interfaces
    isRunning = true
  }

  /// Ends it; nothing is called any more. May be called twice.
  public func stop() {
    isRunning = false
    look?.cancel()
    look = nil
    let channel = channel
    self.channel = nil
    channel?.whenSuccess { $0.close(promise: nil) }
  }

  private func watch() {
    hasLostTouch = false
    let monitor = NIOLoopBound(self, eventLoop: eventLoop)
    do {
      let descriptor = try NetlinkSocket.openForChanges()
      let channel = NIOPipeBootstrap(group: eventLoop)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: NetlinkSocket.datagramSize))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ChangeHandler(monitor.value))
          }
        }
        .takingOwnershipOfDescriptor(input: descriptor)
      channel.whenFailure { error in
        Glibc.close(descriptor)
        monitor.value.cannotWatch(error)
      }
      self.channel = channel
    } catch {
      cannotWatch(error)
    }
  }

  private func cannotWatch(_ error: any Error) {
    logger.warning("network changes will not be noticed: \(error)")
  }

  /// Something has changed; what, is looked at when it has settled.
  func noteChange() {
    guard isRunning, look == nil else { return }
    let monitor = NIOLoopBound(self, eventLoop: eventLoop)
    look = eventLoop.scheduleTask(in: Self.settlingTime) { monitor.value.lookAgain() }
  }

  private func lookAgain() {
    look = nil
    if hasLostTouch { watch() }
    do {
      let now = try list()
      guard now != known else { return }
      known = now
      changed(now)
    } catch {
      logger.warning("can't list the network interfaces: \(error)")
    }
  }

  /// The kernel drops a listener that is too slow (ENOBUFS): begin anew, and see what was missed.
  fileprivate func noteEnd() {
    channel = nil
    hasLostTouch = true
    noteChange()
  }
}

/// What the kernel says is only taken as the news that there is some.
private final class ChangeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let monitor: PathMonitor

  init(_ monitor: PathMonitor) {
    self.monitor = monitor
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { monitor.noteChange() }

  func channelInactive(context: ChannelHandlerContext) { monitor.noteEnd() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
