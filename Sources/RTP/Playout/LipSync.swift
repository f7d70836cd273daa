import NIOCore

/// Finds by how much picture or sound has to wait for the other, from what both sender reports say and from when each is
/// really played. Moves gently, so that nobody sees or hears it correcting.
struct LipSync: Sendable {
  /// Most that either is delayed.
  static let longest = 600 * Int64.millisecond
  /// Differences nobody notices (ITU-R BT.1359 puts the threshold at 45 ms).
  static let deadZone = 20 * Int64.millisecond
  /// Measurements beyond are taken for a clock jump and ignored.
  static let largestDifference = 5 * Int64.second
  /// Time between corrections.
  static let interval = 200 * Int64.millisecond
  /// Most that one correction moves the picture; sound moves by whole packets and slower.
  static let videoStep = 20 * Int64.millisecond
  static let audioStep = 5 * Int64.millisecond

  private var lastCorrection: Int64?
  private var video: Int64 = 0
  private var audio: Int64 = 0

  init() {}

  /// By how much to delay the picture, beyond what its own playout needs.
  var videoDelay: TimeAmount { .nanoseconds(video) }
  /// By how much to delay the sound, beyond what its own jitter buffer needs.
  var audioDelay: TimeAmount { .nanoseconds(audio) }

  /// Something played on this machine: an RTP timestamp and when it is seen or heard.
  struct Playout: Sendable {
    var timestamp: RTPTimestamp
    var time: NIODeadline

    init(timestamp: RTPTimestamp, time: NIODeadline) {
      self.timestamp = timestamp
      self.time = time
    }
  }

  /// Takes a measurement of each stream, the video's with ``videoDelay`` in it. Whole calls may be left out; frequent
  /// ones do nothing.
  mutating func update(
    audio heard: Playout, audioClock: ClockMapping, video seen: Playout, videoClock: ClockMapping
  ) {
    let now = heard.time.nanoseconds
    if let lastCorrection, now - lastCorrection < Self.interval { return }
    guard let captured = audioClock.nanoseconds(from: heard.timestamp, to: seen.timestamp, of: videoClock) else {
      return
    }
    // Positive: the picture is early.
    let early = captured &- (seen.time.nanoseconds - heard.time.nanoseconds)
    guard abs(early) < Self.largestDifference else { return }
    lastCorrection = now
    guard abs(early) > Self.deadZone else { return }
    if early > 0, audio > 0 {
      audio = max(0, audio - min(early, Self.audioStep))
    } else if early > 0 || video > 0 {
      video = min(max(0, video + min(max(early, -Self.videoStep), Self.videoStep)), Self.longest)
    } else {
      audio = min(audio + min(-early, Self.audioStep), Self.longest)
    }
  }
}
