import ICE
import NIOCore
import TestSupport
import Testing

/// Servers and networks that send anything at any time.
@Suite struct TransportFuzzTests {
  /// A relay call whose every message to the client may be changed on its way: nothing traps, nothing grows without bound,
  /// and time goes on.
  @Test(arguments: [ICEServer.Transport.udp, .tcp], 0..<6)
  func standsChangedMessages(transport: ICEServer.Transport, seed: UInt64) throws {
    let pair = TransportPair(
      seed: 100 + seed, left: Site("10.0.0.2", behind: .symmetric, as: "203.0.113.1"), right: Site("192.0.2.2"),
      relayOnly: (true, false))
    pair.turn.behaviour.nonceLifetime = .seconds(20)
    pair.start(left: [try pair.server(transport)])
    var random = SeededGenerator(seed: seed)
    let (client, way) = (pair.left, (pair.turn.addresses[0], pair.left.bases[0]))
    let samples = STUNTests.samples + Self.turnSamples()
    var streams: [SimulatedStream] = []
    for round in 0..<3_000 {
      guard var bytes = samples.randomElement(using: &random) else { continue }
      mutate(&bytes, using: &random)
      switch transport {
      case .udp: client.receive(bytes, from: way.0, to: way.1, now: pair.network.now)
      default:
        if round % 300 == 0 {
          streams = pair.turn.allocations.keys.compactMap { if case .stream(let stream) = $0 { stream } else { nil } }
        }
        for stream in streams { stream.send(bytes) }
      }
      if round % 10 == 0 { client.sendMedia("media \(round)") }
      pair.network.run(for: .milliseconds(Int64.random(in: 0...50, using: &random)))
    }
    pair.network.run(for: .minutes(3))
    #expect(client.candidates.count < 400)
    #expect(client.problems.count < 100)
    // The server was honest all the time: in the end the call is there.
    #expect(pair.turn.allocations.count >= 1)
  }

  /// What a server sends in a call, in every form.
  private static func turnSamples() -> [ByteBuffer] {
    var random = SeededGenerator(seed: 9)
    let methods: [STUNMethod] = [.allocate, .refresh, .createPermission, .channelBind, .data, .send]
    var samples = methods.flatMap { method in
      [STUNClass.successResponse, .errorResponse, .indication, .request].map { kind in
        var writer = STUNWriter(kind, method: method, transactionID: STUNTransactionID(using: &random))
        writer.append(.xorRelayedAddress, xored: address("198.51.100.1", 50_000))
        writer.append(.lifetime, integer: UInt32(600))
        writer.append(STUNErrorCode(code: 438, reason: "Stale Nonce"))
        writer.append(.nonce, text: "obMatJos2wAAA0")
        writer.append(.passwordAlgorithms, bytes: [0, 2, 0, 0, 0, 1, 0, 0])
        writer.append(.xorPeerAddress, xored: address("192.0.2.2", 5000))
        writer.append(data: ByteBuffer(string: "data"))
        return writer.finish()
      }
    }
    samples.append(ByteBuffer(bytes: [0x40, 0, 0, 4, 1, 2, 3, 4]))
    samples.append(ByteBuffer(bytes: [0x40, 0, 0xFF, 0xFF, 1, 2]))
    return samples
  }
}
