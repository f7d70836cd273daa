import Foundation
import ICE
import NIOCore
import SDP
import TestSupport
import Testing

@testable import PeerConnection

@Suite struct HostileSessionTests {
  @Test(arguments: [true, false]) func aWrongFingerprintFailsBothSides(_ inOffer: Bool) throws {
    let call = try SimulatedCall()
    let (caller, callee) = (call.caller, call.callee)
    let other = try Certificate().fingerprint.description
    func withOther(_ description: Description) throws -> Description {
      let parsed = try SessionDescription(parsing: description.sdp)
      let announced = try #require(parsed.media.first?.transport.fingerprints.first?.description)
      return Description(type: description.type, sdp: description.sdp.replacingOccurrences(of: announced, with: other))
    }
    try caller.addTracks()
    let offer = try caller.setLocal()
    try callee.setRemote(inOffer ? withOther(offer) : offer)
    try callee.addTracks()
    let answer = try callee.setLocal()
    try caller.setRemote(inOffer ? answer : withOther(answer))
    call.run(limit: .seconds(10)) { call.peers.allSatisfy { $0.session.connectionState == .failed } }
    let (deceived, honest) = inOffer ? (callee, caller) : (caller, callee)
    guard case .fingerprintMismatch(let expected, _) = deceived.failure else {
      Issue.record("\(String(describing: deceived.failure))")
      return
    }
    #expect(expected == other)
    guard case .dtlsFailed = honest.failure else {
      Issue.record("\(String(describing: honest.failure))")
      return
    }
    for peer in call.peers { #expect(!peer.session.secure.isConnected) }
  }

  @Test func theSameDTLSRoleOnBothSidesFails() throws {
    let call = try SimulatedCall()
    try call.caller.addTracks()
    try call.callee.setRemote(call.caller.setLocal())
    var answer = try call.callee.setLocal()
    answer.sdp = answer.sdp.replacingOccurrences(of: "a=setup:active", with: "a=setup:passive")
    try call.caller.setRemote(answer)
    call.run(limit: .seconds(10)) { call.peers.allSatisfy { $0.session.connectionState == .failed } }
    for peer in call.peers {
      guard case .dtlsFailed = peer.failure else {
        Issue.record("\(String(describing: peer.failure))")
        continue
      }
    }
  }

  @Test func aHandshakeSurvivesLoss() throws {
    let call = try SimulatedCall()
    var handshakes = 0
    call.tamper { datagram in
      guard (20...63).contains(firstByte(datagram)) else { return [datagram] }
      handshakes += 1
      return [1, 2, 4].contains(handshakes) ? [] : [datagram]
    }
    try call.connect()
    #expect(call.isConnected)
  }

  /// The first messages of a handshake are not authenticated: only who has passed a connectivity check is listened to.
  @Test func aStrangerCannotBreakTheHandshake() throws {
    let call = try SimulatedCall()
    try call.negotiate()
    #expect(call.run(limit: .seconds(5)) { call.peers.allSatisfy { $0.session.secure.dtls?.state == .connecting } })
    let stranger = TransportAddress(v4: 0xC000_0263, port: 5000)
    let fatalAlert = ByteBuffer(bytes: [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40])
    for peer in call.peers {
      peer.receive(fatalAlert, from: stranger, to: TransportAddress(v4: 0xC000_0201, port: 5000), now: call.now)
    }
    #expect(call.runUntilConnected())
  }

  @Test func repeatedPacketsAreDroppedAndCounted() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.tamper { [$0, $0] }
    call.startMedia()
    call.run(for: .seconds(2))
    for peer in call.peers {
      #expect(peer.session.statistics().replayedPackets > 100)
      #expect(peer.pictureNumbers == Array(0..<UInt32(peer.pictures.count)))
      #expect(peer.sounds.count < 110)
    }
  }

  @Test func tamperedPacketsAreDroppedAndCounted() throws {
    var random = SeededGenerator(seed: 3)
    let call = try SimulatedCall()
    try call.connect()
    call.tamper { datagram in
      guard firstByte(datagram) >= 128, Int.random(in: 0..<20, using: &random) == 0 else { return [datagram] }
      var changed = datagram
      let index = Int.random(in: 12..<changed.readableBytes, using: &random)
      let byte = changed.getInteger(at: index, as: UInt8.self) ?? 0
      changed.setInteger(~byte, at: index)
      return [changed]
    }
    call.startMedia()
    call.run(for: .seconds(4))
    for peer in call.peers {
      #expect(peer.session.statistics().authenticationFailures > 10)
      #expect(peer.pictureNumbers == peer.pictureNumbers.sorted())
      #expect(peer.pictures.count > 100, "lost like any other packet, and sent again")
    }
    #expect(call.isConnected)
  }

  @Test func garbageOfEveryClassDisturbsNothing() throws {
    var random = SeededGenerator(seed: 9)
    let call = try SimulatedCall()
    for phase in 0..<2 {
      if phase == 1 { try call.connect() }
      for first in UInt8.min...UInt8.max {
        for length in [0, 1, 11, 12, 60, 1400] {
          let rest = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
          call.caller.inject(ByteBuffer(bytes: [first] + rest))
        }
      }
      call.caller.inject(ByteBuffer())
    }
    #expect(call.caller.session.connectionState == .connected)
    #expect(call.caller.session.statistics().discardedDatagrams > 100)
    call.startMedia()
    call.run(for: .seconds(1))
    #expect(call.caller.pictures.count > 20)
  }

  @Test func mutatedDatagramsNeverTrap() throws {
    var random = SeededGenerator(seed: 21)
    for seed in UInt64(1)...4 {
      let call = try SimulatedCall(seed: seed)
      call.tamper { datagram in
        guard datagram.readableBytes > 0, Int.random(in: 0..<6, using: &random) == 0 else { return [datagram] }
        var changed = datagram
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let index = Int.random(in: 0..<changed.readableBytes, using: &random)
          changed.setInteger(UInt8.random(in: 0...255, using: &random), at: changed.readerIndex + index)
        }
        if Bool.random(using: &random) { return [changed] }
        let length = Int.random(in: 0...changed.readableBytes, using: &random)
        return [changed.getSlice(at: changed.readerIndex, length: length) ?? changed, datagram]
      }
      try call.negotiate()
      call.startMedia()
      call.run(for: .seconds(3))
    }
  }

  @Test func mutatedDescriptionsNeverTrap() throws {
    var random = SeededGenerator(seed: 33)
    let texts = try ["chromium-156", "firefox-153"].map { try BrowserSDP($0).offer }
    let certificate = try Certificate()
    var answered = 0
    for round in 0..<400 {
      var bytes = Array(texts[round % texts.count].utf8)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 32...126, using: &random)
        case 1: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...80, using: &random)))
        default: bytes.insert(contentsOf: bytes[..<min(index, 200)], at: index)
        }
      }
      let session = Session(
        configuration: PeerConnectionConfiguration(), certificate: certificate, random: SeededGenerator(seed: 1))
      let offer = Description(type: .offer, sdp: String(decoding: bytes, as: UTF8.self))
      let now = NIODeadline.uptimeNanoseconds(0)
      guard (try? session.setRemoteDescription(offer, rollingBack: false, now: now)) != nil else { continue }
      for kind in TrackKind.allCases { try session.addTrack(kind, streamID: nil) }
      _ = try session.setLocalDescription(nil, now: now)
      answered += 1
    }
    // The mutations leave something to answer in a good part of them.
    #expect(answered > 20)
  }

  private func firstByte(_ datagram: ByteBuffer) -> UInt8 {
    datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) ?? 0
  }
}
