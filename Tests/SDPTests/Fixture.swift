import Foundation
import SDP
import Testing

/// Descriptions that Chromium 156 and Firefox 153 wrote.
///
/// `offer` and `answer` are of a plain call. `mdn-*` is a call between two pages as MDN's sample makes it: the callee adds
/// its tracks after the offer was applied, so that it answers `recvonly` and offers four sections itself. In `callee-*` a
/// page is called in the same way by `LocalSide.transceivers`. `data-offer` has a data channel and a microphone.
struct Fixture: CustomTestStringConvertible, Sendable {
  static let browsers = ["chromium", "firefox"]
  static let names = [
    "offer", "answer", "mdn-offer", "mdn-answer", "mdn-second-offer", "mdn-second-answer", "callee-answer",
    "callee-second-offer", "data-offer",
  ]
  static let all = browsers.flatMap { browser in names.map { Fixture(browser: browser, name: $0) } }

  let browser: String
  let name: String

  var testDescription: String { "\(browser)/\(name)" }

  func text() throws -> String {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/\(browser)/\(name)", withExtension: "sdp"),
      "no fixture \(browser)/\(name)")
    return String(decoding: try Data(contentsOf: url), as: UTF8.self)
  }

  func description() throws -> SessionDescription { try SessionDescription(parsing: text()) }
}

/// Our side of a call.
enum LocalSide {
  static let transport = LocalTransport(
    iceUfrag: "abcd", icePassword: "0123456789abcdefghijklmn",
    fingerprint: Fingerprint(algorithm: "sha-256", bytes: Array(0..<32)))

  static let microphone = LocalTransceiver(
    kind: .audio, msid: MediaStreamIdentifier(stream: "stream", track: "microphone"),
    sources: LocalSources(ssrc: 1000, cname: "me"))

  static let camera = LocalTransceiver(
    kind: .video, msid: MediaStreamIdentifier(stream: "stream", track: "camera"),
    sources: LocalSources(ssrc: 2000, retransmissionSSRC: 2001, cname: "me"))

  static let transceivers = [microphone, camera]
}

/// A session as a peer connection drives it.
struct Caller {
  var negotiation = Negotiation(sessionID: 42)
  var transceivers = LocalSide.transceivers
  private var pending: SessionDescription?

  mutating func offer() -> SessionDescription {
    let offer = negotiation.makeOffer(transceivers: transceivers, transport: LocalSide.transport)
    for (index, mid) in offer.mids.enumerated() { transceivers[index].mid = mid }
    pending = offer.description
    return offer.description
  }

  mutating func accept(_ answer: SessionDescription) throws -> [NegotiatedMedia] {
    let offer = try #require(pending)
    try answer.validate(asAnswerTo: offer)
    negotiation.commit(local: offer, remote: answer)
    return NegotiatedMedia.all(local: offer, remote: answer)
  }

  mutating func answer(_ offer: SessionDescription) throws -> SessionDescription {
    try negotiation.validate(offer: offer)
    for (plan, section) in zip(negotiation.associate(offer: offer, transceivers: transceivers), offer.media) {
      switch plan {
      case .transceiver(let index): transceivers[index].mid = section.mid
      case .newTransceiver(let kind):
        transceivers.append(LocalTransceiver(mid: section.mid, kind: kind, direction: .recvonly))
      case .rejected: break
      }
    }
    let answer = negotiation.makeAnswer(to: offer, transceivers: transceivers, transport: LocalSide.transport)
    negotiation.commit(local: answer, remote: offer)
    return answer
  }
}
