internal import DequeModule
public import NIOCore

/// Finds out how a NAT behaves (RFC 5780 section 4), from one UDP socket that was used for nothing else.
///
/// It is sans-IO: datagrams and the time go in; datagrams and the next deadline come out. After every call drain
/// ``pollOutput()``. It takes some seconds, since half of its tests are whether nothing comes.
public final class NATDiagnosis {
  /// How long a server may take, and how long something is waited for that perhaps may not come.
  private static let serverLifetime = TimeAmount.seconds(4)
  private static let testLifetime = TimeAmount.milliseconds(2_500)
  private static let retransmissionTimeout = TimeAmount.milliseconds(250)
  private static let longestInterval = TimeAmount.milliseconds(500)
  /// Servers that are asked; others are left out.
  public static let maximumServers = 8

  /// One question. They are asked in this order, because what is sent to the second address opens the filter for it
  /// (RFC 5780 section 4.3).
  private enum Test: Hashable {
    case server(Int)
    /// From another address and port; from another port.
    case filteringByAddress, filteringByPort
    /// To another address; to another address and port.
    case mappingByAddress, mappingByPort
    case hairpin
  }

  private struct Request {
    let test: Test
    let destination: TransportAddress
    var transaction: STUNTransaction
  }

  /// What each server said, in the order given; those that have not answered yet are without an address.
  public private(set) var answers: [STUNServerAnswer]
  /// What is known so far.
  public private(set) var behaviour = NATBehaviour()
  /// Whether all is known that can be.
  public private(set) var isFinished = false

  private let local: TransportAddress
  private var random: any RandomNumberGenerator
  private var requests: [Request] = []
  private var outputs: Deque<(datagram: ByteBuffer, destination: TransportAddress)> = []
  /// The answer at the address that mapping tests compare with.
  private var mappedByAddress: TransportAddress?

  /// - Parameters:
  ///   - local: of the socket. Servers of the other IP version are left out.
  ///   - servers: STUN servers, RFC 5780 ones or plain.
  public init(local: TransportAddress, servers: [TransportAddress], random: some RandomNumberGenerator) {
    self.local = local
    self.random = random
    answers = servers.filter { $0.family == local.family && $0.isUsable }.prefix(Self.maximumServers)
      .map { STUNServerAnswer(server: $0) }
  }

  /// Begins.
  public func start(now: NIODeadline) {
    for (index, answer) in answers.enumerated() {
      send(.server(index), to: answer.server, lifetime: Self.serverLifetime, now: now)
    }
    isFinished = requests.isEmpty
  }

  /// The next datagram to send, in order; nil when all is sent for now.
  public func pollOutput() -> (datagram: ByteBuffer, destination: TransportAddress)? { outputs.popFirst() }

  /// When ``handleTimeout(now:)`` wants to be called; nil: never, as things are.
  public var nextDeadline: NIODeadline? { requests.map(\.transaction.nextDeadline).min() }

  /// Sends again, or gives up, what is due.
  public func handleTimeout(now: NIODeadline) {
    for index in requests.indices.reversed() {
      if requests[index].transaction.expiresAt <= now {
        let request = requests.remove(at: index)
        ended(request.test, mapped: nil, now: now)
      } else if requests[index].transaction.retransmitAt <= now {
        requests[index].transaction.retransmitted(now)
        outputs.append((requests[index].transaction.datagram, requests[index].destination))
      }
    }
  }

  /// Takes a datagram from the socket.
  public func receive(_ datagram: ByteBuffer, from source: TransportAddress, now: NIODeadline) {
    guard let message = try? STUNMessage(parsing: datagram),
      let index = requests.firstIndex(where: { $0.transaction.id == message.transactionID })
    else { return }
    let request = requests[index]
    guard counts(message, from: source, for: request) else { return }
    requests.remove(at: index)
    if case .server(let number) = request.test {
      answers[number].mapped = message.mappedAddress
      answers[number].roundTripTime = request.transaction.roundTripTime(now)
      answers[number].otherAddress = message.otherAddress.flatMap { isOther($0, than: request.destination) ? $0 : nil }
    }
    ended(request.test, mapped: message.mappedAddress ?? request.destination, now: now)
  }

  private func isOther(_ address: TransportAddress, than server: TransportAddress) -> Bool {
    address.family == server.family && address.isUsable && !address.hasSameIP(as: server)
      && address.port != server.port
  }

  /// Whether it is what the test waits for: our own request coming back, or an answer from the right place.
  private func counts(_ message: STUNMessage, from source: TransportAddress, for request: Request) -> Bool {
    switch request.test {
    case .hairpin: return message.messageClass == .request
    case .filteringByAddress: return message.messageClass == .successResponse && source == examiner?.otherAddress
    case .filteringByPort:
      return message.messageClass == .successResponse && source.hasSameIP(as: request.destination)
        && source.port == examiner?.otherAddress?.port
    default: return message.messageClass == .successResponse && message.mappedAddress != nil
    }
  }

  // MARK: - The course of the tests

  /// The server that can do more than tell addresses.
  private var examiner: STUNServerAnswer? { answers.first { $0.otherAddress != nil } }

  private func ended(_ test: Test, mapped: TransportAddress?, now: NIODeadline) {
    switch test {
    case .server: if requests.isEmpty { serversAnswered(now: now) }
    case .filteringByAddress where mapped != nil:
      behaviour.filtering = .endpointIndependent
      examineMapping(now: now)
    case .filteringByAddress:
      change(.filteringByPort, flags: 2, now: now)
    case .filteringByPort:
      behaviour.filtering = mapped == nil ? .addressAndPortDependent : .addressDependent
      examineMapping(now: now)
    case .mappingByAddress:
      mappedByAddress = mapped
      guard let mapped, mapped != examiner?.mapped, let other = examiner?.otherAddress else {
        if mapped != nil { behaviour.mapping = .endpointIndependent }
        return examineHairpin(now: now)
      }
      send(.mappingByPort, to: other, now: now)
    case .mappingByPort:
      if let mapped {
        behaviour.mapping = mapped == mappedByAddress ? .addressDependent : .addressAndPortDependent
      }
      examineHairpin(now: now)
    case .hairpin:
      behaviour.hairpins = mapped != nil
      isFinished = true
    }
  }

  private func serversAnswered(now: NIODeadline) {
    let mapped = answers.filter { $0.mapped != nil }
    guard let first = examiner ?? mapped.first, let address = first.mapped else { return isFinished = true }
    behaviour.mapped = address
    behaviour.isTranslated = address != local
    if !behaviour.isTranslated {
      behaviour.mapping = .endpointIndependent
    } else if mapped.contains(where: { $0.mapped != address }) {
      behaviour.mapping = .dependent
    } else if mapped.contains(where: { !$0.server.hasSameIP(as: first.server) }) {
      behaviour.mapping = .endpointIndependent
    }
    if examiner == nil { examineHairpin(now: now) } else { change(.filteringByAddress, flags: 6, now: now) }
  }

  private func examineMapping(now: NIODeadline) {
    guard behaviour.isTranslated, let examiner, let other = examiner.otherAddress else { return isFinished = true }
    send(.mappingByAddress, to: other.with(port: examiner.server.port), now: now)
  }

  private func examineHairpin(now: NIODeadline) {
    guard behaviour.isTranslated, let mapped = behaviour.mapped else { return isFinished = true }
    send(.hairpin, to: mapped, now: now)
  }

  // MARK: - Requests

  /// Asks the examiner to answer from elsewhere (CHANGE-REQUEST).
  private func change(_ test: Test, flags: UInt32, now: NIODeadline) {
    guard let server = examiner?.server else { return isFinished = true }
    send(test, to: server, flags: flags, now: now)
  }

  private func send(
    _ test: Test, to destination: TransportAddress, flags: UInt32 = 0, lifetime: TimeAmount = testLifetime,
    now: NIODeadline
  ) {
    let id = STUNTransactionID(using: &random)
    var writer = STUNWriter(.request, transactionID: id)
    if flags != 0 { writer.append(.changeRequest, integer: flags) }
    let datagram = writer.finish(fingerprint: false)
    requests.append(
      Request(
        test: test, destination: destination,
        transaction: STUNTransaction(
          id: id, datagram: datagram, now: now, timeout: Self.retransmissionTimeout,
          longestInterval: Self.longestInterval, lifetime: lifetime)))
    outputs.append((datagram, destination))
  }
}
