import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import ICE

/// Which sockets there are for the machine's addresses, as these come and go.
@Suite struct AddressSocketsTests {
  private static func interfaces(_ ips: String...) -> [NetworkInterface] {
    ips.map { NetworkInterface(name: "lo", address: address($0), index: 1) }
  }

  /// What was told for each list of addresses in turn: `udp`, `passive`, `active` or `removed`, and of which.
  private func changes(_ lists: [NetworkInterface]...) async throws -> [[String]] {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    return try await loop.submit {
      let streams = StreamSockets.Callbacks(
        opened: { _, _ in }, accepted: { _, _ in nil }, received: { _, _ in }, closed: { _, _ in }, settled: {})
      let sockets = ICESockets(
        options: .init(), eventLoop: loop, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        callbacks: .init(received: { _, _, _ in }, streams: streams, resolved: { _, _ in }))
      defer { sockets.close() }
      return lists.map { list in
        sockets.use(list).map { change in
          switch change {
          case .udp(let address, _): "udp \(address.ip)"
          case .tcp(let address, let isPassive): "\(isPassive ? "passive" : "active") \(address.ip)"
          case .removed(let address): "removed \(address.ip)"
          }
        }
      }
    }.get()
  }

  /// The address that had TCP goes: the next gets it.
  @Test func tcpMovesWithTheNetwork() async throws {
    let told = try await changes(
      Self.interfaces("127.0.0.2", "127.0.0.3"), Self.interfaces("127.0.0.3", "127.0.0.4"),
      Self.interfaces("127.0.0.4", "127.0.0.3"))
    #expect(told[0] == ["udp 127.0.0.2", "udp 127.0.0.3", "active 127.0.0.2", "passive 127.0.0.2"])
    #expect(
      told[1] == [
        "removed 127.0.0.2", "removed 127.0.0.2", "removed 127.0.0.2", "udp 127.0.0.4", "active 127.0.0.3",
        "passive 127.0.0.3",
      ])
    #expect(told[2] == [])
  }
}
