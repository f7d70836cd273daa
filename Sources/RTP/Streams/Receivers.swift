import NIOCore

/// What is received on one mid: the parameters, and the stream once packets of it came.
protocol Receiver {
  var mid: String { get }
  /// Keeps the running stream of an earlier setting where the new one allows it.
  mutating func takeOver(from other: Self)
}

/// How a packet came to its receiver.
enum ReceiverMatch {
  case media
  /// By RTX; repairs packets of this payload type.
  case retransmission(PayloadType)
}

struct VideoReceiver: Receiver {
  let parameters: VideoReceiveParameters
  private(set) var stream: VideoReceiveStream?
  /// Number of the last full intra request.
  var intraRequestSequence: UInt8 = 0

  init(_ parameters: VideoReceiveParameters) {
    self.parameters = parameters
  }

  var mid: String { parameters.mid }

  mutating func takeOver(from other: VideoReceiver) {
    intraRequestSequence = other.intraRequestSequence
    guard parameters.ssrc == nil || parameters.ssrc == other.stream?.ssrc else { return }
    stream = other.stream
  }

  func match(_ type: PayloadType) -> ReceiverMatch? {
    if parameters.payloadTypes.contains(type) { return .media }
    return parameters.retransmissionTypes[type].map { .retransmission($0) }
  }

  func owns(_ ssrc: SSRC) -> Bool {
    ssrc == parameters.ssrc || ssrc == parameters.retransmissionSSRC || ssrc == stream?.ssrc
  }

  /// The stream for media packets of this source.
  mutating func stream(for ssrc: SSRC, now: NIODeadline) -> VideoReceiveStream? {
    if let stream, stream.ssrc == ssrc { return stream }
    guard mayReplace(stream?.lastArrival, by: ssrc, named: parameters.ssrc, now: now) else { return nil }
    let new = VideoReceiveStream(ssrc: ssrc, usesNACK: parameters.usesNACK)
    stream = new
    return new
  }

  var statistics: MediaStatistics.Receiver {
    var counters = MediaStatistics.Receiver()
    counters.mid = mid
    counters.isVideo = true
    stream?.count(into: &counters)
    return counters
  }
}

struct AudioReceiver: Receiver {
  let parameters: AudioReceiveParameters
  private(set) var stream: AudioReceiveStream?

  init(_ parameters: AudioReceiveParameters) {
    self.parameters = parameters
  }

  var mid: String { parameters.mid }

  mutating func takeOver(from other: AudioReceiver) {
    guard parameters.ssrc == nil || parameters.ssrc == other.stream?.ssrc else { return }
    stream = other.stream
  }

  func match(_ type: PayloadType) -> ReceiverMatch? {
    parameters.payloadTypes.contains(type) ? .media : nil
  }

  func owns(_ ssrc: SSRC) -> Bool { ssrc == parameters.ssrc || ssrc == stream?.ssrc }

  /// The stream for packets of this source.
  mutating func stream(for ssrc: SSRC, now: NIODeadline) -> AudioReceiveStream? {
    if let stream, stream.ssrc == ssrc { return stream }
    guard mayReplace(stream?.lastArrival, by: ssrc, named: parameters.ssrc, now: now) else { return nil }
    let new = AudioReceiveStream(ssrc: ssrc)
    stream = new
    return new
  }

  var statistics: MediaStatistics.Receiver {
    var counters = MediaStatistics.Receiver()
    counters.mid = mid
    stream?.count(into: &counters)
    return counters
  }
}

/// A source that sends is not put aside for another, unless the description names that one: two at a time would
/// otherwise take turns in destroying each other's state.
private func mayReplace(_ lastArrival: NIODeadline?, by ssrc: SSRC, named: SSRC?, now: NIODeadline) -> Bool {
  guard let lastArrival, ssrc != named else { return true }
  return now - lastArrival > .milliseconds(500)
}
