internal import NIOCore

extension Relay {
  enum Output {
    case perform(ICETransport.Action)
    case allocated([TransportAddress], mapped: TransportAddress?, server: TransportAddress)
    /// These relayed addresses are gone.
    case lost([TransportAddress])
    /// For people; the relay does what it can about it by itself.
    case problem(String)
  }

  enum Limit {
    static let attempts = 6
    static let redirections = 3
    /// New sockets or streams that are tried because the server took the last for somebody else's.
    static let mismatches = 2
    /// The time between the first message of one attempt and that of the next.
    static let stagger = TimeAmount.milliseconds(150)
    static let connecting = TimeAmount.milliseconds(9_500)
    /// The least time between two beginnings, when the allocation was lost or paths are looked for anew: it doubles with each
    /// from the first of these to the last, and begins again when an allocation has stood for as long as the last.
    static let restart = (first: TimeAmount.milliseconds(500), last: TimeAmount.seconds(10))
    /// When a server that can't or does not answer is asked again (RFC 8656 section 7.4: a minute at the least). For as long
    /// after a loss it is asked more often: it may be the way to it that is gone, and a call that waits.
    static let retry = TimeAmount.minutes(1)
  }

  /// One of our addresses with one of the server's.
  struct Way: Equatable {
    let local: TransportAddress
    let remote: TransportAddress
  }

  /// A socket or stream on which the server is asked.
  struct Attempt {
    let way: Way
    let stream: StreamID?
    /// Until then the stream has to be open.
    var connectsUntil: NIODeadline?
    let allocation: TURNAllocation
    var deframer = StreamDeframer(.turn)
  }

  enum State: Equatable {
    /// We have no address that could reach the server.
    case idle
    case trying
    case allocated
    /// To be tried again then, if at all.
    case failed(again: NIODeadline?)
  }
}

extension TURNAllocation.Ending {
  /// For people.
  var text: String {
    switch self {
    case .redirected(let address, _): "it sends us on, in the end to \(address)"
    case .mismatch(let text), .busy(let text), .refused(let text): text
    case .unreachable: "no answer"
    }
  }
}
