/// What carries a packet.
public enum TransportProtocol: String, Hashable, Sendable {
  case udp, tcp
}

/// The way of a packet between two transport addresses.
///
/// For UDP `local` is the base (RFC 8445 section 4): the address of our socket, or the relayed address of a TURN allocation. For
/// TCP it is our end of the connection, which the whole route identifies; port 0 as long as there is none.
public struct Route: Hashable, Sendable {
  /// Our end.
  public var local: TransportAddress
  /// The peer's end, or a server's.
  public var remote: TransportAddress
  /// What carries it; UDP also between us and a relayed address.
  public var transport: TransportProtocol

  /// A way from one end to the other.
  public init(local: TransportAddress, remote: TransportAddress, transport: TransportProtocol = .udp) {
    self.local = local
    self.remote = remote
    self.transport = transport
  }
}

extension Route: CustomStringConvertible {
  /// `udp 192.0.2.1:5000 -> 192.0.2.2:6000`.
  public var description: String { "\(transport.rawValue) \(local) -> \(remote)" }
}
