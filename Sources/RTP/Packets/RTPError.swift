/// Why bytes from the peer were not taken. Nothing else changes when one is thrown.
public enum RTPError: Error, Equatable, CustomStringConvertible {
  /// Ends before the named part does.
  case truncated(String)
  /// The version field is not 2.
  case badVersion(UInt8)
  /// The named field contradicts the rest of the packet.
  case malformed(String)
  /// No stream takes a packet of this source and payload type.
  case unknownStream(SSRC, PayloadType)

  public var description: String {
    switch self {
    case .truncated(let part): "packet ends within its \(part)"
    case .badVersion(let version): "RTP version \(version) instead of 2"
    case .malformed(let part): "malformed \(part)"
    case .unknownStream(let ssrc, let type): "no stream for SSRC \(ssrc), payload type \(type)"
    }
  }
}
