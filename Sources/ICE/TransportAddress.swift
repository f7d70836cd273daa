public import NIOCore

/// An IP address and a UDP port (RFC 8445 section 4: "transport address"). A plain value of fixed size, so that comparing,
/// hashing and storing one costs no allocation; `SocketAddress` is met at the sockets only.
public struct TransportAddress: Hashable, Sendable {
  /// The IP version.
  public enum Family: UInt8, Sendable {
    case v4 = 4
    case v6 = 6
  }

  /// Bits 127...64 of an IPv6 address; 0 for IPv4.
  let high: UInt64
  /// Bits 63...0 of an IPv6 address, or the 32 bits of an IPv4 address.
  let low: UInt64
  /// The IP version.
  public let family: Family
  /// The UDP port.
  public var port: UInt16

  init(high: UInt64, low: UInt64, family: Family, port: UInt16) {
    self.high = high
    self.low = low
    self.family = family
    self.port = port
  }

  /// An IPv4 address from its 32 bits, for example `0xC000_0201` for 192.0.2.1.
  public init(v4 bits: UInt32, port: UInt16) {
    self.init(high: 0, low: UInt64(bits), family: .v4, port: port)
  }

  /// An IPv6 address from its upper and lower 64 bits.
  public init(v6 high: UInt64, _ low: UInt64, port: UInt16) {
    self.init(high: high, low: low, family: .v6, port: port)
  }

  /// Reads a numeric address; nil if it is none: names are not looked up, and zones (`%eth0`)
  /// mean nothing to a peer.
  public init?(_ ip: some StringProtocol, port: UInt16) {
    guard ip.utf8.count <= 45,  // the longest IPv6 text there is
      !ip.utf8.contains(UInt8(ascii: "%")),
      let address = try? SocketAddress(ipAddress: String(ip), port: Int(port))
    else { return nil }
    self.init(address)
  }

  /// The address of a socket; nil for a Unix socket. The scope of a link-local address is left behind: a socket bound to
  /// such an address sends to the right link without it.
  public init?(_ address: SocketAddress) {
    guard address.protocol != .unix else { return nil }
    let isV6 = address.protocol == .inet6
    let converted = address.withSockAddr { pointer, length in
      TransportAddress(socketAddressBytes: UnsafeRawBufferPointer(start: pointer, count: length), isV6: isV6)
    }
    guard let converted else { return nil }
    self = converted
  }

  /// Reads a `sockaddr_in` or `sockaddr_in6` as bytes, which every Unix lays out alike: family, port, then the address
  /// (IPv6: after the flow label). Nil if it is cut short.
  init?(socketAddressBytes bytes: UnsafeRawBufferPointer, isV6: Bool) {
    guard bytes.count >= (isV6 ? 24 : 8) else { return nil }
    func integer<Number: FixedWidthInteger>(at offset: Int, as: Number.Type) -> Number {
      Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    let port = integer(at: 2, as: UInt16.self)
    if isV6 {
      self.init(v6: integer(at: 8, as: UInt64.self), integer(at: 16, as: UInt64.self), port: port)
    } else {
      self.init(v4: integer(at: 4, as: UInt32.self), port: port)
    }
  }

  /// The same address for a socket. Allocates: keep it where many packets go to one address.
  public var socketAddress: SocketAddress {
    var packed = ByteBuffer()
    switch family {
    case .v4: packed.writeInteger(UInt32(truncatingIfNeeded: low))
    case .v6: packed.writeMultipleIntegers(high, low)
    }
    do {
      return try SocketAddress(packedIPAddress: packed, port: Int(port))
    } catch {
      preconditionFailure("4 and 16 bytes are the lengths of packed addresses: \(error)")
    }
  }

  /// The IP address as text, without the port: `192.0.2.1` or `2001:db8::1`.
  public var ip: String {
    socketAddress.ipAddress ?? ""
  }

  /// The same address with another port.
  public func with(port: UInt16) -> TransportAddress {
    TransportAddress(high: high, low: low, family: family, port: port)
  }

  /// Whether the IP addresses are the same, whatever the ports.
  public func hasSameIP(as other: TransportAddress) -> Bool {
    high == other.high && low == other.low && family == other.family
  }

  /// 127.0.0.0/8 or ::1.
  public var isLoopback: Bool {
    family == .v4 ? low >> 24 == 127 : high == 0 && low == 1
  }

  /// 169.254.0.0/16 or fe80::/10.
  public var isLinkLocal: Bool {
    family == .v4 ? low >> 16 == 0xA9FE : high >> 54 == 0x3FA
  }

  /// Whether one peer can be reached there: a port that is not 0 on an address that is neither unspecified, multicast,
  /// broadcast, reserved (240.0.0.0/4) nor IPv4 in disguise (::ffff:0:0/96, ::/96; RFC 8445 section 5.1.1.1).
  public var isUsable: Bool {
    guard port != 0 else { return false }
    switch family {
    case .v4: return low >> 24 != 0 && low >> 28 < 0xE
    case .v6: return high >> 56 != 0xFF && (high != 0 || low == 1)
    }
  }
}

extension TransportAddress: CustomStringConvertible {
  /// `192.0.2.1:5000` or `[2001:db8::1]:5000`.
  public var description: String {
    family == .v4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
  }
}
