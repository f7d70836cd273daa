import Frames
import ICE
import NIOCore
import TestSupport

@testable import PeerConnection

/// Two sessions on a simulated network, in virtual time.
final class SimulatedCall {
  let network: SimulatedNetwork
  let caller: SimulatedPeer
  let callee: SimulatedPeer
  let turn: SimulatedTURNServer
  /// How sound and picture are timed; both begin with ``startMedia()``.
  private static let pictureInterval = TimeAmount.milliseconds(33)
  private static let soundInterval = TimeAmount.milliseconds(20)

  /// - Parameters:
  ///   - conditions: of the link of each side.
  ///   - callerNAT: the box before the caller, if any.
  init(
    seed: UInt64 = 1, conditions: LinkConditions = LinkConditions(latency: .milliseconds(1)), callerNAT: NAT? = nil,
    configuration: PeerConnectionConfiguration = .init()
  ) throws {
    let network = SimulatedNetwork(seed: seed)
    self.network = network
    turn = SimulatedTURNServer(at: [TransportAddress(v4: 0xC633_6401, port: 0)], on: network)
    let clock = HandshakeClock(network)
    func peer(_ name: String, _ address: String, nat: NAT?, seed: UInt64) throws -> SimulatedPeer {
      guard let address = TransportAddress(address, port: 5000) else { throw PeerConnectionError.system(address) }
      let host = network.addHost([address], behind: nat, conditions: conditions)
      return try SimulatedPeer(
        name, address: address, host: host, clock: clock, seed: seed, configuration: configuration)
    }
    caller = try peer("caller", callerNAT == nil ? "192.0.2.1" : "10.0.0.1", nat: callerNAT, seed: seed * 2)
    callee = try peer("callee", "192.0.2.2", nat: nil, seed: seed * 2 + 1)
    caller.other = callee
    callee.other = caller
  }

  var peers: [SimulatedPeer] { [caller, callee] }
  var now: NIODeadline { network.now }
  var isConnected: Bool { peers.allSatisfy { $0.session.connectionState == .connected } }

  /// What happens to every datagram on its way: gives what is sent in its stead.
  func tamper(_ change: @escaping (ByteBuffer) -> [ByteBuffer]) {
    for peer in peers { peer.tamper = change }
  }

  /// Lets both use the TURN server, one over UDP and one over TCP. Before the first description.
  func useRelays() throws {
    for (peer, transport) in zip(peers, ["udp", "tcp"]) {
      let uri = "turn:turn.example.org?transport=\(transport)"
      let server = try ICEServer(uri: uri, username: "alice", credential: "secret")
      peer.servers = [(server, turn.addresses)]
    }
  }

  func setConditions(_ change: (inout LinkConditions) -> Void) {
    for peer in peers { change(&peer.host.conditions) }
  }

  /// Both with sound and picture, one round of offer and answer.
  func negotiate() throws {
    try caller.addTracks()
    try callee.setRemote(caller.setLocal())
    try callee.addTracks()
    try caller.setRemote(callee.setLocal())
  }

  /// Negotiates, and runs until both are connected.
  func connect() throws {
    try negotiate()
    runUntilConnected()
  }

  @discardableResult
  func runUntilConnected() -> Bool { network.run(limit: .seconds(20)) { isConnected } }

  func run(for duration: TimeAmount) { network.run(for: duration) }

  /// Runs until the condition holds, at most that long.
  @discardableResult
  func run(limit: TimeAmount, until condition: () -> Bool) -> Bool { network.run(limit: limit, until: condition) }

  func startMedia() {
    for peer in peers { peer.sendsMedia = true }
    sendPictures()
    sendSound()
  }

  func stopMedia() {
    for peer in peers { peer.sendsMedia = false }
  }

  private func sendPictures() {
    for peer in peers where peer.sendsMedia { peer.sendPicture() }
    guard peers.contains(where: \.sendsMedia) else { return }
    network.schedule(after: Self.pictureInterval) { [unowned self] in sendPictures() }
  }

  private func sendSound() {
    for peer in peers where peer.sendsMedia { peer.sendSound() }
    guard peers.contains(where: \.sendsMedia) else { return }
    network.schedule(after: Self.soundInterval) { [unowned self] in sendSound() }
  }
}
