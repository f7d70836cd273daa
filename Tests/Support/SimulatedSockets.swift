public import ICE

/// Carries out on a simulated host what an ``ICETransport`` wants done, and keeps the names of its streams.
public final class SimulatedSockets {
  private let host: SimulatedHost
  private var streams: [StreamID: SimulatedStream] = [:]
  /// The names that certificates were asked for, in the order of the connections.
  public private(set) var tlsNames: [String] = []
  /// `.local` names to be looked up.
  public private(set) var names: [String] = []

  public init(_ host: SimulatedHost) {
    self.host = host
  }

  public func perform(_ action: ICETransport.Action) {
    switch action {
    case .datagram(let datagram, let local, let remote): host.send(datagram, from: local, to: remote)
    case .openStream(let id, let local, let remote, let tls):
      guard let local = local ?? host.addresses.first(where: { $0.family == remote.family }) else { return }
      streams[id] = host.connect(from: local, to: remote)
      if let tls { tlsNames.append(tls) }
    case .stream(let id, let bytes, _): streams[id]?.send(bytes)
    case .closeStream(let id): streams.removeValue(forKey: id)?.close()
    case .resolve(let name): names.append(name)
    }
  }

  /// The name of a stream; nil if the transport wants to hear nothing of it.
  public func id(of stream: SimulatedStream) -> StreamID? {
    streams.first { $0.value === stream }?.key
  }

  /// Names an accepted stream, or closes it.
  public func accept(_ stream: SimulatedStream, as id: StreamID?) {
    guard let id else { return stream.close() }
    streams[id] = stream
  }

  /// Forgets a stream that the other end has closed.
  public func forget(_ stream: SimulatedStream) {
    streams = streams.filter { $0.value !== stream }
  }
}
