import NIOCore
import SDP
import TestSupport
import Testing

@testable import PeerConnection

@Suite struct DTLSTests {
  @Test(arguments: SRTPProfile.preferred) func bothRolesAgreeOnKeys(of profile: SRTPProfile) throws {
    let pair = try DTLSPair(clientProfiles: [profile])
    pair.run()
    let (client, server) = (try #require(pair.client.keys), try #require(pair.server.keys))
    #expect(client.profile == profile)
    #expect(client.local == server.remote)
    #expect(client.remote == server.local)
    #expect(client.local != client.remote)
    #expect(pair.client.summary.hasPrefix("DTLSv1.2 ECDHE-ECDSA-"))
  }

  @Test func prefersGCMWhenBothHaveIt() throws {
    let pair = try DTLSPair()
    pair.run()
    #expect(pair.client.keys?.profile == .aeadAES128GCM)
  }

  @Test func refusesAPeerWithoutACommonProfile() throws {
    let pair = try DTLSPair(clientProfiles: [.aeadAES128GCM], serverProfiles: [.aes128CMHMACSHA1])
    pair.run()
    #expect(pair.client.keys == nil)
    #expect(pair.server.keys == nil)
    #expect(pair.server.state == .failed(.dtlsFailed("the peer does not agree to an SRTP profile")))
  }

  @Test func datagramsFitTheMTUAndHoldWholeRecords() throws {
    let pair = try DTLSPair(mtu: 400)
    pair.run()
    #expect(pair.client.state == .connected)
    for (_, datagram) in pair.sent {
      #expect(datagram.readableBytes <= 400)
      var position = 0
      while position < datagram.readableBytes {
        let length = try #require(datagram.getInteger(at: position + 11, as: UInt16.self))
        position += 13 + Int(length)
      }
      #expect(position == datagram.readableBytes)
    }
  }

  @Test(arguments: 0..<12) func recoversFromTheLossOfAnyDatagram(_ lost: Int) throws {
    let pair = try DTLSPair(mtu: 400)
    pair.loses = { $0 == lost }
    pair.run()
    #expect(pair.client.state == .connected)
    #expect(pair.server.state == .connected)
    #expect(pair.client.keys?.local == pair.server.keys?.remote)
  }

  /// Browsers send a client hello in two datagrams, since its post-quantum key share does not fit one.
  @Test(arguments: [nil, 0, 1]) func takesAClientHelloInFragmentsEvenIfOneIsLost(_ lost: Int?) throws {
    let pair = try DTLSPair()
    pair.fragmentsClientHello = true
    pair.loses = { $0 == lost }
    pair.start()
    pair.exchange()
    #expect(pair.sent.filter(\.fromClient).count >= 2)
    if lost != nil { #expect(pair.sent.count == 2, "half a hello has no answer") }
    pair.run()
    #expect(pair.server.state == .connected)
    #expect(pair.client.state == .connected)
  }

  @Test func clientRefusesACertificateThatWasNotAnnounced() throws {
    let other = try Certificate().fingerprint
    let pair = try DTLSPair(fingerprintForClient: other)
    pair.run()
    guard case .failed(.fingerprintMismatch(let expected, let actual)) = pair.client.state else {
      Issue.record("\(pair.client.state)")
      return
    }
    #expect(expected == other.description)
    #expect(actual != expected)
    #expect(pair.client.keys == nil)
    // The alert ends the other side as well.
    guard case .failed(.dtlsFailed(let reason)) = pair.server.state else {
      Issue.record("\(pair.server.state)")
      return
    }
    #expect(reason.contains("alert"))
    #expect(pair.server.keys == nil)
  }

  @Test func serverRefusesACertificateThatWasNotAnnounced() throws {
    let pair = try DTLSPair(fingerprintForServer: try Certificate().fingerprint)
    pair.run()
    guard case .failed(.fingerprintMismatch) = pair.server.state else {
      Issue.record("\(pair.server.state)")
      return
    }
    #expect(pair.server.keys == nil)
    guard case .failed = pair.client.state else {
      Issue.record("\(pair.client.state)")
      return
    }
  }

  @Test func acceptsOneOfSeveralFingerprintsAndIgnoresSHA1() throws {
    let certificate = try Certificate()
    let server = try DTLSTransport(certificate: certificate, role: .server, fingerprints: [])
    let sha512 = try #require(Fingerprint(of: certificate.x509, algorithm: "sha-512"))
    #expect(Fingerprint(of: certificate.x509, algorithm: "sha-1") == nil)
    #expect(server.state == .new)
    let pair = try DTLSPair(fingerprintForClient: sha512)
    pair.run()
    guard case .failed(.fingerprintMismatch) = pair.client.state else {
      Issue.record("\(pair.client.state)")
      return
    }
  }

  @Test func twoClientsFail() throws {
    let pair = try DTLSPair(roles: (.client, .client))
    pair.run(timeouts: 1)
    for state in [pair.client.state, pair.server.state] {
      guard case .failed(.dtlsFailed) = state else {
        Issue.record("\(state)")
        continue
      }
    }
  }

  @Test(arguments: [true, false]) func closingTellsThePeer(_ clientCloses: Bool) throws {
    let pair = try DTLSPair()
    pair.run()
    (clientCloses ? pair.client : pair.server).close()
    pair.exchange()
    #expect(pair.client.state == .closed)
    #expect(pair.server.state == .closed)
  }

  @Test func garbageDoesNotEndAnAssociation() throws {
    var random = SeededGenerator(seed: 7)
    let pair = try DTLSPair()
    pair.run()
    for _ in 0..<500 {
      var datagram = ByteBuffer()
      datagram.writeInteger(UInt8.random(in: 20...63, using: &random))
      for _ in 0..<Int.random(in: 0..<200, using: &random) {
        datagram.writeInteger(UInt8.random(in: 0...255, using: &random))
      }
      pair.server.receive(datagram)
      pair.client.receive(datagram)
    }
    #expect(pair.client.state == .connected)
    #expect(pair.server.state == .connected)
  }

  @Test func mutatedHandshakesNeverTrap() throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<60 {
      let pair = try DTLSPair()
      pair.start()
      for _ in 0..<20 {
        guard var datagram = pair.client.nextDatagram() ?? pair.server.nextDatagram() else { break }
        for _ in 0..<Int.random(in: 0..<4, using: &random) where datagram.readableBytes > 0 {
          let index = Int.random(in: 0..<datagram.readableBytes, using: &random)
          datagram.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
        }
        pair.server.receive(datagram)
        pair.client.receive(datagram)
      }
    }
  }
}
