import Calling
import Frames
import Glibc
import NIOCore
import Synchronization
import TerminalUI

/// A call controller without network and devices: it plays what the script lines on a pipe say, and answers the commands
/// of the front end as the real one would.
///
/// Script lines: `online`, `users A B C`, `chat NAME TEXT`, `notice error TEXT`, `ring NAME`, `question TEXT`,
/// `cancel`, `drop`, `back`, `finish`, `crash`.
final class FakeController: CallControlling {
  private struct State {
    var name: String
    var users: [String] = []
    var status = CallStatus()
    var generation = 0
  }

  let events: AsyncStream<CallEvent>
  private let continuation: AsyncStream<CallEvent>.Continuation
  private let state: Mutex<State>
  private let pictures: PicturePane
  private let journal: @Sendable (String) -> Void

  init(name: String, pictures: PicturePane, journal: @escaping @Sendable (String) -> Void) {
    (events, continuation) = AsyncStream.makeStream()
    state = Mutex(State(name: name))
    self.pictures = pictures
    self.journal = journal
    emit(.ownName(name))
  }

  func emit(_ event: CallEvent) { continuation.yield(event) }

  func perform(_ command: CallCommand) {
    journal("\(command)")
    switch command {
    case .chat(let text): chat(from: state.withLock { $0.name }, text, isOwn: true)
    case .rename(let name):
      let users = state.withLock { state -> [String] in
        state.users = state.users.map { $0 == state.name ? name : $0 }
        state.name = name
        return state.users
      }
      emit(.ownName(name))
      emit(.users(users))
    case .invite(let name): invite(name)
    case .answer:
      change {
        $0.phase = .connecting
      } then: {
        self.connect(after: 300)
      }
    case .reject: end(.declined)
    case .hangUp: end(.hungUp)
    case .muteMicrophone(let muted): change { $0.isMicrophoneMuted = muted }
    case .turnCameraOff(let off): change { $0.isCameraOff = off }
    case .deviceAnswer(let answer): answer == .cancel ? end(.cancelled) : connect(after: 100)
    case .quit:
      end(.hungUp)
      emit(.finished)
      continuation.finish()
    }
  }

  /// Plays one line of the script.
  func play(_ line: String) {
    let words = line.split(separator: " ", maxSplits: 2).map(String.init)
    let rest = words.dropFirst().joined(separator: " ")
    switch words.first {
    case "online": emit(.connection(.online))
    case "offline": emit(.connection(.offline(reason: rest, retryIn: .seconds(2))))
    case "users":
      let names = rest.split(separator: " ").map(String.init)
      state.withLock { $0.users = names }
      emit(.users(names))
    case "chat" where words.count == 3: chat(from: words[1], words[2], isOwn: false)
    case "notice" where words.count == 3: emit(.notice(Notice(words[1] == "error" ? .error : .warning, words[2])))
    case "ring":
      change {
        $0.phase = .incoming
        $0.peer = rest
      }
    case "question": emit(.deviceQuestion(DeviceQuestion(device: "camera", text: rest)))
    case "drop": change { $0.phase = .interrupted }
    case "back": change { $0.phase = .active }
    case "cancel": end(.cancelled)
    case "peer-hangup": end(.peerHungUp)
    case "finish":
      emit(.finished)
      continuation.finish()
    case "crash": abort()
    default: break
    }
  }

  private func chat(from name: String, _ text: String, isOwn: Bool) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    emit(.chat(ChatLine(from: name, text: text, date: Int64(now.tv_sec) * 1000, isOwn: isOwn)))
  }

  private func change(_ body: (inout CallStatus) -> Void, then next: (() -> Void)? = nil) {
    let status = state.withLock { state -> CallStatus in
      body(&state.status)
      return state.status
    }
    emit(.call(status))
    next?()
  }

  private func invite(_ name: String) {
    let problem = state.withLock { state -> String? in
      if state.status.phase != .idle { return "You can't start a call: hang up first." }
      return name == state.name ? "That is you. Pick somebody else." : nil
    }
    if let problem { return emit(.notice(Notice(.warning, problem))) }
    change {
      $0.phase = .calling
      $0.peer = name
    }
    startPictures(remoteAfter: nil)
    change { $0.phase = .ringing }
    connect(after: 1200)
  }

  private func connect(after milliseconds: Int) {
    let generation = state.withLock { $0.generation }
    Task {
      try? await Task.sleep(for: .milliseconds(milliseconds))
      guard state.withLock({ $0.generation == generation && $0.status.phase != .idle }) else { return }
      change {
        $0.phase = .active
        $0.since = .now()
        $0.cameraName = "test pattern"
        $0.microphoneName = "tone"
      }
      startPictures(remoteAfter: 0)
    }
  }

  private func end(_ reason: EndReason) {
    let isIdle = state.withLock { state -> Bool in
      state.generation += 1
      return state.status.phase == .idle
    }
    guard !isIdle else { return }
    change { $0.phase = .ended(reason) }
    pictures.clear()
    change { $0 = CallStatus() }
  }

  /// Moving pictures on a thread of their own until the call ends; the peer's only when asked for.
  private func startPictures(remoteAfter: Int?) {
    let generation = state.withLock { $0.generation }
    let thread = PictureThread(isRemote: remoteAfter != nil)
    thread.run(pictures: pictures) { [self] in
      state.withLock { $0.generation == generation }
    } eachSecond: { [self] second, frames in
      guard remoteAfter != nil else { return }
      var figures = CallStatistics()
      figures.seconds = Double(second)
      figures.framesDecoded = frames
      figures.framesSent = frames
      figures.audioFramesSent = 50 * second
      figures.audioFramesDecoded = 50 * second
      figures.sentSize = VideoSize(width: 640, height: 480)
      figures.receivedSize = VideoSize(width: 640, height: 480)
      figures.sentFramesPerSecond = 30
      figures.receivedFramesPerSecond = 29.6
      figures.sentKilobitsPerSecond = 812
      figures.receivedKilobitsPerSecond = 794.4
      figures.receivedLossPercent = 0.24
      figures.roundTripMilliseconds = 23.4
      figures.path = "host 192.0.2.1:5000 / srflx 198.51.100.7:6000"
      emit(.statistics(figures))
    }
  }
}
