/// What a description is for (`RTCSdpType`). Provisional answers are not made and not taken: no browser sends one unasked.
public enum DescriptionType: String, Sendable, Hashable {
  case offer, answer, rollback
}

/// An offer or answer as it travels over signaling (`RTCSessionDescriptionInit`).
public struct Description: Sendable, Hashable {
  public var type: DescriptionType
  /// The session description (RFC 8866) with CRLF line ends; empty for a rollback.
  public var sdp: String

  public init(type: DescriptionType, sdp: String) {
    self.type = type
    self.sdp = sdp
  }

  /// Takes back the offer that is pending (RFC 9429 section 4.1.10.2).
  public static let rollback = Description(type: .rollback, sdp: "")
}

/// A candidate as it travels over signaling (`RTCIceCandidateInit`). An empty ``candidate`` ends the candidates.
public struct CandidateDescription: Sendable, Hashable {
  /// `candidate:...` as in RFC 8839 section 5.1, or empty for the end of candidates.
  public var candidate: String
  /// The media section it belongs to, by its identification tag.
  public var sdpMid: String?
  /// The media section it belongs to, counted from 0; looked at when ``sdpMid`` is nil or empty.
  public var sdpMLineIndex: Int?
  /// The ICE generation it belongs to; a candidate of another generation is dropped.
  public var usernameFragment: String?

  public init(
    candidate: String, sdpMid: String? = nil, sdpMLineIndex: Int? = nil, usernameFragment: String? = nil
  ) {
    self.candidate = candidate
    self.sdpMid = sdpMid
    self.sdpMLineIndex = sdpMLineIndex
    self.usernameFragment = usernameFragment
  }
}
