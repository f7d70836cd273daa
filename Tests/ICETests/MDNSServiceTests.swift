import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import ICE

/// Multicast DNS on the loopback interface: who hides and who looks.
@Suite(.timeLimit(.minutes(1))) struct MDNSServiceTests {
  private actor Host {
    nonisolated let loop = MultiThreadedEventLoopGroup.singleton.next()
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    nonisolated let found: AsyncStream<MDNSQueries.Result>
    private let continuation: AsyncStream<MDNSQueries.Result>.Continuation
    private var service: MDNSService?

    init() { (found, continuation) = AsyncStream.makeStream() }

    func use(_ interfaces: [NetworkInterface]) {
      let continuation = continuation
      let service = MDNSService(
        eventLoop: loop, logger: .init(label: "test"),
        resolved: { continuation.yield(.init(name: $0, addresses: $1)) })
      service.use(interfaces)
      self.service = service
    }

    func publish(_ address: TransportAddress) -> String { service?.publish(address) ?? "" }
    func withdraw(_ address: TransportAddress) { service?.withdraw(address) }
    func resolve(_ name: String) { service?.resolve(name) }
    func close() async throws { try await service?.close().get() }
  }

  private static let loopback = NetworkInterface(name: "lo", address: address("127.0.0.1", 0), index: 1)

  @Test func aHiddenAddressIsFound() async throws {
    let (hider, seeker) = (Host(), Host())
    await hider.use([Self.loopback])
    await seeker.use([Self.loopback])
    let hidden = address("127.0.0.1", 5000)
    let name = await hider.publish(hidden)
    await seeker.resolve(name)
    var found = seeker.found.makeAsyncIterator()
    #expect(await found.next() == .init(name: name, addresses: [hidden.with(port: 0)]))
    // What cannot be a name of the link is not asked for.
    await seeker.resolve("example.org")
    #expect(await found.next() == .init(name: "example.org", addresses: []))
    try await hider.close()
    // Nobody answers any more; and the search ends.
    await seeker.resolve(name)
    #expect(await found.next() == .init(name: name, addresses: []))
    try await seeker.close()
  }
}
