public import Logging
public import NIOCore

/// Tries multicast DNS: one responder of ours gives a name to an address, another asks for it.
public enum MDNSProbe {
  /// - Returns: how long the answer took; nil if none came, and the names that browsers hide addresses behind can't be
  ///   resolved here.
  public static func run(
    _ interface: NetworkInterface, eventLoop: any EventLoop, logger: Logger
  ) async throws -> TimeAmount? {
    try await eventLoop.flatSubmit {
      let begin = NIODeadline.now()
      let promise = eventLoop.makePromise(of: TimeAmount?.self)
      let responder = MDNSService(eventLoop: eventLoop, logger: logger) { _, _ in }
      let asker = MDNSService(eventLoop: eventLoop, logger: logger) { _, addresses in
        let isFound = addresses.contains { $0.hasSameIP(as: interface.address) }
        promise.succeed(isFound ? NIODeadline.now() - begin : nil)
      }
      for service in [responder, asker] { service.use([interface]) }
      asker.resolve(responder.publish(interface.address))
      let bound = NIOLoopBound([responder, asker], eventLoop: eventLoop)
      return promise.futureResult.always { _ in
        for service in bound.value { service.close() }
      }
    }.get()
  }
}
