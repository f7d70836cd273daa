internal import DequeModule
public import NIOCore

/// Everything between an application's datagrams and the sockets: the ICE agent, allocations on TURN servers over UDP, TCP
/// and TLS (RFC 8656), and the framing of TCP (RFC 4571, RFC 6544).
///
/// It is sans-IO, like the agent in it: addresses, bytes and the time go in; actions, events and the next deadline come out.
/// After every call drain ``pollOutput()`` and arm a timer for ``nextDeadline``. Time must not run backwards from call to
/// call.
public final class ICETransport {
  let agent: ICEAgent
  private var outputs: Deque<Output> = []

  /// - Parameters:
  ///   - role: controlling for who makes the first offer; a conflict is settled between the agents.
  ///   - random: for credentials, transaction IDs and the tie-breaker: has to be unpredictable outside of tests.
  public init(
    configuration: ICEAgent.Configuration = .init(), role: ICEAgent.Role,
    random: some RandomNumberGenerator = SystemRandomNumberGenerator()
  ) {
    agent = ICEAgent(configuration: configuration, role: role, random: random)
  }

  // MARK: - Sockets and servers

  /// Adds the address of a UDP socket. Order is preference.
  /// - Parameter name: the `.local` name to tell the peer in its stead; nil tells the address.
  public func addLocalAddress(_ address: TransportAddress, name: String? = nil, now: NIODeadline) {
    agent.addLocalAddress(address, now: now)
    collect(now)
  }

  /// Adds an address for ICE-TCP (RFC 6544): of a listening socket, or the IP address we connect from.
  public func addTCPAddress(_ address: TransportAddress, isPassive: Bool, now: NIODeadline) {
    collect(now)
  }

  /// Takes an address away whose socket is closed or whose interface is gone, with all that depends on it.
  public func removeLocalAddress(_ address: TransportAddress, now: NIODeadline) {
    collect(now)
  }

  /// Adds a STUN or TURN server to use, now and after restarts.
  /// - Parameter addresses: of its host name, with the server's port, in order of preference. Of each family the first is
  ///   used that gives an answer.
  public func addServer(_ server: ICEServer, addresses: [TransportAddress], now: NIODeadline) {
    for address in addresses { agent.addSTUNServer(address, now: now) }
    collect(now)
  }

  /// Says that all local addresses and servers were added: gathering is complete when the servers have answered or were
  /// given up, after some 10 s.
  public func endOfLocalAddresses(now: NIODeadline) {
    agent.endOfLocalAddresses(now: now)
    collect(now)
  }

  // MARK: - Descriptions and candidates, as the agent's

  public var configuration: ICEAgent.Configuration { agent.configuration }
  public var localCredentials: ICECredentials { agent.localCredentials }
  public var remoteCredentials: ICECredentials? { agent.remoteCredentials }
  public var localCandidates: [Candidate] { agent.localCandidates }
  public var currentRole: ICEAgent.Role { agent.currentRole }
  public var connectionState: ICEAgent.ConnectionState { agent.connectionState }
  public var gatheringState: ICEAgent.GatheringState { agent.gatheringState }
  public var selectedPair: ICEAgent.SelectedPair? { agent.selectedPair }
  public var statistics: ICEAgent.Statistics { agent.statistics }

  /// Sets the role before checks begin; see ``ICEAgent/setRole(_:now:)``.
  public func setRole(_ role: ICEAgent.Role, now: NIODeadline) {
    agent.setRole(role, now: now)
    collect(now)
  }

  /// Begins a new generation; see ``ICEAgent/restart(now:)``. Allocations stay; servers that failed are tried again.
  public func restart(now: NIODeadline) {
    agent.restart(now: now)
    collect(now)
  }

  /// Takes the peer's credentials; see ``ICEAgent/setRemoteCredentials(_:now:)``.
  public func setRemoteCredentials(_ credentials: ICECredentials, now: NIODeadline) {
    agent.setRemoteCredentials(credentials, now: now)
    collect(now)
  }

  /// Takes a candidate of the peer; see ``ICEAgent/addRemoteCandidate(_:usernameFragment:now:)``.
  @discardableResult
  public func addRemoteCandidate(
    _ candidate: Candidate, usernameFragment: String? = nil, now: NIODeadline
  ) -> ICEAgent.CandidateDisposition {
    defer { collect(now) }
    return agent.addRemoteCandidate(candidate, usernameFragment: usernameFragment, now: now)
  }

  /// Answers ``Action/resolve(_:)``: ports are ignored; no address means that the name is unknown.
  public func resolved(_ name: String, to addresses: [TransportAddress], now: NIODeadline) {
    collect(now)
  }

  // MARK: - Bytes

  /// Takes a datagram that arrived at the UDP socket bound to `local`.
  public func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) -> Received {
    defer { collect(now) }
    return agent.receive(datagram, from: remote, to: local, now: now) ? .consumed : .discarded
  }

  /// Says that a stream of ``Action/openStream(_:from:to:tls:)`` is open (with TLS: that the certificate is right).
  /// - Parameter local: our end's address.
  public func streamOpened(_ id: StreamID, local: TransportAddress, now: NIODeadline) {
    collect(now)
  }

  /// Says that a peer has connected to a listening socket of ours.
  /// - Returns: what the stream is called from now on; nil: close it, there are too many.
  public func streamAccepted(local: TransportAddress, remote: TransportAddress, now: NIODeadline) -> StreamID? {
    collect(now)
    return nil
  }

  /// Takes bytes of a stream, as they come.
  /// - Parameter deliver: called for each datagram of the peer's data in them, see ``Received/application(_:)``.
  public func streamReceived(
    _ id: StreamID, _ bytes: ByteBuffer, now: NIODeadline, deliver: (ByteBuffer) -> Void
  ) {
    collect(now)
  }

  /// Says that a stream could not be opened, or was closed by the other end.
  /// - Parameter error: why, for people; nil if it was closed in order.
  public func streamClosed(_ id: StreamID, error: String?, now: NIODeadline) {
    collect(now)
  }

  /// Sends the application's data (DTLS, SRTP, SRTCP) to the peer on the selected pair.
  /// - Returns: false if there is no pair; the datagram is dropped then.
  @discardableResult
  public func send(_ datagram: ByteBuffer, now: NIODeadline) -> Bool {
    guard let path = agent.mediaPath else { return false }
    outputs.append(.perform(.datagram(datagram, from: path.local, to: path.remote)))
    return true
  }

  /// Whether ``send(_:now:)`` has somewhere to send to.
  public var canSend: Bool { agent.mediaPath != nil }

  // MARK: - Time and outputs

  /// When ``handleTimeout(now:)`` wants to be called; nil: never, as things are.
  public var nextDeadline: NIODeadline? { agent.nextDeadline }

  /// Does what is due. May be called early or late.
  public func handleTimeout(now: NIODeadline) {
    agent.handleTimeout(now: now)
    collect(now)
  }

  /// The next thing to do, in order; nil when all is done for now.
  public func pollOutput() -> Output? { outputs.popFirst() }

  /// Gives the allocations back and ends everything. What is still to be sent comes out of ``pollOutput()``.
  public func close(now: NIODeadline) {
    agent.close()
    collect(now)
  }

  /// Carries out what the agent wants.
  private func collect(_ now: NIODeadline) {
    while let output = agent.pollOutput() {
      switch output {
      case .transmit(let datagram, let local, let remote):
        outputs.append(.perform(.datagram(datagram, from: local, to: remote)))
      case .event(let event): outputs.append(.event(event))
      }
    }
  }
}
