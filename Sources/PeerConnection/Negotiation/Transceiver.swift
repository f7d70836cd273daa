internal import SDP

/// One media section's worth of sending and receiving (RFC 9429 section 3.4.1).
struct Transceiver {
  /// What the descriptions need to know.
  var local: LocalTransceiver
  let kind: TrackKind
  /// The sources to send with, for the whole life of the transceiver.
  let sources: LocalSources
  /// What is agreed on at present; nil before the first answer.
  var currentDirection: MediaDirection?
  /// Whether media of a track may have been sent here already; its section is then not taken up by another track.
  var hasSent = false
  /// What the peer sends here, as last announced to the owner.
  var remoteTrack: RemoteTrack?
  /// The mid before the pending description gave it one; goes back to it with a rollback.
  var settledMid: String?
  /// Made for a section of the remote offer that is pending; goes away with a rollback unless a track was added.
  var isMadeByPendingOffer = false

  init(
    kind: TrackKind, direction: MediaDirection, wasAddedByTrack: Bool, msid: MediaStreamIdentifier?,
    sources: LocalSources
  ) {
    self.kind = kind
    self.sources = sources
    local = LocalTransceiver(
      kind: kind.mediaKind, direction: direction, wasAddedByTrack: wasAddedByTrack, msid: msid, sources: sources)
  }

  var mid: String? { local.mid }

  /// Whether a track is set to be sent, whatever the peer says to it.
  var hasTrack: Bool { local.direction.sends }

  /// Whether a new track may use this transceiver instead of one of its own (W3C `addTrack`).
  func takes(_ kind: TrackKind) -> Bool {
    self.kind == kind && !hasTrack && !hasSent && !local.isStopped
  }
}
