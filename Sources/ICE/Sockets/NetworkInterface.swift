public import NIOCore

/// An address of this machine that a socket can be bound to.
public struct NetworkInterface: Sendable, Hashable {
  /// What the system calls it, `eth0`.
  public var name: String
  /// With port 0.
  public var address: TransportAddress
  /// The system's number of the interface.
  let index: Int32

  /// The machine's addresses of use for calls, best first: IPv6 and IPv4 in turn (RFC 8421), in the system's order.
  /// Addresses that can't be used now are left out: of interfaces that are down or unplugged, and those that the system is
  /// still testing or about to give up.
  /// - Parameters:
  ///   - includeLoopback: takes loopback addresses, too. They are also taken when there is nothing else, as are IPv6
  ///     link-local ones when there is nothing but loopback beside them: two programs on one machine, or two machines on one
  ///     cable, can still call each other.
  ///   - names: the interfaces to look at; empty: all.
  /// - Throws: what the system says when it can't list its interfaces.
  public static func usable(
    includeLoopback: Bool = false, names: Set<String> = []
  ) throws(IOError) -> [NetworkInterface] {
    let all = all(in: try NetlinkSocket.links()).filter { names.isEmpty || names.contains($0.name) }
    return usable(among: all, includeLoopback: includeLoopback)
  }

  /// The usable addresses of a list of links and addresses.
  static func all(in messages: [NetlinkMessage]) -> [NetworkInterface] {
    addresses(in: messages).compactMap { link, entry in
      guard link.isUp, entry.isUsable, entry.address.with(port: 1).isUsable else { return nil }
      return NetworkInterface(name: link.name, address: entry.address, index: link.index)
    }
  }

  /// All addresses of a list of links and addresses, each with the link it belongs to.
  static func addresses(
    in messages: [NetlinkMessage]
  ) -> [(link: NetlinkMessage.Link, entry: NetlinkMessage.Address)] {
    var links: [Int32: NetlinkMessage.Link] = [:]
    for case .link(let link) in messages { links[link.index] = link }
    return messages.compactMap { message in
      guard case .address(let entry) = message, let link = links[entry.linkIndex] else { return nil }
      return (link, entry)
    }
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

  /// What names the link to an address that has a meaning only there (RFC 4007); 0 for all others.
  var scope: UInt32 {
    address.family == .v6 && address.isLinkLocal ? UInt32(bitPattern: index) : 0
  }
}
