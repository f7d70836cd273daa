import ICE
import NIOCore
import Testing

@testable import glyphone

@Suite("What the doctor concludes")
struct NetworkFindingsTests {
  private func findings(
    mapping: NATBehaviour.Dependence? = nil, isUDPBlocked: Bool = false, relays: [Bool] = []
  ) throws -> NetworkFindings {
    var findings = NetworkFindings()
    findings.hasInterface = true
    findings.reachesChat = true
    findings.hasServers = true
    var behaviour = NATBehaviour()
    if !isUDPBlocked {
      behaviour.mapped = TransportAddress("192.0.2.1", port: 1)
      behaviour.isTranslated = true
      behaviour.mapping = mapping
    }
    findings.add(behaviour)
    for works in relays {
      var report = RelayProbe.Report()
      report.allocationTime = works ? .milliseconds(1) : nil
      findings.add(report, of: try ICEServer(uri: "turn:t.example.org"))
    }
    return findings
  }

  private func text(_ findings: NetworkFindings) -> String { findings.remarks.map(\.text).joined(separator: "\n") }

  @Test("no interface, or no chat server: calls do not work, and it says what to do")
  func nothing() throws {
    var alone = NetworkFindings()
    #expect(!alone.callsWork && text(alone).contains("cable"))
    alone.hasInterface = true
    #expect(!alone.callsWork && text(alone).contains("--server"))
  }

  @Test("UDP that does not get out takes a relay")
  func udpBlocked() throws {
    let without = try findings(isUDPBlocked: true)
    #expect(!without.callsWork && text(without).contains("turns:"))
    let with = try findings(isUDPBlocked: true, relays: [true, false])
    #expect(with.callsWork && text(with).contains("every call takes the relay"))
    // The firewall is to blame, not the server that is asked over UDP.
    #expect(!text(with).contains("does not relay"))
  }

  @Test("a mapping that depends on the peer asks for a TURN server")
  func symmetric() throws {
    #expect(text(try findings(mapping: .dependent)).contains("without a TURN server"))
    #expect(text(try findings(mapping: .dependent, relays: [true])).contains("take the relay"))
    #expect(text(try findings(mapping: .endpointIndependent)).contains("direct"))
    #expect(text(try findings()).contains("second STUN server"))
  }

  @Test("a relay that does not work is named")
  func brokenRelay() throws {
    let partly = try findings(mapping: .endpointIndependent, relays: [true, false])
    #expect(partly.callsWork && text(partly).contains("turn:t.example.org"))
  }

  @Test("a way to a relay that works and is not configured is named")
  func unlistedWay() throws {
    var findings = try findings(isUDPBlocked: true)
    findings.addUnlisted(try ICEServer(uri: "turns:t.example.org"))
    #expect(!findings.callsWork && text(findings).contains("turns:t.example.org:5349"))
  }
}
