import Logging
import NIOCore
import PeerConnection
import Signaling

/// What is heard from and said to the chat server.
extension CallController {
  static let announcement = Announcement(
    name: "glyphone", version: "0.1.0", features: [.callState, .unavailable, .iceServers, .resume])

  func take(_ event: SignalingEvent) {
    switch event {
    case .connecting: emit(.connection(.connecting))
    case .connected(_, let server):
      isOnline = true
      emit(.connection(.online))
      if server?.supports(.iceServers) == true { step { $0.expectServers(now: .now()) } }
    case .named(let name):
      step { $0.setOwnName(name) }
      signaling.send(.iceServersRequest)
    case .message(let message): take(message)
    case .malformed(let error):
      logger.warning("message from the server dropped", metadata: ["reason": "\(error)"])
    case .disconnected(let error, let delay):
      isOnline = false
      if let delay { emit(.connection(.offline(reason: "\(error)", retryIn: delay))) }
      step { $0.serverLost() }
    }
  }

  private func take(_ message: SignalingMessage) {
    switch message {
    case .userList(let list): take(list)
    case .message(let line): show(line)
    case .videoOffer(let offer):
      guard let name = offer.name else { return ignored(message, "it names no sender") }
      let isFromOurs = offer.client?.supports(.callState) ?? false
      step { $0.offerCame(from: TextSafety.singleLine(name), sdp: offer.sdp, isFromOurs: isFromOurs, now: .now()) }
    case .videoAnswer(let answer):
      guard let name = answer.name else { return ignored(message, "it names no sender") }
      step { $0.answerCame(from: TextSafety.singleLine(name), sdp: answer.sdp, now: .now()) }
    case .newICECandidate(let message):
      let candidate = message.candidate ?? ICECandidateInit(candidate: "", sdpMid: nil, sdpMLineIndex: nil)
      step { $0.candidateCame(from: message.name.map(TextSafety.singleLine), candidate) }
    case .hangUp(let message):
      guard let name = message.name else { return }
      step { $0.hangUpCame(from: TextSafety.singleLine(name), reason: message.reason) }
    case .callState(let message):
      if let name = message.name, message.state == .ringing {
        step { $0.ringingCame(from: TextSafety.singleLine(name)) }
      }
    case .error(let error): refused(error)
    case .iceServers(let servers): take(servers)
    case .iceServersRequest, .id, .username, .rejectUsername, .other: break
    }
  }

  private func take(_ message: ICEServersMessage) {
    for problem in serversOfServer.take(message, now: .now()) {
      logger.warning("ICE server of the chat server ignored", metadata: ["reason": "\(problem)"])
    }
    serverRefresh?.cancel()
    serverRefresh = serversOfServer.refreshAt.map { time in
      eventLoop.scheduleTask(deadline: time) { self.signaling.send(.iceServersRequest) }
    }
    if let connection = call?.peer?.connection {
      // Credentials that a call began with run out while it goes on.
      let servers = serversOfServer.joined(to: configuration.connection.iceServers, now: .now())
      Task { await connection.setICEServers(servers) }
    }
    step { $0.serversKnown(now: .now()) }
  }

  /// Inside, people are known by names that are safe to show. Our server gives no others; MDN's may.
  private func take(_ list: UserListMessage) {
    wireNames.removeAll()
    let names = list.users.map { name in
      let shown = TextSafety.singleLine(name)
      if shown != name { wireNames[shown] = name }
      return shown
    }
    step { $0.setUsers(names) }
  }

  /// A person's name as the server knows it.
  private func wire(_ name: String) -> String { wireNames[name] ?? name }

  private func show(_ line: ChatMessage) {
    let from = TextSafety.singleLine(line.name ?? "")
    emit(
      .chat(
        ChatLine(from: from, text: TextSafety.singleLine(line.text), date: line.date, isOwn: line.name == ownName)))
  }

  private func refused(_ error: ErrorMessage) {
    if error.code == ErrorCode.unavailable.rawValue, let target = error.target {
      step { $0.peerUnavailable(TextSafety.singleLine(target)) }
    } else {
      emit(.notice(Notice(.error, "The server refused: \(TextSafety.singleLine(error.text))")))
    }
  }

  private func ignored(_ message: SignalingMessage, _ reason: String) {
    logger.warning("message ignored", metadata: ["type": "\(message.type)", "reason": "\(reason)"])
  }

  func say(_ text: String) {
    guard isOnline else { return emit(.notice(Notice(.warning, "Not sent: there is no connection to the server."))) }
    signaling.sendChat(text)
  }

  func sendOffer(_ sdp: String, to peer: String) {
    signaling.send(
      .videoOffer(SessionDescriptionMessage(name: ownName, target: wire(peer), sdp: sdp, client: Self.announcement)))
  }

  func sendAnswer(_ sdp: String, to peer: String) {
    signaling.send(.videoAnswer(SessionDescriptionMessage(name: ownName, target: wire(peer), sdp: sdp)))
  }

  func sendCandidate(_ candidate: ICECandidateInit, to peer: String) {
    signaling.send(.newICECandidate(ICECandidateMessage(name: ownName, target: wire(peer), candidate: candidate)))
  }

  func sendHangUp(to peer: String, _ reason: HangUpReason) {
    signaling.send(.hangUp(HangUpMessage(name: ownName, target: wire(peer), reason: reason)))
  }

  func sendRinging(to peer: String) {
    signaling.send(.callState(CallStateMessage(name: ownName, target: wire(peer), state: .ringing)))
  }
}
