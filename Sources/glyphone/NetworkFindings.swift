import ICE

/// What the doctor has seen of the network, and what it means for calls.
struct NetworkFindings {
  var hasInterface = false
  var reachesChat = false
  /// Whether there is any STUN or TURN server to use.
  var hasServers = false
  private(set) var behaviours: [NATBehaviour] = []
  private(set) var relays: [(server: ICEServer, works: Bool)] = []
  /// Ways to TURN servers that work, and that calls do not know of.
  private(set) var unlisted: [ICEServer] = []

  mutating func add(_ behaviour: NATBehaviour) { behaviours.append(behaviour) }

  mutating func add(_ report: RelayProbe.Report, of server: ICEServer) {
    relays.append((server, report.allocationTime != nil))
  }

  mutating func addUnlisted(_ way: ICEServer) { unlisted.append(way) }

  private var seen: [NATBehaviour] { behaviours.filter { $0.mapped != nil } }
  private var hasRelay: Bool { relays.contains(where: \.works) }
  /// Servers were asked over UDP, and all were silent.
  private var isUDPBlocked: Bool { !behaviours.isEmpty && seen.isEmpty }
  /// Those that are to blame: where UDP does not get out and another way works, one over UDP is not.
  private var brokenRelays: [ICEServer] {
    relays.filter { !$0.works && !(isUDPBlocked && hasRelay && $0.server.transport == .udp) }.map(\.server)
  }
  /// Some address of ours is the same for everybody.
  private var isStable: Bool { seen.contains { !$0.isTranslated || $0.mapping == .endpointIndependent } }

  /// Whether calls will work, as far as can be told.
  var callsWork: Bool { hasInterface && reachesChat && (hasRelay || !isUDPBlocked) }

  /// The verdict, and what to do.
  var remarks: [(mark: NetworkDoctor.Mark, text: String)] {
    guard hasInterface else { return [(.problem, "there is no network: plug in a cable or join a Wi-Fi")] }
    var remarks: [(mark: NetworkDoctor.Mark, text: String)] = []
    if !reachesChat {
      remarks.append((.problem, "nobody can be called without the chat server: check --server, and that it runs"))
    }
    if !hasServers {
      remarks.append(
        (.neutral, "calls work within the local network; for others name a STUN and a TURN server (docs/network.md)"))
    } else if isUDPBlocked {
      remarks.append(
        hasRelay
          ? (.neutral, "UDP does not get out: every call takes the relay")
          : (.problem, "UDP does not get out: let UDP out to port 3478, or name a turns: server on port 443"))
    } else if isStable {
      remarks.append((.good, "most calls will be direct"))
    } else if seen.contains(where: { $0.mapping == nil }) {
      remarks.append((.neutral, "how the NAT maps is not known: name a second STUN server on another address"))
    } else if !seen.isEmpty {
      remarks.append(
        hasRelay
          ? (.neutral, "the NAT gives each peer another address: calls to people behind a strict one take the relay")
          : (.problem, "the NAT gives each peer another address: without a TURN server many calls will fail"))
    }
    let failed = brokenRelays.map { "\($0)" }.joined(separator: ", ")
    if hasRelay {
      remarks.append((.good, "where no direct way is found, the relay is taken"))
    } else if hasServers, !isUDPBlocked {
      remarks.append((.neutral, "there is no relay that works: some calls between strict networks will fail"))
    }
    if !failed.isEmpty {
      remarks.append(
        (
          .problem,
          "does not relay: \(failed); see above for why, and check its log, password, certificate and firewall"
        ))
    }
    if !unlisted.isEmpty {
      let ways = unlisted.map { "\($0)" }.joined(separator: ", ")
      remarks.append((.neutral, "works, but calls do not know of it: \(ways); name it here or at the chat server"))
    }
    return remarks
  }
}
