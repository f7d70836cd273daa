public import NIOCore

// TCP connections that checks and media go over (RFC 6544). A connection belongs to one pair for its whole life.
extension ICEAgent {
  /// Says that a connection asked for by ``Output/connect(_:)`` was made.
  /// - Parameters:
  ///   - asked: the route of the output.
  ///   - actual: the same with the port our end got.
  public func connected(_ asked: Route, as actual: Route, now: NIODeadline) {
    let index = generation.pairs.firstIndex { $0.route == asked && $0.connectsUntil != nil }
    guard connectionState != .closed, let index, generation.index(of: actual) == nil else {
      outputs.append(.disconnect(actual))
      return
    }
    generation.pairs[index].connectsUntil = nil
    generation.pairs[index].route = actual
    generation.pairs[index].state = .waiting
    trigger(index)
    advance(now)
  }

  /// Says that a peer has connected to a passive candidate of ours. It is cut off if no check follows.
  public func connectionAccepted(_ route: Route, now: NIODeadline) {
    guard connectionState != .closed, unknownConnections.count < Limit.unknownConnections, route.transport == .tcp,
      base(of: route) != nil
    else {
      outputs.append(.disconnect(route))
      return
    }
    unknownConnections.append((route, now + Check.lifetime))
    advance(now)
  }

  /// Says that a connection has ended, or could not be made: its pair has failed.
  public func connectionClosed(_ route: Route, now: NIODeadline) {
    guard connectionState != .closed else { return }
    unknownConnections.removeAll { $0.route == route }
    if let index = generation.index(of: route) {
      // Whoever connects in our stead has another port.
      if generation.pairs[index].base.kind == .listener {
        generation.pairs.remove(at: index)
      } else {
        markFailed(index)
        forgetConnection(ofPairAt: index)
      }
    }
    if path?.route == route { abandonPath(now) }
    advance(now)
  }

  /// Asks for the connection of a pair.
  func connect(pairAt index: Int, now: NIODeadline) {
    generation.pairs[index].state = .inProgress
    generation.pairs[index].connectsUntil = now + Check.lifetime
    outputs.append(.connect(generation.pairs[index].route))
  }

  /// Cuts a pair's connection, or the attempt to make it, unless media takes it.
  func closeConnection(of pair: CandidatePair) {
    guard pair.base.transport == .tcp, !pair.needsConnection || pair.connectsUntil != nil, pair.route != path?.route
    else { return }
    outputs.append(.disconnect(pair.route))
  }

  /// Cuts the connection of a path that is left, unless it belongs to a pair that may be of use.
  func closeConnection(of path: Path) {
    guard path.route.transport == .tcp, generation.index(of: path.route) == nil else { return }
    outputs.append(.disconnect(path.route))
  }

  /// Takes a pair back to where a connection has to be made first.
  func forgetConnection(ofPairAt index: Int) {
    generation.pairs[index].connectsUntil = nil
    generation.pairs[index].check = nil
    switch generation.pairs[index].base.kind {
    case .connector: generation.pairs[index].route.local.port = 0
    case .listener: generation.pairs[index].state = .failed
    case .datagram, .relay: break
    }
  }

  /// Gives up what takes too long.
  func serviceConnections(_ now: NIODeadline) {
    for connection in unknownConnections where now >= connection.until {
      outputs.append(.disconnect(connection.route))
    }
    unknownConnections.removeAll { now >= $0.until }
    for index in generation.pairs.indices {
      if let until = generation.pairs[index].connectsUntil, now >= until { fail(pairAt: index) }
    }
  }

  func closeConnections() {
    generation.pairs.forEach(closeConnection)
    if let path, path.route.transport == .tcp { outputs.append(.disconnect(path.route)) }
    for connection in unknownConnections { outputs.append(.disconnect(connection.route)) }
    unknownConnections = []
  }
}
