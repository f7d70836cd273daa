/// The W3C dictionary RTCIceCandidateInit, as browsers put it into `new-ice-candidate`.
public struct ICECandidateInit: Sendable, Equatable {
  /// The candidate attribute, `candidate:...`. Empty at the end of candidates (Firefox).
  public var candidate: String
  /// The m-section by its identification tag.
  public var sdpMid: String?
  /// The m-section by its place, from 0.
  public var sdpMLineIndex: Int?
  /// The ICE generation it belongs to.
  public var usernameFragment: String?

  public init(candidate: String, sdpMid: String?, sdpMLineIndex: Int?, usernameFragment: String? = nil) {
    self.candidate = candidate
    self.sdpMid = sdpMid
    self.sdpMLineIndex = sdpMLineIndex
    self.usernameFragment = usernameFragment
  }

  /// Whether it says that no more candidates follow (W3C WebRTC, 4.4.1.6).
  public var isEndOfCandidates: Bool { candidate.isEmpty }
}
