import Foundation
import NIOCore
import SDP
import TestSupport
import Testing

@testable import PeerConnection

@Suite struct HostileSessionTests {
  @Test(arguments: [true, false]) func aWrongFingerprintFailsBothSides(_ inOffer: Bool) throws {
    let call = try SimulatedCall()
    let other = try Certificate().fingerprint.description
    func withOther(_ description: Description) throws -> Description {
      let parsed = try SessionDescription(parsing: description.sdp)
      let announced = try #require(parsed.media.first?.transport.fingerprints.first?.description)
      return Description(type: description.type, sdp: description.sdp.replacingOccurrences(of: announced, with: other))
    }
    try call.caller.addTracks()
    let offer = try call.offer(call.caller)
    try call.accept(inOffer ? withOther(offer) : offer, by: call.callee)
    try call.callee.addTracks()
    let answer = try call.answer(call.callee)
    try call.accept(inOffer ? answer : withOther(answer), by: call.caller)
    try call.run(for: .seconds(10)) { call.peers.allSatisfy { $0.session.connectionState == .failed } }
    let (deceived, honest) = inOffer ? (call.callee, call.caller) : (call.caller, call.callee)
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
    let offer = try call.offer(call.caller)
    try call.accept(offer, by: call.callee)
    var answer = try call.answer(call.callee)
    answer.sdp = answer.sdp.replacingOccurrences(of: "a=setup:active", with: "a=setup:passive")
    try call.accept(answer, by: call.caller)
    try call.run(for: .seconds(10)) { call.peers.allSatisfy { $0.session.connectionState == .failed } }
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
    call.tamper = { datagram in
      guard let first = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self), (20...63).contains(first) else {
        return [datagram]
      }
      handshakes += 1
      // The first, second and fourth of all handshake datagrams.
      return [1, 2, 4].contains(handshakes) ? [] : [datagram]
    }
    try call.connect()
    for peer in call.peers { #expect(peer.session.connectionState == .connected) }
  }

  @Test func repeatedPacketsAreDroppedAndCounted() throws {
    let call = try SimulatedCall()
    try call.connect()
    call.tamper = { [$0, $0] }
    call.startMedia()
    try call.run(for: .seconds(2))
    for peer in call.peers {
      #expect(peer.session.statistics().replayedPackets > 100)
      #expect(peer.videoNumbers == (0..<UInt32(peer.videoNumbers.count)).map { $0 })
      #expect(peer.audioPackets.count < 110)
    }
  }

  @Test func tamperedPacketsAreDroppedAndCounted() throws {
    var random = SeededGenerator(seed: 3)
    let call = try SimulatedCall()
    try call.connect()
    call.tamper = { datagram in
      guard let first = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self), first >= 128,
        Int.random(in: 0..<20, using: &random) == 0
      else { return [datagram] }
      var changed = datagram
      let index = Int.random(in: 12..<changed.readableBytes, using: &random)
      changed.setInteger(~(changed.getInteger(at: index, as: UInt8.self) ?? 0), at: index)
      return [changed]
    }
    call.startMedia()
    try call.run(for: .seconds(4))
    for peer in call.peers {
      #expect(peer.session.statistics().authenticationFailures > 10)
      #expect(peer.videoNumbers == peer.videoNumbers.sorted())
      #expect(peer.videoNumbers.count > 100, "lost like any other packet, and sent again")
      #expect(peer.session.connectionState == .connected)
    }
  }

  @Test func garbageOfEveryClassDisturbsNothing() throws {
    var random = SeededGenerator(seed: 9)
    let call = try SimulatedCall()
    for phase in 0..<2 {
      if phase == 1 { try call.connect() }
      for first in UInt8.min...UInt8.max {
        for length in [0, 1, 11, 12, 60, 1400] {
          var datagram = ByteBuffer()
          datagram.writeInteger(first)
          for _ in 0..<length { datagram.writeInteger(UInt8.random(in: 0...255, using: &random)) }
          call.inject(datagram, into: call.caller)
        }
      }
      call.inject(ByteBuffer(), into: call.caller)
    }
    #expect(call.caller.session.connectionState == .connected)
    #expect(call.caller.session.statistics().discardedDatagrams > 100)
    call.startMedia()
    try call.run(for: .seconds(1))
    #expect(call.caller.videoNumbers.count > 20)
  }

  @Test func mutatedDatagramsNeverTrap() throws {
    var random = SeededGenerator(seed: 21)
    for seed in UInt64(1)...4 {
      let call = try SimulatedCall(seed: seed)
      call.tamper = { datagram in
        guard Int.random(in: 0..<6, using: &random) == 0 else { return [datagram] }
        var changed = datagram
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let index = Int.random(in: 0..<changed.readableBytes, using: &random)
          changed.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
        }
        let cut = Int.random(in: 0...changed.readableBytes, using: &random)
        return Bool.random(using: &random) ? [changed] : [changed.getSlice(at: 0, length: cut) ?? changed, datagram]
      }
      try call.negotiate()
      call.startMedia()
      try call.run(for: .seconds(3))
    }
  }

  @Test func mutatedDescriptionsNeverTrap() throws {
    var random = SeededGenerator(seed: 33)
    let texts = try ["chromium-156", "firefox-153"].map { try BrowserSDP($0).offer }
    for round in 0..<400 {
      var bytes = Array(texts[round % texts.count].utf8)
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 32...126, using: &random)
        case 1: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...80, using: &random)))
        default: bytes.insert(contentsOf: bytes[..<min(index, 200)], at: index)
        }
      }
      let peer = try SimulatedPeer("x", ip: 1, seed: 1)
      let offer = Description(type: .offer, sdp: String(decoding: bytes, as: UTF8.self))
      guard (try? peer.session.setRemoteDescription(offer, rollingBack: false, now: .uptimeNanoseconds(0))) != nil
      else { continue }
      try peer.addTracks()
      _ = try peer.session.setLocalDescription(nil, now: .uptimeNanoseconds(0))
    }
  }
}
