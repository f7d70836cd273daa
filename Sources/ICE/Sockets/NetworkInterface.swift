internal import NIOCore

/// An address of this machine that a socket can be bound to.
public struct NetworkInterface: Sendable, Hashable {
  /// What the system calls it, `eth0`.
  public var name: String
  /// With port 0.
  public var address: TransportAddress
  /// For binding: with the scope of a link-local address.
  let socketAddress: SocketAddress

  init(name: String, address: TransportAddress, socketAddress: SocketAddress) {
    self.name = name
    self.address = address
    self.socketAddress = socketAddress
  }

  /// The machine's addresses of use for calls, best first: IPv6 and IPv4 in turn (RFC 8421), in the system's order.
  /// - Parameter includeLoopback: takes loopback addresses, too. They are also taken when there is nothing else, as are
  ///   IPv6 link-local ones when there is nothing but loopback beside them: two programs on one machine, or two machines on
  ///   one cable, can still call each other.
  /// - Throws: what the system says when it can't list its interfaces.
  public static func usable(includeLoopback: Bool = false) throws -> [NetworkInterface] {
    let all = try System.enumerateDevices().compactMap { device -> NetworkInterface? in
      guard let socketAddress = device.address, let address = TransportAddress(socketAddress),
        address.with(port: 1).isUsable
      else { return nil }
      return NetworkInterface(name: device.name, address: address.with(port: 0), socketAddress: socketAddress)
    }
    return usable(among: all, includeLoopback: includeLoopback)
  }

  static func usable(among all: [NetworkInterface], includeLoopback: Bool) -> [NetworkInterface] {
    let loopback = all.filter(\.address.isLoopback)
    let linkLocal = all.filter(\.address.isLinkLocal)
    var chosen = all.filter { !$0.address.isLoopback && !$0.address.isLinkLocal }
    if chosen.isEmpty { chosen = linkLocal }
    chosen = interleaved(chosen)
    if includeLoopback || chosen.isEmpty { chosen += interleaved(loopback) }
    return chosen
  }

  private static func interleaved(_ interfaces: [NetworkInterface]) -> [NetworkInterface] {
    let v6 = interfaces.filter { $0.address.family == .v6 }
    let v4 = interfaces.filter { $0.address.family == .v4 }
    return (0..<max(v6.count, v4.count)).flatMap { index in
      [v6, v4].compactMap { index < $0.count ? $0[index] : nil }
    }
  }
}
