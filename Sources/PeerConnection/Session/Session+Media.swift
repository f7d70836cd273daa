internal import Frames
internal import NIOCore
internal import RTP
internal import SDP

// Media in and out, between the RTP streams and the secure transport.
extension Session {
  /// Sends a picture on the first section that was agreed for it.
  func send(video frame: EncodedVideoFrame, now: NIODeadline) {
    guard let mid = sendingMid[.video], secure.isConnected else {
      framesDroppedUnsent += 1
      return
    }
    media.send(video: frame, mid: mid, now: now)
    drain(now: now)
  }

  /// Sends a sound packet on the first section that was agreed for it.
  func send(audio frame: EncodedAudioFrame, now: NIODeadline) {
    guard let mid = sendingMid[.audio], secure.isConnected else {
      framesDroppedUnsent += 1
      return
    }
    media.send(audio: frame, mid: mid, now: now)
    drain(now: now)
  }

  /// Asks the peer for a key frame; the RTP streams limit how often.
  func requestKeyFrame(now: NIODeadline) {
    guard let mid = receivingMid(.video) else { return }
    media.requestKeyFrame(mid: mid)
    drain(now: now)
  }

  func reportAudioPlayout(timestamp: RTPTimestamp, at time: NIODeadline) {
    guard let mid = receivingMid(.audio) else { return }
    media.reportAudioPlayout(mid: mid, timestamp: timestamp, at: time)
  }

  /// Sets up the streams of an agreement, and takes down those of sections that are gone or quiet.
  func configureStreams(_ agreed: [NegotiatedMedia]) {
    sendingMid = [:]
    let before = streamMids
    streamMids = [:]
    for section in agreed {
      guard let kind = TrackKind(section.kind) else { continue }
      streamMids[section.mid] = kind
      let transceiver = jsep.transceivers.first { $0.mid == section.mid }
      let sources = section.direction.sends ? transceiver?.sources : nil
      let receives = section.direction.receives
      switch kind {
      case .video:
        media.setVideoSender(
          mid: section.mid,
          sources.map { VideoSendParameters(section, sources: $0, mtu: configuration.mtu) })
        media.setVideoReceiver(mid: section.mid, receives ? VideoReceiveParameters(section) : nil)
      case .audio:
        media.setAudioSender(
          mid: section.mid, sources.map { AudioSendParameters(section, sources: $0) })
        media.setAudioReceiver(mid: section.mid, receives ? AudioReceiveParameters(section) : nil)
      }
      if sources != nil, sendingMid[kind] == nil { sendingMid[kind] = section.mid }
    }
    for (mid, kind) in before where streamMids[mid] == nil { removeStreams(mid, kind) }
  }

  private func removeStreams(_ mid: String, _ kind: TrackKind) {
    switch kind {
    case .video:
      media.setVideoSender(mid: mid, nil)
      media.setVideoReceiver(mid: mid, nil)
    case .audio:
      media.setAudioSender(mid: mid, nil)
      media.setAudioReceiver(mid: mid, nil)
    }
  }

  /// The section whose media go to the owner. A peer that sends several of a kind is taken by its newest: two streams
  /// cannot go through one decoder.
  func receivingMid(_ kind: TrackKind) -> String? {
    jsep.transceivers.last { $0.kind == kind && $0.remoteTrack != nil }?.mid
  }

  // MARK: - Packets

  /// Takes an SRTP or SRTCP packet.
  func receiveMedia(_ datagram: consuming ByteBuffer, now: NIODeadline) {
    var packet = datagram
    guard let kind = RTPPacketKind(of: packet) else {
      discardedDatagrams += 1
      return
    }
    guard secure.unprotect(&packet, isRTCP: kind == .rtcp) else { return }
    do {
      switch kind {
      case .rtp: try media.receiveRTP(packet, now: now)
      case .rtcp: try media.receiveRTCP(packet, now: now)
      }
    } catch {
      discardedDatagrams += 1
    }
  }

  /// Collects what the RTP streams have to send and to say.
  func drainMedia(now: NIODeadline) {
    guard secure.isConnected else { return }
    while let held = secure.nextHeldMedia() { receiveMedia(held, now: now) }
    media.poll(now: now, into: &mediaOutput)
    // Encrypted where they lie: a copy of the buffer in a variable would make SRTP copy the bytes.
    for index in mediaOutput.rtp.indices where secure.protect(&mediaOutput.rtp[index], isRTCP: false) {
      transmit(mediaOutput.rtp[index], now: now)
    }
    for index in mediaOutput.rtcp.indices where secure.protect(&mediaOutput.rtcp[index], isRTCP: true) {
      transmit(mediaOutput.rtcp[index], now: now)
    }
    for event in mediaOutput.events { handle(event) }
    mediaOutput.removeAll()
  }

  private func handle(_ event: MediaEvent) {
    switch event {
    case .video(let mid, let frame):
      if mid == receivingMid(.video) { outputs.append(.video(frame)) }
    case .audio(let mid, let packet):
      if mid == receivingMid(.audio) { outputs.append(.audio(packet)) }
    case .keyFrameRequested(let mid): emit(.keyFrameRequested(mid: mid))
    case .targetBitrate(let rate): emit(.targetBitrate(bitsPerSecond: rate))
    case .ended: break  // A goodbye to one stream; the description says which tracks there are.
    }
  }
}
