import ICE
import NIOCore
import TestSupport
import Testing

@Suite("What a NAT does, found out as RFC 5780 says")
struct DiagnosisTests {
  typealias Dependence = NATBehaviour.Dependence

  static let expected: [(NAT.Kind, Dependence, Dependence)] = [
    (.fullCone, .endpointIndependent, .endpointIndependent),
    (.addressRestricted, .endpointIndependent, .addressDependent),
    (.portRestricted, .endpointIndependent, .addressAndPortDependent),
    (.symmetric, .addressAndPortDependent, .addressAndPortDependent),
  ]

  @Test("each kind of NAT, IPv4 and IPv6, with loss", arguments: expected, [(4, 0.0), (6, 0.0), (4, 0.2)])
  func kinds(_ nat: (kind: NAT.Kind, mapping: Dependence, filtering: Dependence), _ link: (Int, Double)) throws {
    for seed in UInt64(1)...3 {
      let scene = try DiagnosisScene(nat: nat.kind, isV6: link.0 == 6, loss: link.1, seed: seed)
      let server = try scene.addExaminer()
      scene.run(servers: [server])
      #expect(scene.diagnosis.isFinished)
      let behaviour = scene.diagnosis.behaviour
      #expect(behaviour.isTranslated)
      #expect(behaviour.mapped == scene.diagnosis.answers.first?.mapped)
      #expect(behaviour.mapping == nat.mapping, "seed \(seed)")
      #expect(behaviour.filtering == nat.filtering, "seed \(seed)")
      #expect(behaviour.hairpins == (nat.kind != .symmetric), "seed \(seed)")
    }
  }

  @Test("without a NAT everything is open, and nothing is said of hairpins")
  func open() throws {
    let scene = try DiagnosisScene(nat: nil)
    let server = try scene.addExaminer()
    scene.run(servers: [server])
    #expect(!scene.diagnosis.behaviour.isTranslated)
    #expect(scene.diagnosis.behaviour.mapping == .endpointIndependent)
    #expect(scene.diagnosis.behaviour.filtering == .endpointIndependent)
    #expect(scene.diagnosis.behaviour.hairpins == nil)
  }

  @Test(
    "two plain servers tell whether mappings depend on the other side, not what filters do",
    arguments: [(NAT.Kind.portRestricted, Dependence.endpointIndependent), (.symmetric, .dependent)])
  func plainServers(_ kind: NAT.Kind, _ mapping: Dependence) throws {
    let scene = try DiagnosisScene(nat: kind)
    scene.run(servers: try [scene.addPlain("192.0.2.1"), scene.addPlain("192.0.2.2")])
    #expect(scene.diagnosis.behaviour.mapping == mapping)
    #expect(scene.diagnosis.behaviour.filtering == nil)
    #expect(scene.diagnosis.answers.map(\.roundTripTime) == [.milliseconds(20), .milliseconds(20)])
  }

  @Test("one plain server tells the address and no more")
  func onePlainServer() throws {
    let scene = try DiagnosisScene(nat: .fullCone)
    scene.run(servers: try [scene.addPlain("192.0.2.1")])
    #expect(scene.diagnosis.behaviour.mapped != nil && scene.diagnosis.behaviour.mapping == nil)
  }

  @Test("no answer at all: known within 4 s")
  func silence() throws {
    let scene = try DiagnosisScene(nat: .fullCone)
    let nobody = try #require(TransportAddress("192.0.2.9", port: 3478))
    scene.run(servers: [nobody], limit: .milliseconds(4_100))
    #expect(scene.diagnosis.isFinished && scene.diagnosis.behaviour.mapped == nil)
  }

  @Test("one of two servers is silent: the other's word counts, and its silence is noted")
  func oneIsSilent() throws {
    let scene = try DiagnosisScene(nat: .fullCone)
    let nobody = try #require(TransportAddress("192.0.2.9", port: 3478))
    scene.run(servers: try [nobody, scene.addExaminer()])
    #expect(scene.diagnosis.answers.first?.mapped == nil)
    #expect(scene.diagnosis.behaviour.filtering == .endpointIndependent)
  }

  @Test("a server that ignores CHANGE-REQUEST can't make a filter look open")
  func deafExaminer() throws {
    let scene = try DiagnosisScene(nat: .fullCone)
    let server = try scene.addExaminer(ignoresChangeRequest: true)
    scene.run(servers: [server])
    #expect(scene.diagnosis.behaviour.filtering == .addressAndPortDependent)
  }

  @Test("nothing to ask, or another IP version: finished at once")
  func nothing() throws {
    let scene = try DiagnosisScene(nat: nil)
    let v6 = try #require(TransportAddress("2001:db8::1", port: 3478))
    scene.run(servers: [v6], limit: .zero)
    #expect(scene.diagnosis.isFinished && scene.diagnosis.answers.isEmpty)
  }

  @Test("random and changed datagrams do no harm")
  func hostile() throws {
    var random = SeededGenerator(seed: 11)
    let local = try #require(TransportAddress("10.0.0.2", port: 5000))
    let server = try #require(TransportAddress("192.0.2.1", port: 3478))
    let diagnosis = NATDiagnosis(local: local, servers: [server], random: random)
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    diagnosis.start(now: now)
    for _ in 0..<2_000 {
      var bytes = diagnosis.pollOutput()?.datagram ?? ByteBuffer(repeating: 0, count: 28)
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let index = Int.random(in: 0..<bytes.readableBytes, using: &random)
        bytes.setInteger(UInt8.random(in: .min ... .max, using: &random), at: index)
      }
      diagnosis.receive(bytes, from: server, now: now)
      now = now + .milliseconds(Int64.random(in: 0...50, using: &random))
      diagnosis.handleTimeout(now: now)
    }
    #expect(diagnosis.isFinished)
  }
}

/// A host behind a NAT that examines it.
private final class DiagnosisScene: SimulatedEndpoint {
  private let network: SimulatedNetwork
  private let host: SimulatedHost
  private let local: TransportAddress
  private var servers: [any SimulatedEndpoint] = []
  private let seed: UInt64
  private(set) var diagnosis: NATDiagnosis

  init(nat kind: NAT.Kind?, isV6: Bool = false, loss: Double = 0, seed: UInt64 = 1) throws {
    self.seed = seed
    network = SimulatedNetwork(seed: seed)
    local = try #require(TransportAddress(isV6 ? "2001:db8:1::2" : "198.51.100.2", port: 5000))
    let outside = try #require(TransportAddress(isV6 ? "2001:db8:2::1" : "203.0.113.1", port: 0))
    let nat = kind.map { NAT($0, publicAddresses: [outside]) }
    host = network.addHost([local], behind: nat, conditions: LinkConditions(latency: .milliseconds(5), loss: loss))
    diagnosis = NATDiagnosis(local: local, servers: [], random: SeededGenerator(seed: seed))
    host.endpoint = self
  }

  func addPlain(_ ip: String) throws -> TransportAddress {
    let server = SimulatedSTUNServer(at: try #require(TransportAddress(ip, port: 3478)), on: network)
    servers.append(server)
    return server.address
  }

  func addExaminer(ignoresChangeRequest: Bool = false) throws -> TransportAddress {
    let ips = local.family == .v6 ? ["2001:db8:9::1", "2001:db8:9::2"] : ["192.0.2.10", "192.0.2.11"]
    let addresses = try ips.map { try #require(TransportAddress($0, port: 3478)) }
    let examiner = Examiner(
      addresses[0], other: addresses[1].with(port: 3479), ignoresChangeRequest: ignoresChangeRequest, on: network)
    servers.append(examiner)
    return addresses[0]
  }

  func run(servers: [TransportAddress], limit: TimeAmount = .seconds(30)) {
    diagnosis = NATDiagnosis(local: local, servers: servers, random: SeededGenerator(seed: seed))
    diagnosis.start(now: network.now)
    send()
    network.run(limit: limit) { diagnosis.isFinished }
  }

  var nextDeadline: NIODeadline? { diagnosis.nextDeadline }

  func handleTimeout(now: NIODeadline) {
    diagnosis.handleTimeout(now: now)
    send()
  }

  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline) {
    diagnosis.receive(datagram, from: remote, now: now)
    send()
  }

  private func send() {
    while let (datagram, destination) = diagnosis.pollOutput() { host.send(datagram, from: local, to: destination) }
  }
}

/// A STUN server with two addresses and two ports (RFC 5780 section 5).
private final class Examiner: SimulatedEndpoint {
  private let primary: TransportAddress
  private let other: TransportAddress
  private let ignoresChangeRequest: Bool
  private let host: SimulatedHost

  init(
    _ primary: TransportAddress, other: TransportAddress, ignoresChangeRequest: Bool, on network: SimulatedNetwork
  ) {
    (self.primary, self.other, self.ignoresChangeRequest) = (primary, other, ignoresChangeRequest)
    host = network.addHost([primary, other])
    host.endpoint = self
  }

  var nextDeadline: NIODeadline? { nil }
  func handleTimeout(now: NIODeadline) {}

  func receive(_ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline) {
    guard let request = try? STUNMessage(parsing: datagram), request.messageClass == .request else { return }
    let flags = request.bytes(of: .changeRequest)?.getInteger(at: 0, as: UInt32.self) ?? 0
    let changed = ignoresChangeRequest ? 0 : flags
    let isPrimary = local.hasSameIP(as: primary)
    let ip = (changed & 4 != 0) == isPrimary ? other : primary
    let port = (changed & 2 != 0) == (local.port == primary.port) ? other.port : primary.port
    var writer = STUNWriter(.successResponse, transactionID: request.transactionID)
    writer.append(xorMappedAddress: remote)
    writer.append(.otherAddress, plain: (isPrimary ? other : primary).with(port: other.port))
    host.send(writer.finish(), from: ip.with(port: port), to: remote)
  }
}
