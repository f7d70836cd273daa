public import ICE
public import NIOCore

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
    /// When the inside last sent to whom.
    var sentTo: [TransportAddress: NIODeadline] = [:]
    var usedAt: NIODeadline
  }

  public let kind: Kind
  /// The public IP addresses, one a family; ports are ignored.
  public let publicAddresses: [TransportAddress]
  /// What is not used from the inside for so long is forgotten. Real ones are mostly more patient; RFC 4787 section 4.3
  /// asks for two minutes.
  public var lifetime = TimeAmount.seconds(30)
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
  func outbound(from inside: TransportAddress, to remote: TransportAddress, now: NIODeadline) -> TransportAddress? {
    guard let publicAddress = publicAddresses.first(where: { $0.family == inside.family }) else { return nil }
    let destination = kind == .symmetric ? remote : nil
    mappings.removeAll { !isFresh($0.usedAt, now) }
    let known = mappings.firstIndex { $0.inside == inside && $0.destination == destination }
    if known == nil {
      mappings.append(Mapping(inside: inside, destination: destination, port: nextPort, usedAt: now))
      nextPort += 1
    }
    let index = known ?? mappings.count - 1
    mappings[index].usedAt = now
    mappings[index].sentTo[remote] = now
    return publicAddress.with(port: mappings[index].port)
  }

  /// The inside address behind a public one, whoever may send there.
  func inside(of mapped: TransportAddress, now: NIODeadline) -> TransportAddress? {
    mapping(of: mapped, now)?.inside
  }

  /// Whether a packet from `remote` is let in to the public address.
  func letsIn(_ remote: TransportAddress, to mapped: TransportAddress, now: NIODeadline) -> Bool {
    guard let mapping = mapping(of: mapped, now) else { return false }
    return switch kind {
    case .fullCone: true
    case .addressRestricted: mapping.sentTo.contains { $0.key.hasSameIP(as: remote) && isFresh($0.value, now) }
    case .portRestricted, .symmetric: mapping.sentTo[remote].map { isFresh($0, now) } ?? false
    }
  }

  private func mapping(of mapped: TransportAddress, _ now: NIODeadline) -> Mapping? {
    guard publicAddresses.contains(where: { $0.hasSameIP(as: mapped) }) else { return nil }
    return mappings.first {
      $0.port == mapped.port && $0.inside.family == mapped.family && isFresh($0.usedAt, now)
    }
  }

  private func isFresh(_ time: NIODeadline, _ now: NIODeadline) -> Bool { now < time + lifetime }
}
