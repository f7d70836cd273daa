import Calling
import NIOCore

extension ScreenModel {
  /// Takes what the controller tells.
  mutating func update(_ event: CallEvent, now: NIODeadline) -> [Effect] {
    self.now = now
    defer { arrange() }
    switch event {
    case .connection(let connection): return update(connection)
    case .ownName(let name):
      if name != ownName, connection == .online { add(.event, "You are now known as \(name).") }
      ownName = name
      selectSomebody()
    case .users(let names):
      announceChange(to: names)
      users = Array(names.prefix(Self.maximumUsers))
      selectSomebody()
    case .chat(let line): add(.chat(isOwn: line.isOwn), from: line.from, line.text, at: line.date)
    case .notice(let notice):
      add(.notice(ChatLog.Kind.Severity(notice.severity)), notice.text)
      return notice.severity == .error ? [.bell] : []
    case .call(let status): return update(status)
    case .deviceQuestion(let question):
      deviceQuestion = question
      startGrace()
      return [.bell]
    case .statistics(let figures): statistics = figures
    case .finished: return [.leave]
    }
    return []
  }

  private mutating func update(_ new: ServerConnection) -> [Effect] {
    defer { connection = new }
    switch (connection, new) {
    case (.online, .online), (.connecting, .connecting): break
    case (_, .online): add(.event, "Connected to \(server).")
    case (.online, .offline(let reason, _)):
      add(.notice(.warning), "The connection to the server broke (\(reason)). Trying again by itself.")
    case (_, .offline(let reason, let delay)):
      add(
        .notice(.warning),
        "No connection to \(server): \(reason). Next try in \(max(delay.nanoseconds / 1_000_000_000, 1)) s.")
    default: break
    }
    return []
  }

  private mutating func announceChange(to names: [String]) {
    guard !users.isEmpty else { return }
    let before = Set(users)
    let after = Set(names)
    // Many at once (a server that came back, a stranger's mischief) are not worth a line each.
    let joined = names.filter { !before.contains($0) && $0 != ownName }
    let left = users.filter { !after.contains($0) && $0 != ownName }
    if !joined.isEmpty, joined.count <= 4 { add(.event, "\(joined.joined(separator: ", ")) joined.") }
    if !left.isEmpty, left.count <= 4 { add(.event, "\(left.joined(separator: ", ")) left.") }
  }

  /// Keeps the selection on somebody who is there, rather not on ourselves.
  private mutating func selectSomebody() {
    if let selected, users.contains(selected), selected != ownName { return }
    selected = users.first { $0 != ownName } ?? users.first
  }

  private mutating func update(_ status: CallStatus) -> [Effect] {
    let before = call
    call = status
    announceSwitches(before, status)
    guard before.phase != status.phase || before.peer != status.peer else { return [] }
    if status.phase == .incoming {
      incoming = status.peer
      isHelpOpen = false
      nextBell = now + Self.bellInterval
      startGrace()
      return [.bell]
    }
    incoming = nil
    nextBell = nil
    announce(status, before: before)
    switch status.phase {
    case .idle, .ended:
      deviceQuestion = nil
      statistics = nil
      hasPicture = false
      confirmsQuit = false
    default: break
    }
    return []
  }

  private mutating func announce(_ status: CallStatus, before: CallStatus) {
    let peer = status.peer
    switch status.phase {
    case .calling where before.phase != .calling: add(.event, "Calling \(peer)…")
    case .active where before.phase == .interrupted: add(.event, "\(peer) is back.")
    case .active: add(.event, "In a call with \(peer). \(sending(status))")
    case .interrupted: add(.notice(.warning), "Nothing comes from \(peer) any more. Reconnecting…")
    case .ended(let reason):
      // A call that was missed has a line of its own already.
      if before.phase == .incoming, reason == .cancelled { return }
      let isFailure = if case .failed = reason { true } else { false }
      add(isFailure ? .notice(.error) : .event, Self.words(reason, peer: peer) + duration(before))
    default: break
    }
  }

  private mutating func announceSwitches(_ before: CallStatus, _ after: CallStatus) {
    if before.isMicrophoneMuted != after.isMicrophoneMuted {
      add(.event, after.isMicrophoneMuted ? "Your microphone is muted." : "Your microphone is on.")
    }
    if before.isCameraOff != after.isCameraOff {
      add(.event, after.isCameraOff ? "Your camera is off." : "Your camera is on.")
    }
  }

  private func sending(_ status: CallStatus) -> String {
    let parts = [status.cameraName, status.microphoneName].filter { !$0.isEmpty && $0 != "none" }
    return parts.isEmpty ? "You send nothing." : "You send: \(parts.joined(separator: ", "))."
  }

  private func duration(_ before: CallStatus) -> String {
    guard let since = before.since, now > since else { return "" }
    return " (\(Self.clock(now - since)))"
  }

  /// A span of time as "4:07" or "1:02:03".
  static func clock(_ time: TimeAmount) -> String {
    let seconds = max(time.nanoseconds, 0) / 1_000_000_000
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(two(minutes)):\(two(seconds % 60))"
  }

  static func words(_ reason: EndReason, peer: String) -> String {
    switch reason {
    case .hungUp: "You hung up."
    case .peerHungUp: "\(peer) hung up."
    case .declined: "The call with \(peer) was declined."
    case .busy: "\(peer) is busy in another call."
    case .noAnswer: "No answer from \(peer)."
    case .unavailable: "\(peer) is not there any more."
    case .cancelled: "The call to \(peer) was cancelled."
    case .failed(let text): "The call with \(peer) failed: \(text)."
    }
  }

  private mutating func startGrace() {
    guard let lastTyped, lastTyped + Self.typingGrace > now, !editor.isEmpty else { return promptGrace = nil }
    promptGrace = lastTyped + Self.typingGrace
  }
}

extension ChatLog.Kind.Severity {
  init(_ severity: Notice.Severity) {
    self =
      switch severity {
      case .information: .information
      case .warning: .warning
      case .error: .error
      }
  }
}
