public import NIOCore

/// A TCP connection, as the transport and its driver name it. Never used twice in one transport.
public struct StreamID: Hashable, Sendable {
  let number: UInt64
}

extension ICETransport {
  /// What the driver has to do.
  public enum Action: Sendable {
    /// Send this from the UDP socket bound to `from`. One that can't be sent is dropped, as networks do.
    case datagram(ByteBuffer, from: TransportAddress, to: TransportAddress)
    /// Open a TCP connection and say ``ICETransport/streamOpened(_:local:now:)`` or
    /// ``ICETransport/streamClosed(_:error:now:)`` when it is done.
    /// - `from`: the IP address to connect from; its port is 0, for one of the system's choice, or nil for any address.
    /// - `tls`: the name the server's certificate has to be for; nil: plain TCP.
    case openStream(StreamID, from: TransportAddress?, to: TransportAddress, tls: String?)
    /// Write this to an open stream, behind what was written before. It is one whole frame: a driver whose peer does not
    /// read fast enough may drop it if `mayDrop`, but never a part of it.
    case stream(StreamID, ByteBuffer, mayDrop: Bool)
    /// Close the stream once all is written. Nothing of it is to be reported any more.
    case closeStream(StreamID)
    /// Find the addresses of a `.local` name (mDNS) and say ``ICETransport/resolved(_:to:now:)``, at the latest after some
    /// seconds.
    case resolve(String)
  }

  /// What the transport has to say.
  public enum Output: Sendable {
    case perform(Action)
    case event(ICEAgent.Event)
    /// A server is of no use, for a reason a person can read; the others go on.
    case serverProblem(ICEServer, String)
  }

  /// What became of a datagram.
  public enum Received: Sendable {
    /// It was STUN or TURN, and is dealt with; what was wrong with it is in the statistics.
    case consumed
    /// The peer's data: DTLS, SRTP or SRTCP, without the framing of relay or stream. It came from an address that has
    /// proved to be the peer's by an authentic check or response; no more is known of it.
    case application(ByteBuffer)
    /// Nothing of ours, or from nobody we know.
    case discarded
  }
}
