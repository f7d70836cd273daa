internal import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// The descriptor of a bound UDP socket, and how it sends.
///
/// NIO reads from it, but does not write: its datagram writes close the channel on errors that say nothing about the
/// socket, such as no route to one of many destinations or a firewall's refusal (ENETUNREACH, EPERM, EACCES), and an agent
/// tries addresses that it can't know to be good. Here an error costs the one datagram. Nothing is allocated.
struct DatagramSocket {
  let descriptor: CInt

  /// A non-blocking socket bound to the address: at a port of the system's choice, or at the first free one of the range,
  /// counted from a random place.
  init(boundTo address: SocketAddress, portRange: ClosedRange<UInt16>?) throws(IOError) {
    let type = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.protocol == .inet6 ? AF_INET6 : AF_INET, type, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    let ports = portRange.map(Array.init) ?? [0]
    let start = Int.random(in: 0..<ports.count)
    for port in ports[start...] + ports[..<start] {
      var address = address
      address.port = Int(port)
      let result = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
      if result == 0 {
        self.descriptor = descriptor
        return
      }
      guard errno == EADDRINUSE || errno == EACCES else { break }
    }
    let error = IOError(errnoCode: errno, reason: "bind")
    close(descriptor)
    throw error
  }

  /// Sends a datagram at once.
  /// - Returns: false if the socket is full or the system refuses the destination.
  func send(_ datagram: ByteBuffer, to remote: TransportAddress) -> Bool {
    remote.withSocketAddress { address, length in
      datagram.withUnsafeReadableBytes { bytes in
        sendto(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT), address, length) == bytes.count
      }
    }
  }
}

extension TransportAddress {
  /// Calls `body` with a `sockaddr_in` or `sockaddr_in6` of this address and its length.
  fileprivate func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    // The layouts of both: family, port, then the address (IPv6: between a flow label and a scope).
    withUnsafeTemporaryAllocation(byteCount: 28, alignment: 8) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      bytes.storeBytes(of: sa_family_t(family == .v4 ? AF_INET : AF_INET6), as: sa_family_t.self)
      bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      if family == .v4 {
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: low).bigEndian, toByteOffset: 4, as: UInt32.self)
      } else {
        bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
      }
      return bytes.withMemoryRebound(to: sockaddr.self) { pointer in
        guard let address = pointer.baseAddress else { preconditionFailure("28 bytes were allocated") }
        return body(UnsafePointer(address), family == .v4 ? 16 : 28)
      }
    }
  }
}
