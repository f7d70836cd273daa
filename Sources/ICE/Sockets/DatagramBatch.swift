internal import CDatagrams
internal import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Memory for the datagrams of one system call: taken once, used for every call.
final class DatagramBatch {
  static let capacity = Int(datagrams_in_a_batch)
  /// The largest datagram that is sent or received. A browser's first DTLS datagram has 1408 bytes.
  static let slotSize = 2048

  private(set) var count = 0
  private let slots = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * slotSize)
  private let headers = UnsafeMutablePointer<datagram_header>.allocate(capacity: capacity)

  init() {
    slots.initialize(repeating: 0, count: Self.capacity * Self.slotSize)
    headers.initialize(repeating: datagram_header(), count: Self.capacity)
  }

  deinit {
    slots.deallocate()
    headers.deallocate()
  }

  // MARK: Receiving

  /// Takes what waits at the socket, at most ``capacity`` datagrams.
  func receive(from descriptor: CInt) {
    count = max(0, Int(datagrams_receive(descriptor, slots, Self.slotSize, headers)))
  }

  /// The bytes of a datagram that was received; none if it was too large.
  func bytes(at index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: slots + index * Self.slotSize, count: Int(headers[index].length))
  }

  /// Where it came from.
  func source(at index: Int) -> TransportAddress? {
    TransportAddress(
      socketAddressBytes: UnsafeRawBufferPointer(start: headers + index, count: TransportAddress.socketAddressSize),
      isV6: headers[index].address.family == sa_family_t(AF_INET6))
  }

  // MARK: Sending

  /// Adds a datagram, which has to fit, to a batch that is not full.
  func append(_ datagram: ByteBuffer, to remote: TransportAddress) {
    precondition(count < Self.capacity && datagram.readableBytes <= Self.slotSize)
    let slot = UnsafeMutableRawBufferPointer(start: slots + count * Self.slotSize, count: Self.slotSize)
    datagram.withUnsafeReadableBytes { slot.copyMemory(from: $0) }
    headers[count].length = UInt32(datagram.readableBytes)
    remote.store(
      asSocketAddressIn: UnsafeMutableRawBufferPointer(
        start: headers + count, count: TransportAddress.socketAddressSize))
    count += 1
  }

  /// Sends them all at once and leaves the batch empty.
  /// - Returns: how many the system did not take. One that it refuses does not hold up the others; when the socket is
  ///   full the rest is given up.
  func send(on descriptor: CInt) -> Int {
    defer { count = 0 }
    var (first, refused) = (0, 0)
    while first < count {
      let sent = datagrams_send(
        descriptor, slots + first * Self.slotSize, Self.slotSize, headers + first, UInt32(count - first))
      if sent > 0 {
        first += Int(sent)
      } else if [EAGAIN, ENOBUFS].contains(errno) {
        return refused + count - first
      } else if errno != EINTR {
        first += 1
        refused += 1
      }
    }
    return refused
  }
}

/// Buffers that are used again once whoever got them has let go of them.
struct DatagramBufferPool {
  private static let size = 64

  private var buffers: [ByteBuffer] = []
  private var next = 0

  /// A buffer with these bytes; allocates only while the oldest of the pool is still in use.
  mutating func buffer(copying bytes: UnsafeRawBufferPointer) -> ByteBuffer {
    if buffers.count < Self.size {
      var buffer = ByteBufferAllocator().buffer(capacity: DatagramBatch.slotSize)
      buffer.writeBytes(bytes)
      buffers.append(buffer)
      return buffer
    }
    defer { next = (next + 1) % Self.size }
    buffers[next].clear(minimumCapacity: DatagramBatch.slotSize)
    buffers[next].writeBytes(bytes)
    return buffers[next]
  }
}

extension TransportAddress {
  /// Bytes of a `sockaddr_in6`, the larger of the two.
  static let socketAddressSize = 28

  /// Writes a `sockaddr_in` or `sockaddr_in6` of this address into ``socketAddressSize`` bytes. The layouts of both: family,
  /// port, then the address (IPv6: between a flow label and a scope).
  /// - Returns: how long it is.
  @discardableResult
  func store(asSocketAddressIn bytes: UnsafeMutableRawBufferPointer, scope: UInt32 = 0) -> Int {
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    bytes.storeBytes(of: sa_family_t(family == .v4 ? AF_INET : AF_INET6), as: sa_family_t.self)
    bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
    if family == .v4 {
      bytes.storeBytes(of: UInt32(truncatingIfNeeded: low).bigEndian, toByteOffset: 4, as: UInt32.self)
      return 16
    }
    bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
    bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
    bytes.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self)
    return Self.socketAddressSize
  }
}
