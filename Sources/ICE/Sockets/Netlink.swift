internal import NIOCore

/// What the kernel tells of links and addresses (rtnetlink(7)); numbers are in the machine's byte order.
enum NetlinkMessage: Hashable {
  case link(Link)
  case address(Address)
  /// The end of a list that was asked for.
  case done
  /// An error, by its number.
  case failure(Int32)
  /// Something else, or a message that can't be read.
  case other(type: UInt16)

  /// A network device.
  struct Link: Hashable {
    var index: Int32
    var name: String
    var flags: UInt32

    /// Switched on (IFF_UP) and able to carry packets (IFF_RUNNING).
    var isUp: Bool { flags & 0x1 != 0 && flags & 0x40 != 0 }
  }

  /// An address of a device.
  struct Address: Hashable {
    var linkIndex: Int32
    /// With port 0.
    var address: TransportAddress
    var flags: UInt32

    /// Not while it is being tested for duplicates (IFA_F_TENTATIVE, unless IFA_F_OPTIMISTIC), has a duplicate
    /// (IFA_F_DADFAILED), or is not to be used for anything new (IFA_F_DEPRECATED; RFC 4862 section 5.5.4).
    var isUsable: Bool {
      let isTentative = flags & 0x40 != 0 && flags & 0x04 == 0
      return !isTentative && flags & (0x08 | 0x20) == 0
    }
  }

  /// Message types (linux/rtnetlink.h, linux/netlink.h).
  enum MessageType {
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let newLink: UInt16 = 16
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let getAddress: UInt16 = 22
  }

  /// Reads all messages of a datagram. What is cut short ends the list.
  static func parse(_ datagram: ByteBuffer) -> [NetlinkMessage] {
    var rest = datagram
    var messages: [NetlinkMessage] = []
    while let length: UInt32 = rest.readInteger(endianness: .host),
      let (type, _, _, _) = rest.readMultipleIntegers(
        endianness: .host, as: (UInt16, UInt16, UInt32, UInt32).self),
      length >= 16, let body = rest.readSlice(length: Int(length) - 16)
    {
      messages.append(parse(type: type, body))
      rest.moveReaderIndex(forwardBy: min(padding(Int(length)), rest.readableBytes))
    }
    return messages
  }

  private static func parse(type: UInt16, _ body: ByteBuffer) -> NetlinkMessage {
    var body = body
    let message: NetlinkMessage? =
      switch type {
      case MessageType.done: .done
      case MessageType.error: body.readInteger(endianness: .host, as: Int32.self).map { .failure(0 &- $0) }
      case MessageType.newLink: link(&body).map { .link($0) }
      case MessageType.newAddress: address(&body).map { .address($0) }
      default: nil
      }
    return message ?? .other(type: type)
  }

  /// `struct ifinfomsg`: family, padding, device type, index, flags, change mask; then attributes.
  private static func link(_ body: inout ByteBuffer) -> Link? {
    guard
      let (_, _, _, index, flags, _) = body.readMultipleIntegers(
        endianness: .host, as: (UInt8, UInt8, UInt16, Int32, UInt32, UInt32).self)
    else { return nil }
    var name: String?
    while let (type, value) = nextAttribute(&body) {
      // IFLA_IFNAME: at most 16 bytes with the zero at the end.
      if type == 3, value.readableBytes <= 16 {
        name = String(decoding: value.readableBytesView.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    return name.map { Link(index: index, name: $0, flags: flags) }
  }

  /// `struct ifaddrmsg`: family, prefix length, flags, scope, index of the link; then attributes.
  private static func address(_ body: inout ByteBuffer) -> Address? {
    guard
      let (_, _, shortFlags, _, index) = body.readMultipleIntegers(
        endianness: .host, as: (UInt8, UInt8, UInt8, UInt8, Int32).self)
    else { return nil }
    var flags = UInt32(shortFlags)
    var (local, other): (TransportAddress?, TransportAddress?)
    while let (type, value) = nextAttribute(&body) {
      switch type {
      case 1: other = TransportAddress(packed: value)  // IFA_ADDRESS: the peer's on a point-to-point link
      case 2: local = TransportAddress(packed: value)  // IFA_LOCAL
      case 8:  // IFA_FLAGS: all 32
        flags = value.getInteger(at: value.readerIndex, endianness: .host) ?? flags
      default: break
      }
    }
    return (local ?? other).map { Address(linkIndex: index, address: $0, flags: flags) }
  }

  /// `struct rtattr`: length with this header, type, value, padding.
  private static func nextAttribute(_ body: inout ByteBuffer) -> (type: UInt16, value: ByteBuffer)? {
    guard let (length, type) = body.readMultipleIntegers(endianness: .host, as: (UInt16, UInt16).self), length >= 4,
      let value = body.readSlice(length: Int(length) - 4)
    else { return nil }
    body.moveReaderIndex(forwardBy: min(padding(Int(length)), body.readableBytes))
    // The two highest bits say how the value is to be understood, which we know.
    return (type & 0x3FFF, value)
  }

  private static func padding(_ length: Int) -> Int { (4 - length % 4) % 4 }

  /// The request for a list of all links or all addresses.
  static func request(type: UInt16, sequence: UInt32) -> ByteBuffer {
    let bodyLength = type == MessageType.getLink ? 16 : 8
    var message = ByteBuffer()
    let requestAndDump: UInt16 = 0x0301  // NLM_F_REQUEST | NLM_F_DUMP
    message.writeMultipleIntegers(UInt32(16 + bodyLength), type, requestAndDump, sequence, UInt32(0), endianness: .host)
    message.writeRepeatingByte(0, count: bodyLength)
    return message
  }
}

extension TransportAddress {
  /// From 4 or 16 bytes in network order, with port 0.
  init?(packed bytes: ByteBuffer) {
    var bytes = bytes
    switch bytes.readableBytes {
    case 4:
      guard let bits: UInt32 = bytes.readInteger() else { return nil }
      self.init(v4: bits, port: 0)
    case 16:
      guard let (high, low) = bytes.readMultipleIntegers(as: (UInt64, UInt64).self) else { return nil }
      self.init(v6: high, low, port: 0)
    default: return nil
    }
  }
}
