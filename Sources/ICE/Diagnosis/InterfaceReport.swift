public import NIOCore

/// An address of this machine, and whether calls use it.
public struct InterfaceReport: Hashable, Sendable {
  /// Why an address is left out.
  public enum Reason: String, Hashable, Sendable {
    case down = "the interface is down or unplugged"
    case notUsable = "the system is still testing the address, or gives it up"
    case notReachable = "no peer can send there"
    case notChosen = "the interface was not chosen"
    case loopback = "reaches this machine only"
    case linkLocal = "reaches this link only, and there are better ones"
  }

  /// What the system calls the interface.
  public var name: String
  /// With port 0.
  public var address: TransportAddress
  /// Nil if it is used.
  public var leftOut: Reason?

  /// All addresses of the machine, judged as ``NetworkInterface/usable(includeLoopback:names:)`` does it.
  /// - Throws: what the system says when it can't list its interfaces.
  public static func all(includeLoopback: Bool, names: Set<String>) throws(IOError) -> [InterfaceReport] {
    all(in: try NetlinkSocket.links(), includeLoopback: includeLoopback, names: names)
  }

  static func all(
    in messages: [NetlinkMessage], includeLoopback: Bool, names: Set<String>
  ) -> [InterfaceReport] {
    let candidates = NetworkInterface.all(in: messages).filter { names.isEmpty || names.contains($0.name) }
    let used = Set(NetworkInterface.usable(among: candidates, includeLoopback: includeLoopback))
    return NetworkInterface.addresses(in: messages).map { link, entry in
      let isUsed = used.contains { $0.name == link.name && $0.address == entry.address }
      return InterfaceReport(
        name: link.name, address: entry.address, leftOut: isUsed ? nil : reason(link, entry, names: names))
    }
  }

  private static func reason(
    _ link: NetlinkMessage.Link, _ entry: NetlinkMessage.Address, names: Set<String>
  ) -> Reason {
    if !names.isEmpty, !names.contains(link.name) { return .notChosen }
    if !link.isUp { return .down }
    if !entry.isUsable { return .notUsable }
    if entry.address.isLoopback { return .loopback }
    if entry.address.isLinkLocal { return .linkLocal }
    return .notReachable
  }
}
