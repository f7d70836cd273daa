internal import ICE
internal import NIOCore
internal import RTP

extension Session {
  /// A snapshot of everything there is to know.
  func statistics() -> PeerConnectionStatistics {
    var result = PeerConnectionStatistics()
    let media = media.statistics
    for sender in media.senders {
      if sender.isVideo { result.sentVideo.add(sender) } else { result.sentAudio.add(sender) }
    }
    for receiver in media.receivers {
      if receiver.isVideo { result.receivedVideo.add(receiver) } else { result.receivedAudio.add(receiver) }
    }
    result.roundTripTime = media.roundTrip ?? ice.statistics.roundTripTime
    result.targetBitrate = media.targetBitrate
    result.signalingState = jsep.state
    result.iceGatheringState = iceGatheringState
    result.iceConnectionState = iceConnectionState
    result.connectionState = connectionState
    result.selectedPair = ice.selectedPair?.summary ?? ""
    result.dtls = secure.dtls?.summary ?? ""
    result.srtpProfile = secure.profile?.name ?? ""
    result.authenticationFailures = secure.authenticationFailures
    result.replayedPackets = secure.replayedPackets
    result.discardedDatagrams = discardedDatagrams + secure.discarded
    result.framesDroppedUnsent = framesDroppedUnsent
    result.datagramsSent = datagramsSent
    result.datagramsReceived = datagramsReceived
    result.bytesSent = bytesSent
    result.bytesReceived = bytesReceived
    return result
  }
}

extension ICEAgent.SelectedPair {
  fileprivate var summary: String {
    func text(_ candidate: Candidate, _ address: TransportAddress) -> String {
      "\(candidate.type.rawValue) \(candidate.transportAddress ?? address)"
    }
    return text(local, localAddress) + " / " + text(remote, remoteAddress)
  }
}

extension StreamStatistics {
  fileprivate mutating func add(_ sender: MediaStatistics.Sender) {
    packets += sender.packetsSent
    bytes += sender.bytesSent
    frames += sender.framesSent
    packetsLost += sender.packetsLost
    fractionLost = max(fractionLost, sender.fractionLost)
    retransmissions += sender.packetsRetransmitted
    keyFrameRequests += sender.keyFramesRequested
  }

  fileprivate mutating func add(_ receiver: MediaStatistics.Receiver) {
    packets += receiver.packetsReceived
    bytes += receiver.bytesReceived
    frames += receiver.framesReceived
    framesDropped += receiver.framesDropped
    packetsLost += receiver.packetsLost
    jitter = max(jitter, receiver.jitter)
    playoutDelay = max(playoutDelay, receiver.playoutDelay)
    retransmissions += receiver.packetsRecovered
    nacks += receiver.nacksSent
    keyFrameRequests += receiver.keyFramesRequested
  }
}
