public import ICE

/// A network address translator, in the words of RFC 3489 (RFC 4787 has the same with mapping and filtering apart).
public final class NAT {
  public enum Kind: String, Sendable, CaseIterable {
    /// One public port per inside address; anybody may send there.
    case fullCone
    /// Only from IP addresses the inside has sent to.
    case addressRestricted
    /// Only from transport addresses the inside has sent to.
    case portRestricted
    /// Another public port for each destination, which alone may send there.
    case symmetric
  }

  private struct Mapping {
    let inside: TransportAddress
    /// The one destination of a symmetric mapping.
    let destination: TransportAddress?
    let port: UInt16
    var sentTo: Set<TransportAddress> = []
  }

  public let kind: Kind
  /// The public IP addresses, one a family; ports are ignored.
  public let publicAddresses: [TransportAddress]
  private var mappings: [Mapping] = []
  private var nextPort: UInt16 = 40_000

  public init(_ kind: Kind, publicAddresses: [TransportAddress]) {
    self.kind = kind
    self.publicAddresses = publicAddresses
  }

  /// Forgets all mappings, as a NAT does that was switched off and on.
  public func forget() {
    mappings = []
  }

  /// The public source of a packet on its way out; nil if there is no public address of that family.
  func outbound(from inside: TransportAddress, to remote: TransportAddress) -> TransportAddress? {
    guard let publicAddress = publicAddresses.first(where: { $0.family == inside.family }) else { return nil }
    let destination = kind == .symmetric ? remote : nil
    let known = mappings.firstIndex { $0.inside == inside && $0.destination == destination }
    if known == nil {
      mappings.append(Mapping(inside: inside, destination: destination, port: nextPort))
      nextPort += 1
    }
    let index = known ?? mappings.count - 1
    mappings[index].sentTo.insert(remote)
    return publicAddress.with(port: mappings[index].port)
  }

  /// The inside address behind a public one, whoever may send there.
  func inside(of mapped: TransportAddress) -> TransportAddress? {
    mapping(of: mapped)?.inside
  }

  /// Whether a packet from `remote` is let in to the public address.
  func letsIn(_ remote: TransportAddress, to mapped: TransportAddress) -> Bool {
    guard let mapping = mapping(of: mapped) else { return false }
    return switch kind {
    case .fullCone: true
    case .addressRestricted: mapping.sentTo.contains { $0.hasSameIP(as: remote) }
    case .portRestricted, .symmetric: mapping.sentTo.contains(remote)
    }
  }

  private func mapping(of mapped: TransportAddress) -> Mapping? {
    guard publicAddresses.contains(where: { $0.hasSameIP(as: mapped) }) else { return nil }
    return mappings.first { $0.port == mapped.port && $0.inside.family == mapped.family }
  }
}
