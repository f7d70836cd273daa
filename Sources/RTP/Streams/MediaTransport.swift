public import Frames
public import NIOCore

/// Everything RTP of one BUNDLE transport: the streams in both directions, retransmission, reports, congestion feedback,
/// pacing, lip sync. Decrypted packets and times go in; unencrypted packets, events and the next deadline come out.
///
/// Belongs to one thread or event loop. After any call, `poll`; then again at `nextDeadline`.
public final class MediaTransport {
  /// What holds for the whole transport.
  public struct Configuration: Sendable {
    /// Our canonical name (RFC 3550 §6.5.1, RFC 7022): random, the same for all streams of a connection.
    public var cname: String
    /// Whether feedback may come without a report before it (`a=rtcp-rsize`, RFC 5506).
    public var usesReducedSizeRTCP = true
    /// Bounds and start of the send rate, all streams together.
    public var bitrate = BitrateLimits(minimum: 100_000, start: 800_000, maximum: 2_500_000)
    /// For sequence numbers, timestamp offsets and report intervals: take it from the system's random source.
    public var seed: UInt64

    public init(cname: String, seed: UInt64) {
      self.cname = cname
      self.seed = seed
    }
  }

  let configuration: Configuration
  var generator: StreamRandom
  /// Who we are in feedback while we send nothing.
  let receiverSSRC: SSRC

  var videoSenders: [VideoSendStream] = []
  var audioSenders: [AudioSendStream] = []
  var videoReceivers: [VideoReceiver] = []
  var audioReceivers: [AudioReceiver] = []
  /// What the receivers read off headers; one map, since identifiers agree across a bundle (RFC 9143 §9).
  var receivedExtensions = HeaderExtensionMap()

  private var pacer: Pacer
  var estimator: any BandwidthEstimator
  var sentPackets = SentPacketLog()
  private var reportedBitrate = 0
  var arrivals = TransportFeedbackRecorder()
  var roundTrip = RoundTripEstimator()
  private var lipSync = LipSync()
  var schedule = ReportScheduler()

  /// Kept between calls so that nothing is allocated.
  var parsed: [RTCPPacket] = []
  var results: [PacketResult] = []
  /// What happened between two polls.
  var pendingEvents: [MediaEvent] = []
  var goodbyes: [SSRC] = []
  private(set) var isClosed = false

  /// - Parameter estimator: decides the send rate; by default measured loss and REMB do.
  public init(_ configuration: Configuration, estimator: (any BandwidthEstimator)? = nil) {
    self.configuration = configuration
    generator = StreamRandom(seed: configuration.seed)
    receiverSSRC = SSRC(.random(in: 1...UInt32.max, using: &generator))
    self.estimator = estimator ?? SendRateController(configuration.bitrate)
    pacer = Pacer(targetBitrate: self.estimator.targetBitrate)
  }

  /// What all our streams together may send, in bits a second.
  public var targetBitrate: Int { estimator.targetBitrate }

  var assumedRoundTrip: TimeAmount { roundTrip.estimate ?? RoundTripEstimator.assumed }

  // MARK: Streams

  /// Sets what is sent on a mid. Equal parameters change nothing; others of the same SSRC go on with the stream's
  /// numbers; another SSRC starts a new stream; `nil` ends it. An ended stream says goodbye.
  public func setVideoSender(mid: String, _ parameters: VideoSendParameters?) {
    if let index = videoSenders.firstIndex(where: { $0.parameters.mid == mid }) {
      let stream = videoSenders[index]
      if stream.parameters == parameters { return }
      if let parameters, parameters.ssrc == stream.parameters.ssrc { return stream.update(parameters) }
      goodbyes += [stream.parameters.ssrc] + (stream.parameters.retransmission.map { [$0.ssrc] } ?? [])
      videoSenders.remove(at: index)
    }
    if let parameters { videoSenders.append(VideoSendStream(parameters, using: &generator)) }
  }

  /// As ``setVideoSender(mid:_:)``.
  public func setAudioSender(mid: String, _ parameters: AudioSendParameters?) {
    if let index = audioSenders.firstIndex(where: { $0.parameters.mid == mid }) {
      let stream = audioSenders[index]
      if stream.parameters == parameters { return }
      if let parameters, parameters.ssrc == stream.parameters.ssrc { return stream.update(parameters) }
      goodbyes.append(stream.parameters.ssrc)
      audioSenders.remove(at: index)
    }
    if let parameters { audioSenders.append(AudioSendStream(parameters, using: &generator)) }
  }

  /// Sets what is received on a mid. A stream that runs goes on, unless the new parameters name another SSRC; `nil` ends
  /// it.
  public func setVideoReceiver(mid: String, _ parameters: VideoReceiveParameters?) {
    set(parameters.map(VideoReceiver.init), mid: mid, in: &videoReceivers)
    collectReceivedExtensions()
  }

  /// As ``setVideoReceiver(mid:_:)``.
  public func setAudioReceiver(mid: String, _ parameters: AudioReceiveParameters?) {
    set(parameters.map(AudioReceiver.init), mid: mid, in: &audioReceivers)
    collectReceivedExtensions()
  }

  private func set<R: Receiver>(_ receiver: R?, mid: String, in list: inout [R]) {
    let index = list.firstIndex { $0.mid == mid }
    if var receiver {
      if let index {
        receiver.takeOver(from: list[index])
        list[index] = receiver
      } else {
        list.append(receiver)
      }
    } else if let index {
      list.remove(at: index)
    }
  }

  private func collectReceivedExtensions() {
    receivedExtensions = HeaderExtensionMap()
    for extensions in videoReceivers.map(\.parameters.extensions) + audioReceivers.map(\.parameters.extensions) {
      receivedExtensions.merge(extensions)
    }
  }

  // MARK: Sending

  /// Sends a frame on the video sender of that mid; does nothing when there is none.
  public func send(video frame: EncodedVideoFrame, mid: String, now: NIODeadline) {
    guard !isClosed, let stream = videoSenders.first(where: { $0.parameters.mid == mid }) else { return }
    schedule.start(now: now)
    stream.send(frame, now: now) { pacer.enqueue($0) }
  }

  /// Sends a frame on the audio sender of that mid; does nothing when there is none.
  public func send(audio frame: EncodedAudioFrame, mid: String, now: NIODeadline) {
    guard !isClosed, let stream = audioSenders.first(where: { $0.parameters.mid == mid }) else { return }
    schedule.start(now: now)
    pacer.enqueue(stream.send(frame))
  }

  /// Answers a NACK on one of our streams.
  func resend(_ nack: GenericNACK, now: NIODeadline) {
    guard let stream = videoSenders.first(where: { $0.parameters.ssrc == nack.media }) else { return }
    stream.resend(nack.sequences, roundTrip: assumedRoundTrip, now: now) { pacer.enqueue($0) }
  }

  // MARK: Playing

  /// Asks the peer for a key frame (a decoder of ours failed).
  public func requestKeyFrame(mid: String) {
    videoReceivers.first { $0.mid == mid }?.stream?.requestKeyFrame()
  }

  /// The audio thread's word on when the sample of this RTP timestamp is heard; drives lip sync.
  public func reportAudioPlayout(mid: String, timestamp: RTPTimestamp, at time: NIODeadline) {
    guard let sound = audioReceivers.first(where: { $0.mid == mid })?.stream,
      let picture = videoReceivers.lazy.compactMap(\.stream).first, let seen = picture.lastPlayout
    else { return }
    lipSync.update(
      audio: LipSync.Playout(timestamp: timestamp, time: time), audioClock: sound.clock, video: seen,
      videoClock: picture.clock)
    picture.lipSyncDelay = lipSync.videoDelay
  }

  var lipSyncAudioDelay: TimeAmount { lipSync.audioDelay }

  // MARK: Output

  /// Ends everything: the next poll says goodbye on every stream of ours, and nothing is sent after it.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    for stream in videoSenders { setVideoSender(mid: stream.parameters.mid, nil) }
    for stream in audioSenders { setAudioSender(mid: stream.parameters.mid, nil) }
    pacer = Pacer(targetBitrate: 1)
    schedule.stop()
  }

  /// Appends everything that is due to `output`.
  public func poll(now: NIODeadline, into output: inout MediaOutput) {
    output.events += pendingEvents
    pendingEvents.removeAll(keepingCapacity: true)
    writeRTCP(now: now, into: &output)
    guard !isClosed else { return }
    let bitrate = estimator.targetBitrate
    if abs(bitrate - reportedBitrate) * 50 > reportedBitrate {
      reportedBitrate = bitrate
      output.events.append(.targetBitrate(bitrate))
    }
    pacer.setTargetBitrate(bitrate)
    pacer.poll(now: now) { packet in
      let size = packet.bytes.readableBytes
      if packet.transportSequenceOffset != nil || packet.absoluteSendTimeOffset != nil {
        let isNumbered = packet.transportSequenceOffset != nil
        packet.stamp(transportSequence: isNumbered ? sentPackets.register(size: size, now: now) : 0, now: now)
      }
      estimator.packetSent(size: size, now: now)
      output.rtp.append(packet.bytes)
    }
  }

  /// When `poll` is to be called next at the latest; `nil` when nothing is under way.
  public var nextDeadline: NIODeadline? {
    guard pendingEvents.isEmpty, goodbyes.isEmpty else { return .uptimeNanoseconds(0) }
    guard !isClosed else { return nil }
    var deadline = schedule.next
    func consider(_ other: NIODeadline?) {
      if let other { deadline = deadline.map { min($0, other) } ?? other }
    }
    consider(pacer.nextDeadline)
    consider(arrivals.nextDeadline)
    for receiver in videoReceivers { consider(receiver.stream?.nextDeadline(roundTrip: assumedRoundTrip)) }
    return deadline
  }

  /// Counters of every stream.
  public var statistics: MediaStatistics {
    var statistics = MediaStatistics()
    statistics.roundTrip = roundTrip.estimate
    statistics.targetBitrate = estimator.targetBitrate
    statistics.senders = videoSenders.map(\.statistics) + audioSenders.map(\.statistics)
    statistics.receivers = videoReceivers.map(\.statistics) + audioReceivers.map(\.statistics)
    return statistics
  }
}
