public import ICE
public import NIOCore

/// Who has an allocation: a 5-tuple.
public enum TURNClient: Hashable {
  case datagrams(TransportAddress, at: TransportAddress)
  case stream(SimulatedStream)

  /// As the server sees it.
  public var address: TransportAddress {
    switch self {
    case .datagrams(let remote, _): remote
    case .stream(let stream): stream.remote
    }
  }

  public static func == (left: TURNClient, right: TURNClient) -> Bool {
    switch (left, right) {
    case (.datagrams(let a, let b), .datagrams(let c, let d)): a == c && b == d
    case (.stream(let one), .stream(let other)): one === other
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(address)
  }
}

public struct SimulatedTURNAllocation {
  public let user: String?
  public let relayed: [TransportAddress]
  public var expires: NIODeadline
  /// IP addresses, port 0.
  public var permissions: [TransportAddress: NIODeadline] = [:]
  public var channels: [UInt16: (peer: TransportAddress, expires: NIODeadline)] = [:]

  func permits(_ peer: TransportAddress, now: NIODeadline) -> Bool {
    permissions[peer.with(port: 0)].map { $0 > now } ?? false
  }
}
