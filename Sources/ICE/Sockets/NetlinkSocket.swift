internal import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// A socket to the kernel's routing tables (netlink(7)).
enum NetlinkSocket {
  /// What to be told of (RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR).
  private static let changeGroups: UInt32 = 0x1 | 0x10 | 0x100
  /// The kernel fills up to 32 KiB at a time.
  static let datagramSize = 32 * 1024
  /// A list is at most this long: thousands of addresses.
  private static let maximumDatagrams = 256

  /// A descriptor that becomes readable when links or addresses change.
  static func openForChanges() throws(IOError) -> CInt {
    try open(groups: changeGroups)
  }

  /// All links and addresses there are. The kernel answers in the course of the calls: nothing is waited for.
  static func links() throws(IOError) -> [NetlinkMessage] {
    let descriptor = try open(groups: 0)
    defer { close(descriptor) }
    return try list(NetlinkMessage.MessageType.getLink, from: descriptor)
      + list(NetlinkMessage.MessageType.getAddress, from: descriptor)
  }

  private static func open(groups: UInt32) throws(IOError) -> CInt {
    let descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "netlink socket") }
    // struct sockaddr_nl: family, padding, port (0: of the kernel's choice), groups.
    var address = ByteBuffer()
    address.writeMultipleIntegers(UInt16(AF_NETLINK), UInt16(0), UInt32(0), groups, endianness: .host)
    let result = address.withUnsafeReadableBytes { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
    }
    guard result == 0 else {
      let error = IOError(errnoCode: errno, reason: "netlink bind")
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private static func list(_ type: UInt16, from descriptor: CInt) throws(IOError) -> [NetlinkMessage] {
    let request = NetlinkMessage.request(type: type, sequence: UInt32(type))
    let sent = request.withUnsafeReadableBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
    guard sent == request.readableBytes else { throw IOError(errnoCode: errno, reason: "netlink request") }
    var found: [NetlinkMessage] = []
    var datagram = ByteBufferAllocator().buffer(capacity: datagramSize)
    for _ in 0..<maximumDatagrams {
      datagram.clear()
      let count = datagram.writeWithUnsafeMutableBytes(minimumWritableBytes: datagramSize) {
        max(0, recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT)))
      }
      guard count > 0 else { throw IOError(errnoCode: errno, reason: "netlink answer") }
      for message in NetlinkMessage.parse(datagram) {
        switch message {
        case .done: return found
        case .failure(let code): throw IOError(errnoCode: code, reason: "netlink")
        default: found.append(message)
        }
      }
    }
    return found
  }
}
