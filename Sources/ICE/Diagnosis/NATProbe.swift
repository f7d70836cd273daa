public import NIOCore

/// Runs a ``NATDiagnosis`` on a UDP socket of its own.
public final class NATProbe {
  /// What was found from one address of the machine.
  public struct Report: Sendable {
    /// The address it was found from, with the port of the socket.
    public var local: TransportAddress
    /// What each server said, in the order they were given.
    public var answers: [STUNServerAnswer]
    /// What that tells of the boxes between.
    public var behaviour: NATBehaviour
  }

  private let eventLoop: any EventLoop
  private let diagnosis: NATDiagnosis
  private let sockets: UDPSockets
  private let local: TransportAddress
  private let promise: EventLoopPromise<Report>
  private var timer: Scheduled<Void>?

  /// Examines what lies between an address of ours and the servers. Takes up to some 15 s.
  /// - Parameter portRange: local ports to take; nil lets the system choose.
  /// - Throws: what the system says when no socket can be opened.
  public static func run(
    from interface: NetworkInterface, servers: [TransportAddress], portRange: ClosedRange<UInt16>? = nil,
    eventLoop: any EventLoop
  ) async throws -> Report {
    try await eventLoop.flatSubmit {
      do {
        return try NATProbe(from: interface, servers: servers, portRange: portRange, eventLoop: eventLoop).start()
      } catch {
        return eventLoop.makeFailedFuture(error)
      }
    }.get()
  }

  private init(
    from interface: NetworkInterface, servers: [TransportAddress], portRange: ClosedRange<UInt16>?,
    eventLoop: any EventLoop
  ) throws(IOError) {
    self.eventLoop = eventLoop
    promise = eventLoop.makePromise()
    let inbox = Inbox()
    sockets = UDPSockets(
      portRange: portRange, eventLoop: eventLoop,
      receive: { datagram, remote, _ in inbox.probe?.receive(datagram, remote) },
      readComplete: { inbox.probe?.drain() })
    local = try sockets.open(on: interface)
    diagnosis = NATDiagnosis(local: local, servers: servers, random: SystemRandomNumberGenerator())
    inbox.probe = self
  }

  /// Breaks the circle of sockets that call a probe that owns them.
  private final class Inbox {
    weak var probe: NATProbe?
  }

  private func start() -> EventLoopFuture<Report> {
    diagnosis.start(now: .now())
    drain()
    return promise.futureResult
  }

  private func receive(_ datagram: ByteBuffer, _ remote: TransportAddress) {
    diagnosis.receive(datagram, from: remote, now: .now())
  }

  private func drain() {
    while let (datagram, destination) = diagnosis.pollOutput() { sockets.send(datagram, from: local, to: destination) }
    sockets.flush()
    timer?.cancel()
    if diagnosis.isFinished {
      sockets.close()
      promise.succeed(Report(local: local, answers: diagnosis.answers, behaviour: diagnosis.behaviour))
    } else if let deadline = diagnosis.nextDeadline {
      // The timer keeps the probe alive.
      timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
        self.diagnosis.handleTimeout(now: .now())
        self.drain()
      }
    }
  }
}
