import ICE
import NIOCore
import SDP
import TestSupport
import Testing

@testable import PeerConnection

/// W3C `restartIce` on two sessions: descriptions, credentials, and media that does not notice.
@Suite struct ICERestartTests {
  private func callInProgress() throws -> SimulatedCall {
    let call = try SimulatedCall()
    try call.connect()
    call.startMedia()
    call.run(for: .seconds(1))
    return call
  }

  private func credentials(_ call: SimulatedCall) -> [ICECredentials] { call.peers.map(\.session.ice.localCredentials) }

  /// How often a negotiation was asked for.
  private func requests(_ peer: SimulatedPeer) -> Int { peer.events.count { $0 == .negotiationNeeded } }

  private func expectUndisturbed(_ call: SimulatedCall) {
    let before = call.peers.map(\.pictures.count)
    call.run(for: .seconds(3))
    #expect(call.isConnected)
    for (peer, before) in zip(call.peers, before) {
      #expect(peer.pictures.count > before + 80)
      #expect(peer.pictureNumbers == Array(0..<UInt32(peer.pictures.count)), "none is missing")
      #expect(!peer.has(.connectionStateChange(.disconnected)))
      #expect(!peer.session.jsep.needsNegotiation)
    }
  }

  @Test(arguments: [true, false]) func eitherSideMayRestart(callerRestarts: Bool) throws {
    let call = try callInProgress()
    let (side, other) = callerRestarts ? (call.caller, call.callee) : (call.callee, call.caller)
    let (old, asked) = (credentials(call), requests(side))
    try side.restartICE()
    try side.restartICE()
    #expect(requests(side) == asked + 1)
    #expect(credentials(call) == old, "nothing happens before the offer")
    try other.setRemote(side.setLocal())
    try side.setRemote(other.setLocal())
    #expect(Set(credentials(call)).isDisjoint(with: old))
    expectUndisturbed(call)
    #expect(requests(side) == asked + 1)
  }

  @Test func anOrdinaryRoundKeepsTheCredentials() throws {
    let call = try callInProgress()
    let old = credentials(call)
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    #expect(credentials(call) == old)
    expectUndisturbed(call)
  }

  @Test func offersOfOneRestartHaveTheSameCredentials() throws {
    let call = try callInProgress()
    let old = try #require(credentials(call).first)
    try call.caller.restartICE()
    let offers = try (0..<2).map { _ in try SessionDescription(parsing: call.caller.session.createOffer().sdp) }
    let fragments = offers.compactMap { $0.media.first?.transport.iceUfrag }
    #expect(fragments.count == 2 && Set(fragments).count == 1)
    #expect(fragments.first != old.usernameFragment)
    #expect(credentials(call).first == old)
  }

  @Test func rollingBackRestoresTheOldCredentials() throws {
    let call = try callInProgress()
    let (old, asked) = (credentials(call), requests(call.caller))
    try call.caller.restartICE()
    _ = try call.caller.setLocal()
    #expect(credentials(call).first != old.first)
    call.run(for: .seconds(1))
    try call.caller.rollBack()
    #expect(credentials(call) == old)
    // It is still wanted.
    #expect(requests(call.caller) == asked + 2)
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    #expect(Set(credentials(call)).isDisjoint(with: old))
    expectUndisturbed(call)
  }

  @Test func anOfferOfThePeerThatIsTakenBackRestoresThem() throws {
    let call = try callInProgress()
    let old = credentials(call)
    try call.caller.restartICE()
    try call.callee.setRemote(call.caller.setLocal())
    #expect(credentials(call).last != old.last)
    try call.callee.setRemote(Description(type: .rollback, sdp: ""))
    try call.caller.rollBack()
    #expect(credentials(call) == old)
    #expect(!call.callee.session.jsep.needsNegotiation)
  }

  /// Both notice the change of networks and offer at once.
  @Test func bothMayRestartAtOnce() throws {
    let call = try callInProgress()
    let (polite, impolite) = (call.caller, call.callee)
    let old = credentials(call)
    for peer in call.peers { try peer.restartICE() }
    let politeOffer = try polite.setLocal()
    let impoliteOffer = try impolite.setLocal()
    #expect(throws: PeerConnectionError.self) { try impolite.setRemote(politeOffer) }
    call.run(for: .milliseconds(200))
    try polite.setRemote(impoliteOffer, rollingBack: true)
    try impolite.setRemote(polite.setLocal())
    #expect(Set(credentials(call)).isDisjoint(with: old))
    // The answer has new credentials, too: the polite side has what it wanted.
    expectUndisturbed(call)
  }

  /// The peer's offer that won was about something else: the restart is still to come.
  @Test func aRestartOutlivesAnOrdinaryOfferOfThePeer() throws {
    let call = try callInProgress()
    let old = credentials(call)
    try call.caller.restartICE()
    _ = try call.caller.setLocal()
    try call.caller.setRemote(call.callee.setLocal(), rollingBack: true)
    #expect(credentials(call) == old)
    try call.callee.setRemote(call.caller.setLocal())
    #expect(call.caller.session.jsep.needsNegotiation)
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    #expect(Set(credentials(call)).isDisjoint(with: old))
    expectUndisturbed(call)
  }

  @Test func aCallThatFailedComesBack() throws {
    let call = try callInProgress()
    call.stopMedia()
    call.setConditions { $0.isDown = true }
    call.run(for: .seconds(31))
    for peer in call.peers { #expect(peer.session.connectionState == .failed) }
    call.setConditions { $0.isDown = false }
    try call.caller.restartICE()
    try call.callee.setRemote(call.caller.setLocal())
    try call.caller.setRemote(call.callee.setLocal())
    #expect(call.runUntilConnected())
    let before = call.callee.pictures.count
    call.startMedia()
    call.run(for: .seconds(3))
    #expect(call.callee.pictures.count > before + 50)
  }

  @Test func thereIsNothingToRestartBeforeTheFirstDescription() throws {
    let call = try SimulatedCall()
    try call.caller.restartICE()
    #expect(!call.caller.session.jsep.needsNegotiation)
    call.caller.close()
    #expect(throws: PeerConnectionError.closed) { try call.caller.restartICE() }
  }
}
