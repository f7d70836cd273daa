internal import NIOCore

/// The names we are looking for by multicast DNS (RFC 6762 section 5): what to ask when, and what the answers say. Messages
/// and the time go in.
struct MDNSQueries {
  /// When a name is asked for, from the beginning: the second time after at least a second, and then after twice as long.
  private static let schedule: [TimeAmount] = [.zero, .seconds(1), .seconds(3)]
  /// When it is given up.
  private static let patience = TimeAmount.seconds(4)
  /// A peer may not make us ask for more names at a time.
  static let maximumNames = 32

  /// A name that was found, or that nobody knows: then there are no addresses.
  struct Result: Hashable {
    var name: String
    /// With port 0.
    var addresses: [TransportAddress]
  }

  private struct Query {
    let name: String
    let began: NIODeadline
    var timesAsked = 0

    var nextDeadline: NIODeadline {
      began + (timesAsked < schedule.count ? schedule[timesAsked] : patience)
    }
  }

  private var queries: [Query] = []

  /// When ``handleTimeout(now:)`` is to be called.
  var nextDeadline: NIODeadline? { queries.map(\.nextDeadline).min() }

  /// Begins to look for a name; call ``handleTimeout(now:)`` then.
  /// - Returns: false if it is not one that can be looked for, or there are too many already.
  mutating func begin(_ name: String, now: NIODeadline) -> Bool {
    guard DNSMessage.isName(name) else { return false }
    if queries.contains(where: { $0.name == name.lowercased() }) { return true }
    guard queries.count < Self.maximumNames else { return false }
    queries.append(Query(name: name.lowercased(), began: now))
    return true
  }

  /// - Returns: what to ask now, if anything, and the names that are given up.
  mutating func handleTimeout(now: NIODeadline) -> (question: DNSMessage?, unknown: [Result]) {
    var questions: [DNSMessage.Question] = []
    var unknown: [Result] = []
    queries = queries.compactMap { query in
      guard query.nextDeadline <= now else { return query }
      guard query.timesAsked < Self.schedule.count else {
        unknown.append(Result(name: query.name, addresses: []))
        return nil
      }
      var query = query
      query.timesAsked += 1
      for type in [DNSMessage.RecordType.a, DNSMessage.RecordType.aaaa] {
        questions.append(DNSMessage.Question(name: query.name, type: type))
      }
      return query
    }
    return (questions.isEmpty ? nil : DNSMessage(questions: questions), unknown)
  }

  /// Takes a message.
  /// - Returns: the names that are found by it.
  mutating func receive(_ message: DNSMessage) -> [Result] {
    guard message.isResponse else { return [] }
    var found: [Result] = []
    // A record that lives for no time says goodbye (RFC 6762 section 10.1).
    for record in message.addresses where record.timeToLive > 0 {
      guard queries.contains(where: { $0.name == record.name }) else { continue }
      if let index = found.firstIndex(where: { $0.name == record.name }) {
        found[index].addresses.append(record.address)
      } else {
        found.append(Result(name: record.name, addresses: [record.address]))
      }
    }
    queries.removeAll { query in found.contains { $0.name == query.name } }
    return found
  }
}
