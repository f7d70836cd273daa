public import ICE
public import NIOCore

/// A STUN server on a simulated network.
public final class SimulatedSTUNServer: SimulatedEndpoint {
  public let address: TransportAddress
  /// Requests it got.
  public private(set) var requests = 0
  public let host: SimulatedHost

  /// Adds a host of its own to the network.
  public init(at address: TransportAddress, on network: SimulatedNetwork) {
    self.address = address
    host = network.addHost([address])
    host.endpoint = self
  }

  public var nextDeadline: NIODeadline? { nil }

  public func handleTimeout(now: NIODeadline) {}

  public func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) {
    guard local == address, let request = try? STUNMessage(parsing: datagram), request.messageClass == .request else {
      return
    }
    requests += 1
    var writer = STUNWriter(.successResponse, transactionID: request.transactionID)
    writer.append(xorMappedAddress: remote)
    host.send(writer.finish(), from: local, to: remote)
  }
}
