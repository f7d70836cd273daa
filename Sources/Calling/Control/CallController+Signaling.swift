import Foundation
import NIOCore
import Signaling

/// What is heard from and said to the chat server.
extension CallController {
  static let announcement = Announcement(name: "glyphone", version: "0.1.0", features: [.callState, .unavailable])

  func take(_ event: SignalingEvent) {
    switch event {
    case .connecting: emit(.connection(.connecting))
    case .connected(let id, let server):
      clientID = id
      self.server = server
      emit(.connection(.online))
    case .named(let name): step { $0.setOwnName(name) }
    case .message(let message): take(message)
    case .malformed(let error):
      logger.warning("message from the server dropped", metadata: ["reason": "\(error)"])
    case .disconnected(let error, let delay):
      server = nil
      if let delay { emit(.connection(.offline(reason: "\(error)", retryIn: delay))) }
      step { $0.serverLost() }
    }
  }

  private func take(_ message: SignalingMessage) {
    logger.debug("received", metadata: ["message": "\(message)"])
    switch message {
    case .userList(let list): step { $0.setUsers(list.users) }
    case .message(let line): show(line)
    case .videoOffer(let offer):
      guard let name = offer.name else { return ignored(message, "it names no sender") }
      let isFromOurs = offer.client?.supports(.callState) ?? false
      step { $0.offerCame(from: name, sdp: offer.sdp, isFromOurs: isFromOurs, now: .now()) }
    case .videoAnswer(let answer):
      guard let name = answer.name else { return ignored(message, "it names no sender") }
      step { $0.answerCame(from: name, sdp: answer.sdp, now: .now()) }
    case .newICECandidate(let message):
      let candidate = message.candidate ?? ICECandidateInit(candidate: "", sdpMid: nil, sdpMLineIndex: nil)
      step { $0.candidateCame(from: message.name, candidate) }
    case .hangUp(let message):
      guard let name = message.name else { return }
      step { $0.hangUpCame(from: name, reason: message.reason) }
    case .callState(let message):
      if let name = message.name, message.state == .ringing { step { $0.ringingCame(from: name) } }
    case .error(let error): refused(error)
    case .id, .username, .rejectUsername, .other: break
    }
  }

  private func show(_ line: ChatMessage) {
    let from = TextSafety.singleLine(line.name ?? "")
    emit(
      .chat(
        ChatLine(from: from, text: TextSafety.singleLine(line.text), date: line.date, isOwn: line.name == ownName)))
  }

  private func refused(_ error: ErrorMessage) {
    if error.code == ErrorCode.unavailable.rawValue, let target = error.target {
      step { $0.peerUnavailable(target) }
    } else {
      emit(.notice(Notice(.error, "The server refused: \(TextSafety.singleLine(error.text))")))
    }
  }

  private func ignored(_ message: SignalingMessage, _ reason: String) {
    logger.warning("message ignored", metadata: ["type": "\(message.type)", "reason": "\(reason)"])
  }

  /// - Returns: whether there is a connection to send it on.
  @discardableResult
  func send(_ message: SignalingMessage) -> Bool {
    logger.debug("sending", metadata: ["message": "\(message)"])
    return signaling.send(message)
  }

  func say(_ text: String) {
    let date = Int64(Date().timeIntervalSince1970 * 1000)
    guard send(.message(ChatMessage(text: text, id: clientID, date: date))) else {
      return emit(.notice(Notice(.warning, "Not sent: there is no connection to the server.")))
    }
  }

  func sendOffer(_ sdp: String, to peer: String) {
    // MDN's server and pages get nothing beyond MDN's fields.
    let client = server?.supports(.callState) == true ? Self.announcement : nil
    send(.videoOffer(SessionDescriptionMessage(name: ownName, target: peer, sdp: sdp, client: client)))
  }

  func sendAnswer(_ sdp: String, to peer: String) {
    send(.videoAnswer(SessionDescriptionMessage(name: ownName, target: peer, sdp: sdp)))
  }

  func sendCandidate(_ candidate: ICECandidateInit, to peer: String) {
    send(.newICECandidate(ICECandidateMessage(name: ownName, target: peer, candidate: candidate)))
  }

  func sendHangUp(to peer: String, _ reason: HangUpReason) {
    send(.hangUp(HangUpMessage(name: ownName, target: peer, reason: reason)))
  }

  func sendRinging(to peer: String) {
    send(.callState(CallStateMessage(name: ownName, target: peer, state: .ringing)))
  }
}
