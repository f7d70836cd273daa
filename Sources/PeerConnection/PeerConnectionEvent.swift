internal import SDP

/// Sound or picture.
public enum TrackKind: String, Sendable, Hashable, CaseIterable {
  case audio, video

  init?(_ kind: MediaKind) {
    switch kind {
    case .audio: self = .audio
    case .video: self = .video
    case .application, .other: return nil
    }
  }

  var mediaKind: MediaKind {
    switch self {
    case .audio: .audio
    case .video: .video
    }
  }
}

/// The state of the offer/answer exchange (`RTCSignalingState`, RFC 9429 section 3.2).
public enum SignalingState: String, Sendable, Hashable {
  case stable
  case haveLocalOffer = "have-local-offer"
  case haveRemoteOffer = "have-remote-offer"
  case closed
}

/// The state of ICE and DTLS together (`RTCPeerConnectionState`).
public enum ConnectionState: String, Sendable, Hashable {
  case new, connecting, connected
  /// Nothing has been heard of the peer for some seconds; goes back to connected by itself.
  case disconnected
  /// Given up: no path, consent expired, or DTLS refused the peer. The reason is in the statistics and the log.
  case failed
  case closed
}

/// The state of ICE (`RTCIceConnectionState`).
public enum ICEConnectionState: String, Sendable, Hashable {
  case new, checking, connected, completed, disconnected, failed, closed
}

/// The state of candidate gathering (`RTCIceGatheringState`).
public enum ICEGatheringState: String, Sendable, Hashable {
  case new, gathering, complete
}

/// A track the peer sends, or has stopped sending.
public struct RemoteTrack: Sendable, Hashable {
  /// The media section's identification tag.
  public var mid: String
  public var kind: TrackKind
  /// The streams the peer put it in (`a=msid`); empty if it named none.
  public var streamIDs: [String]
}

/// What a peer connection tells its owner.
public enum PeerConnectionEvent: Sendable, Hashable {
  /// A local candidate to be sent to the peer; an empty candidate string ends the candidates of this generation.
  case iceCandidate(CandidateDescription)
  /// The peer started to send a track.
  case track(RemoteTrack)
  /// The peer stopped sending a track it had announced.
  case trackRemoved(RemoteTrack)
  /// Tracks were changed such that a new offer is needed (RFC 9429 section 4.1; raised in the stable state only).
  case negotiationNeeded
  case signalingStateChange(SignalingState)
  case iceGatheringStateChange(ICEGatheringState)
  case iceConnectionStateChange(ICEConnectionState)
  case connectionStateChange(ConnectionState)
  /// The machine's network addresses changed. Candidates for the new ones are gathered; an ICE restart
  /// (``PeerConnection/restartICE()``) makes the peer look for paths anew, too.
  case networkChange
  /// The peer cannot decode what we send until it gets a key frame (PLI or FIR) on this media section.
  case keyFrameRequested(mid: String)
  /// What the network takes of our media now, in bits a second, video and audio together.
  case targetBitrate(bitsPerSecond: Int)
  /// The connection failed for this reason; follows a change to ``ConnectionState/failed``.
  case failure(PeerConnectionError)
}
