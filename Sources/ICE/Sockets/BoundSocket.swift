internal import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// A descriptor of a non-blocking socket bound to an address, on its way to whoever owns it.
struct BoundSocket {
  let descriptor: CInt
  /// With the port it got.
  let local: TransportAddress

  /// Binds at the address's port, 0 for one of the system's choice, or at the first free one of the range, counted from a
  /// random place.
  /// - Parameters:
  ///   - type: `SOCK_DGRAM` or `SOCK_STREAM`.
  ///   - scope: the link of a link-local address, by number.
  ///   - prepare: sets options that have to be set before binding.
  init(
    type: CInt, address: TransportAddress, scope: UInt32, portRange: ClosedRange<UInt16>? = nil,
    prepare: (CInt) -> Void = { _ in }
  ) throws(IOError) {
    let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.family == .v6 ? AF_INET6 : AF_INET, type | flags, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    prepare(descriptor)
    do throws(IOError) {
      try Self.bind(descriptor, to: address, scope: scope, portRange: portRange)
      local = try Self.localAddress(of: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }

  private static func bind(
    _ descriptor: CInt, to address: TransportAddress, scope: UInt32, portRange: ClosedRange<UInt16>?
  ) throws(IOError) {
    let ports = portRange.map(Array.init) ?? [address.port]
    let start = Int.random(in: 0..<ports.count)
    for port in ports[start...] + ports[..<start] {
      let result = withUnsafeTemporaryAllocation(byteCount: TransportAddress.socketAddressSize, alignment: 8) { bytes in
        let length = address.with(port: port).store(asSocketAddressIn: bytes, scope: scope)
        return bytes.withMemoryRebound(to: sockaddr.self) { Glibc.bind(descriptor, $0.baseAddress, socklen_t(length)) }
      }
      if result == 0 { return }
      guard errno == EADDRINUSE || errno == EACCES else { break }
    }
    throw IOError(errnoCode: errno, reason: "bind")
  }

  private static func localAddress(of descriptor: CInt) throws(IOError) -> TransportAddress {
    let size = TransportAddress.socketAddressSize
    let address = withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes -> TransportAddress? in
      var length = socklen_t(size)
      let result = bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
      guard result == 0 else { return nil }
      let family = bytes.load(as: sa_family_t.self)
      return TransportAddress(socketAddressBytes: UnsafeRawBufferPointer(bytes), isV6: family == sa_family_t(AF_INET6))
    }
    guard let address else { throw IOError(errnoCode: errno, reason: "getsockname") }
    return address
  }

  /// Sets an option that is a number; it is a wish, so that a refusal does no harm.
  func set(_ level: CInt, _ option: CInt, to value: CInt) {
    Self.set(level, option, to: value, on: descriptor)
  }

  /// The same for a socket that is not bound yet.
  static func set(_ level: CInt, _ option: CInt, to value: CInt, on descriptor: CInt) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
  }
}
