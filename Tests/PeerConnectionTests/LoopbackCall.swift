import Frames
import Logging
import NIOCore
import NIOPosix
import RTP
import Synchronization

@testable import PeerConnection

/// Counts what arrives, and lets a test wait for it.
final class CountingReceiver: MediaReceiver {
  private struct State {
    var video = 0
    var audio = 0
    var waiting: [(video: Int, audio: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  func receive(video frame: EncodedVideoFrame) { note { $0.video += 1 } }
  func receive(audio packet: ReceivedAudioPacket) { note { $0.audio += 1 } }

  private func note(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      state.waiting.removeAll { wait in
        guard state.video >= wait.video, state.audio >= wait.audio else { return false }
        wait.continuation.resume()
        return true
      }
    }
  }

  func waitForMedia(video: Int, audio: Int) async {
    await withCheckedContinuation { continuation in
      note { $0.waiting.append((video, audio, continuation)) }
    }
  }
}

/// One side of a call on the loopback interface.
struct LoopbackSide {
  let connection: PeerConnection
  let receiver: CountingReceiver
  private let log: EventLog

  fileprivate init(loop: any EventLoop, _ configuration: PeerConnectionConfiguration, logger: Logger) throws {
    receiver = CountingReceiver()
    connection = try PeerConnection(
      configuration: configuration, eventLoop: loop, receiver: receiver, logger: logger)
    log = EventLog()
  }

  /// Reads the events until they end; candidates go to the other side.
  fileprivate func follow(sendingCandidatesTo other: PeerConnection) -> Task<Void, Never> {
    Task { [connection, log] in
      for await event in connection.events {
        if case .iceCandidate(let candidate) = event { try? await other.addICECandidate(candidate) }
        log.add(event)
      }
    }
  }

  /// What has happened so far.
  var events: [PeerConnectionEvent] { log.events }

  func waitUntilConnected() async { await waitFor { $0 == .connectionStateChange(.connected) } }
  func waitFor(_ isWanted: @escaping @Sendable (PeerConnectionEvent) -> Bool) async { await log.wait(isWanted) }
}

/// Remembers events, and lets a test wait for one that has come or will come.
private final class EventLog: Sendable {
  private struct State {
    var events: [PeerConnectionEvent] = []
    var waiting: [(isWanted: @Sendable (PeerConnectionEvent) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
      []
  }

  private let state = Mutex(State())

  var events: [PeerConnectionEvent] { state.withLock(\.events) }

  func add(_ event: PeerConnectionEvent) {
    state.withLock { state in
      state.events.append(event)
      state.waiting.removeAll { wait in
        guard wait.isWanted(event) else { return false }
        wait.continuation.resume()
        return true
      }
    }
  }

  func wait(_ isWanted: @escaping @Sendable (PeerConnectionEvent) -> Bool) async {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        if state.events.contains(where: isWanted) { return continuation.resume() }
        state.waiting.append((isWanted, continuation))
      }
    }
  }
}

/// Two peer connections of this process.
struct LoopbackCall {
  let caller: LoopbackSide
  let callee: LoopbackSide
  private let followers: [Task<Void, Never>]

  /// - Parameters:
  ///   - configure: changes the configuration of both sides, which use the loopback interface only.
  ///   - logger: for the caller.
  init(
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    configure: (inout PeerConnectionConfiguration) -> Void = { _ in }
  ) async throws {
    var configuration = PeerConnectionConfiguration()
    configuration.includesLoopback = true
    configuration.interfaces = ["lo"]
    configure(&configuration)
    let group = MultiThreadedEventLoopGroup.singleton
    caller = try LoopbackSide(loop: group.next(), configuration, logger: logger)
    callee = try LoopbackSide(
      loop: group.next(), configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    followers = [
      caller.follow(sendingCandidatesTo: callee.connection), callee.follow(sendingCandidatesTo: caller.connection),
    ]
  }

  func negotiate() async throws {
    for kind in TrackKind.allCases { try await caller.connection.addTrack(kind, streamID: "caller") }
    try await callee.connection.setRemoteDescription(caller.connection.setLocalDescription())
    for kind in TrackKind.allCases { try await callee.connection.addTrack(kind, streamID: "callee") }
    try await caller.connection.setRemoteDescription(callee.connection.setLocalDescription())
  }

  /// Sends sound and picture both ways until cancelled.
  func sendMedia() -> Task<Void, Never> {
    Task { [caller, callee] in
      var count: UInt32 = 0
      while !Task.isCancelled {
        for side in [caller, callee] {
          let isKeyFrame = count % 10 == 0
          var picture = ByteBuffer(bytes: [isKeyFrame ? 0x10 : 0x11, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01])
          picture.writeRepeatingByte(7, count: 2500)
          side.connection.send(
            video: EncodedVideoFrame(
              payload: picture, isKeyFrame: isKeyFrame, timestamp: count &* 1800, time: .now()))
          side.connection.send(
            audio: EncodedAudioFrame(
              payload: ByteBuffer(repeating: 1, count: 80), timestamp: count &* 960, level: 20, time: .now()))
        }
        count += 1
        try? await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  func close() async {
    await caller.connection.close()
    await callee.connection.close()
    for follower in followers { await follower.value }
  }
}
