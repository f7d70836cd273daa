import Logging
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import ICE

/// What the kernel says of links and addresses, as bytes.
@Suite struct NetlinkTests {
  private static func attribute(_ type: UInt16, _ value: ByteBuffer) -> ByteBuffer {
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(UInt16(4 + value.readableBytes), type, endianness: .host)
    bytes.writeImmutableBuffer(value)
    bytes.writeRepeatingByte(0, count: (4 - value.readableBytes % 4) % 4)
    return bytes
  }

  private static func message(_ type: UInt16, _ pieces: [ByteBuffer]) -> ByteBuffer {
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(
      UInt32(16 + pieces.reduce(0) { $0 + $1.readableBytes }), type, UInt16(2), UInt32(7), UInt32(99), endianness: .host
    )
    for piece in pieces { bytes.writeImmutableBuffer(piece) }
    return bytes
  }

  private static func link(_ index: Int32, _ name: String, flags: UInt32) -> ByteBuffer {
    var header = ByteBuffer()
    header.writeMultipleIntegers(UInt8(0), UInt8(0), UInt16(1), index, flags, UInt32.max, endianness: .host)
    let other = attribute(13, ByteBuffer(integer: UInt32(1000)))
    return message(16, [header, other, attribute(3, ByteBuffer(string: name + "\0"))])
  }

  private static func addressMessage(
    _ index: Int32, _ text: String, flags: UInt32 = 0x80, isPeer: Bool = false
  ) throws -> ByteBuffer {
    let address = address(text, 0)
    var header = ByteBuffer()
    let family: UInt8 = address.family == .v4 ? 2 : 10
    header.writeMultipleIntegers(family, UInt8(24), UInt8(flags & 0xFF), UInt8(0), index, endianness: .host)
    var packed = ByteBuffer()
    address.writeIP(to: &packed)
    let peer = attribute(1, isPeer ? ByteBuffer(repeating: 9, count: packed.readableBytes) : packed)
    let long = attribute(8, ByteBuffer(integer: flags, endianness: .host))
    return message(20, [header, peer, attribute(2, packed), long])
  }

  /// Two links, one of them unplugged; addresses in all states.
  private static func list() throws -> ByteBuffer {
    var all = ByteBuffer()
    for piece in [
      link(1, "lo", flags: 0x49), link(2, "eth0", flags: 0x1_1043), link(3, "eth1", flags: 0x1003),
      try addressMessage(1, "127.0.0.1"), try addressMessage(2, "192.0.2.7"),
      try addressMessage(2, "2001:db8::7"), try addressMessage(2, "2001:db8::8", flags: 0x40),
      try addressMessage(2, "2001:db8::9", flags: 0x44), try addressMessage(2, "2001:db8::a", flags: 0x20),
      try addressMessage(2, "2001:db8::b", flags: 0x08), try addressMessage(2, "fe80::7"),
      try addressMessage(3, "198.51.100.3"), try addressMessage(2, "10.8.0.2", isPeer: true),
      try addressMessage(9, "203.0.113.1"),
    ] {
      all.writeImmutableBuffer(piece)
    }
    return all
  }

  @Test func leavesOutWhatCannotBeUsedNow() throws {
    let interfaces = NetworkInterface.all(in: NetlinkMessage.parse(try Self.list()))
    #expect(
      interfaces.map { "\($0.name) \($0.address.ip)" } == [
        "lo 127.0.0.1", "eth0 192.0.2.7", "eth0 2001:db8::7", "eth0 2001:db8::9", "eth0 fe80::7", "eth0 10.8.0.2",
      ])
    let chosen = NetworkInterface.usable(among: interfaces, includeLoopback: false)
    #expect(chosen.map(\.address.ip) == ["2001:db8::7", "192.0.2.7", "2001:db8::9", "10.8.0.2"])
    #expect(interfaces.map(\.scope) == [0, 0, 0, 0, 2, 0])
  }

  @Test func endsAndErrorsAreTold() {
    let error = Self.message(2, [ByteBuffer(integer: Int32(-13), endianness: .host)])
    #expect(NetlinkMessage.parse(error) == [.failure(13)])
    #expect(NetlinkMessage.parse(Self.message(3, [])) == [.done])
    #expect(NetlinkMessage.parse(Self.message(17, [])) == [.other(type: 17)])
  }

  @Test func anyBytesAreRead() throws {
    var random = SeededGenerator(seed: 20)
    let list = try Self.list()
    for length in 0..<list.readableBytes {
      let cut = NetlinkMessage.parse(list.getSlice(at: 0, length: length) ?? ByteBuffer())
      #expect(cut.count <= 14)
    }
    for _ in 0..<5_000 {
      var mutated = list
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        mutated.setInteger(
          UInt8.random(in: 0...255, using: &random), at: .random(in: 0..<list.readableBytes, using: &random))
      }
      _ = NetworkInterface.all(in: NetlinkMessage.parse(mutated))
    }
  }

  /// The list that the kernel gives is the one that getifaddrs gives.
  @Test func agreesWithTheSystem() throws {
    let ours = Set(NetworkInterface.all(in: try NetlinkSocket.links()).map(\.address))
    let all = try System.enumerateDevices().compactMap { $0.address.flatMap(TransportAddress.init)?.with(port: 0) }
    #expect(!ours.isEmpty)
    #expect(ours.isSubset(of: Set(all)))
  }
}

/// The path monitor, on a clock of the test's.
@Suite struct PathMonitorTests {
  private final class Machine {
    var interfaces: [NetworkInterface] = []
    var reports: [[String]] = []
    var looks = 0

    func set(_ addresses: String...) {
      interfaces = addresses.enumerated().map { index, text in
        NetworkInterface(name: "eth\(index)", address: address(text, 0), index: Int32(index))
      }
    }
  }

  private func monitor(_ machine: Machine, _ loop: EmbeddedEventLoop) -> PathMonitor {
    PathMonitor(
      eventLoop: loop, logger: .init(label: "test"),
      list: {
        machine.looks += 1
        return machine.interfaces
      }, changed: { machine.reports.append($0.map(\.address.ip)) })
  }

  @Test func manyChangesAreLookedAtOnce() {
    let (machine, loop) = (Machine(), EmbeddedEventLoop())
    machine.set("192.0.2.1")
    let monitor = monitor(machine, loop)
    monitor.begin(with: machine.interfaces)
    for _ in 0..<10 {
      monitor.noteChange()
      loop.advanceTime(by: .milliseconds(20))
    }
    #expect(machine.looks == 0)
    machine.set("192.0.2.1", "198.51.100.1")
    loop.advanceTime(by: .milliseconds(50))
    #expect(machine.looks == 1)
    #expect(machine.reports == [["192.0.2.1", "198.51.100.1"]])
    // A change that ends where it began is none.
    monitor.noteChange()
    loop.advanceTime(by: .seconds(1))
    #expect(machine.looks == 2)
    #expect(machine.reports.count == 1)
    machine.set("198.51.100.1")
    monitor.noteChange()
    loop.advanceTime(by: .seconds(1))
    #expect(machine.reports.last == ["198.51.100.1"])
  }

  @Test func nothingIsToldAfterTheEnd() {
    let (machine, loop) = (Machine(), EmbeddedEventLoop())
    let monitor = monitor(machine, loop)
    monitor.begin(with: [])
    machine.set("192.0.2.1")
    monitor.noteChange()
    monitor.stop()
    monitor.noteChange()
    loop.advanceTime(by: .seconds(1))
    #expect(machine.reports.isEmpty)
  }
}
