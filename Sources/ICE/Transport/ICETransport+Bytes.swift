public import NIOCore

// Datagrams and streams in and out, and what they are wrapped in on their way.
extension ICETransport {
  /// A TCP connection to the peer (RFC 6544).
  struct PeerStream {
    /// As it was asked for, until it is open; then with the port our end has.
    var route: Route
    var isOpen = false
    var deframer = StreamDeframer(.lengthPrefix)
  }

  /// What takes a datagram on its first step.
  enum Carrier {
    case socket
    case relay(Relay)
    case stream(StreamID)
  }

  // MARK: - In

  /// Takes a datagram that arrived at the UDP socket bound to `local`. What it is, its first byte tells (RFC 7983).
  public func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) -> Received {
    let first = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) ?? 255
    guard ChannelData.isChannelData(firstByte: first) || first < 4 && STUNMessage.isOfTURN(datagram) else {
      return receive(datagram, on: Route(local: local, remote: remote), now: now)
    }
    let way = Relay.Way(local: local, remote: remote)
    for relay in relays {
      guard let index = relay.index(of: way) else { continue }
      defer { collect(now) }
      guard let (peer, datagram) = relay.received(message: datagram, attemptAt: index, now: now) else {
        return .consumed
      }
      return receive(datagram, from: peer, through: relay, now: now)
    }
    return .discarded
  }

  /// Takes a datagram that a relay has sent on.
  private func receive(
    _ datagram: ByteBuffer, from peer: TransportAddress, through relay: Relay, now: NIODeadline
  ) -> Received {
    guard let relayed = relay.relayed.first(where: { $0.family == peer.family }) else { return .discarded }
    return receive(datagram, on: Route(local: relayed, remote: peer), now: now)
  }

  /// Takes a datagram without any framing.
  private func receive(_ datagram: ByteBuffer, on route: Route, now: NIODeadline) -> Received {
    let first = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) ?? 255
    guard first < 4 else { return isVerified(route.remote) ? .application(datagram) : .discarded }
    defer { collect(now) }
    // An indication proves nothing: it is not authenticated.
    if agent.receive(datagram, on: route, now: now), !STUNMessage.isIndication(datagram) { verified(route.remote) }
    return .consumed
  }

  /// Says that a stream of ``Action/openStream(_:from:to:tls:)`` is open (with TLS: that the certificate is right).
  /// - Parameter local: our end's address.
  public func streamOpened(_ id: StreamID, local: TransportAddress, now: NIODeadline) {
    defer { collect(now) }
    if let asked = streams[id]?.route {
      let actual = Route(local: local, remote: asked.remote, transport: .tcp)
      streams[id]?.route = actual
      streams[id]?.isOpen = true
      agent.connected(asked, as: actual, now: now)
    } else if let (relay, index) = relay(of: id) {
      relay.streamOpened(attemptAt: index, now: now)
    }
  }

  /// Says that a peer has connected to a listening socket of ours.
  /// - Returns: what the stream is called from now on; nil: close it, there are too many.
  public func streamAccepted(local: TransportAddress, remote: TransportAddress, now: NIODeadline) -> StreamID? {
    guard streams.count < Limit.peerStreams, connectionState != .closed else { return nil }
    let id = makeStreamID()
    let route = Route(local: local, remote: remote, transport: .tcp)
    streams[id] = PeerStream(route: route, isOpen: true)
    agent.connectionAccepted(route, now: now)
    collect(now)
    return id
  }

  /// Takes bytes of a stream, as they come.
  /// - Parameter deliver: called for each datagram of the peer's data in them, see ``Received/application(_:)``.
  public func streamReceived(
    _ id: StreamID, _ bytes: ByteBuffer, now: NIODeadline, deliver: (ByteBuffer) -> Void
  ) {
    defer { collect(now) }
    if streams[id] != nil {
      streams[id]?.deframer.append(bytes)
      // What comes may make the agent close the stream. Framing by length can't be wrong.
      while let route = streams[id]?.route, let datagram = try? streams[id]?.deframer.next() {
        if case .application(let datagram) = receive(datagram, on: route, now: now) { deliver(datagram) }
      }
    } else if let (relay, index) = relay(of: id) {
      relay.received(bytes, attemptAt: index, now: now) { peer, datagram in
        // The allocation may have been made by the bytes before these.
        collect(now)
        if case .application(let datagram) = receive(datagram, from: peer, through: relay, now: now) {
          deliver(datagram)
        }
      }
    }
  }

  /// Says that a stream could not be opened, or was closed by the other end.
  /// - Parameter error: why, for people; nil if it was closed in order.
  public func streamClosed(_ id: StreamID, error: String?, now: NIODeadline) {
    lastSend = nil
    if let stream = streams.removeValue(forKey: id) {
      agent.connectionClosed(stream.route, now: now)
    } else if let (relay, index) = relay(of: id) {
      relay.closed(attemptAt: index, error: error, now: now)
    }
    collect(now)
  }

  private func relay(of stream: StreamID) -> (Relay, Int)? {
    for relay in relays {
      if let index = relay.index(of: stream) { return (relay, index) }
    }
    return nil
  }

  // MARK: - Out

  /// Whether ``send(_:now:)`` has somewhere to send to.
  public var canSend: Bool { agent.mediaRoute != nil }

  /// Sends the application's data (DTLS, SRTP, SRTCP) to the peer on the selected pair.
  /// - Returns: false if there is no pair; the datagram is dropped then.
  @discardableResult
  public func send(_ datagram: ByteBuffer, now: NIODeadline) -> Bool {
    guard let route = agent.mediaRoute else { return false }
    if lastSend?.route != route {
      guard let carrier = carrier(of: route) else { return false }
      lastSend = (route, carrier)
    }
    guard let carrier = lastSend?.carrier else { return false }
    send(datagram, on: route, by: carrier, isApplication: true, now: now)
    return true
  }

  /// Sends a message of the agent's.
  func transmit(_ message: ByteBuffer, on route: Route, now: NIODeadline) {
    guard let carrier = carrier(of: route) else { return }
    send(message, on: route, by: carrier, isApplication: false, now: now)
  }

  private func send(
    _ datagram: ByteBuffer, on route: Route, by carrier: Carrier, isApplication: Bool, now: NIODeadline
  ) {
    switch carrier {
    case .socket: outputs.append(.perform(.datagram(datagram, from: route.local, to: route.remote)))
    case .stream(let id):
      guard let length = UInt16(exactly: datagram.readableBytes) else { return }
      outputs.append(.perform(.stream(id, frames.frame(header: length, datagram), mayDrop: isApplication)))
    case .relay(let relay):
      relay.send(datagram, to: route.remote, wantsChannel: isApplication, now: now)
      while case .perform(let action)? = relay.pollOutput() { outputs.append(.perform(action)) }
    }
  }

  private func carrier(of route: Route) -> Carrier? {
    if route.transport == .tcp {
      return streams.first { $0.value.route == route && $0.value.isOpen }.map { .stream($0.key) }
    }
    return relays.first { $0.relayed.contains(route.local) }.map { .relay($0) } ?? .socket
  }

  /// Cuts a connection to the peer, or gives up making it.
  func closeStream(on route: Route) {
    guard let id = streams.first(where: { $0.value.route == route })?.key else { return }
    streams[id] = nil
    lastSend = nil
    outputs.append(.perform(.closeStream(id)))
  }
}

extension STUNMessage {
  /// Whether a message that begins as STUN is of TURN's, by its type: all that is no Binding.
  fileprivate static func isOfTURN(_ message: ByteBuffer) -> Bool {
    let type = message.getInteger(at: message.readerIndex, as: UInt16.self) ?? 0
    return type & 0x3EEF != STUNMethod.binding.rawValue
  }

  fileprivate static func isIndication(_ message: ByteBuffer) -> Bool {
    let type = message.getInteger(at: message.readerIndex, as: UInt16.self) ?? 0
    return type & 0x0110 == 0x0010
  }
}
