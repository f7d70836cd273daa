import Calling
import ICE
import Logging
import NIOCore
import PeerConnection
import Signaling

/// Examines the network as calls would use it, and says what it finds while it goes.
struct NetworkDoctor {
  let configuration: PeerConnectionConfiguration
  /// Of the chat, as given.
  let server: String
  let eventLoop: any EventLoop
  let logger: Logger

  /// - Returns: whether calls will work.
  func examine() async -> Bool {
    var findings = NetworkFindings()
    let interfaces = examineInterfaces(&findings)
    let handedOut = await examineChatServer(&findings)
    var book = ICEServerBook()
    for problem in book.take(handedOut, now: .now()) { say(.problem, "from the chat server: \(problem)") }
    let servers = book.joined(to: configuration.iceServers, now: .now())
    findings.hasServers = !servers.isEmpty
    await examineNAT(servers, interfaces, &findings)
    await examineRelays(servers.filter { $0.kind == .turn }, interfaces, &findings)
    await examineUnlistedWays(to: servers, interfaces, &findings)
    await examineNames(interfaces)
    title("What this means")
    for remark in findings.remarks { say(remark.mark, remark.text) }
    return findings.callsWork
  }

  // MARK: - Parts

  private func examineInterfaces(_ findings: inout NetworkFindings) -> [NetworkInterface] {
    title("Interfaces")
    do {
      let (loopback, names) = (configuration.includesLoopback, configuration.interfaces)
      for report in try InterfaceReport.all(includeLoopback: loopback, names: names) {
        let reason = report.leftOut.map { ": not used, \($0.rawValue)" } ?? ""
        say(report.leftOut == nil ? .good : .neutral, "\(report.name) \(report.address.ip)\(reason)")
      }
      let usable = try NetworkInterface.usable(includeLoopback: loopback, names: names)
      findings.hasInterface = !usable.isEmpty
      if usable.isEmpty {
        say(.problem, "none can be used" + (names.isEmpty ? "" : "; check --interface"))
      }
      return usable
    } catch {
      say(.problem, "the system does not list them: \(error)")
      return []
    }
  }

  private func examineChatServer(_ findings: inout NetworkFindings) async -> ICEServersMessage {
    title("Chat server")
    let begin = NIODeadline.now()
    switch await ChatServerProbe.run(server, eventLoop: eventLoop, logger: logger) {
    case .success(let answer):
      findings.reachesChat = true
      let name = answer.software ?? "a server that does not say what it is"
      say(.good, "\(server): \(name), \(Self.milliseconds(answer.loggedIn - begin))")
      switch answer.servers.map(\.servers.count) {
      case nil: say(.neutral, "it knows of no STUN or TURN servers; its users need --ice-server")
      case 0?: say(.neutral, "it hands out no STUN or TURN servers")
      case .some: say(.good, "it hands out \(Self.count(answer.servers)) STUN and TURN servers")
      }
      return answer.servers ?? ICEServersMessage(servers: [])
    case .failure(let error):
      say(.problem, "\(server): \(error)")
      return ICEServersMessage(servers: [])
    }
  }

  private func examineNAT(
    _ servers: [ICEServer], _ interfaces: [NetworkInterface], _ findings: inout NetworkFindings
  ) async {
    title("STUN servers and NAT")
    let askable = servers.filter { $0.transport == .udp }
    guard !askable.isEmpty else { return say(.neutral, "there is no server to ask") }
    var names: [TransportAddress: ICEServer] = [:]
    for server in askable {
      do {
        for address in try await server.resolve() where names[address] == nil { names[address] = server }
      } catch {
        say(.problem, "\(server): \(error)")
      }
    }
    for interface in interfaces {
      let addresses = names.keys.filter { $0.family == interface.address.family }.sorted { "\($0)" < "\($1)" }
      guard !addresses.isEmpty else { continue }
      say(.neutral, "from \(interface.name) \(interface.address.ip):")
      do {
        let report = try await NATProbe.run(
          from: interface, servers: addresses, portRange: configuration.portRange, eventLoop: eventLoop)
        for answer in report.answers { say(answer, of: names[answer.server]) }
        say(report.behaviour)
        findings.add(report.behaviour)
      } catch {
        say(.problem, "  no socket: \(error)")
      }
    }
  }

  private func examineRelays(
    _ servers: [ICEServer], _ interfaces: [NetworkInterface], _ findings: inout NetworkFindings
  ) async {
    guard !servers.isEmpty else { return }
    title("TURN servers")
    for server in servers {
      do {
        let report = try await tryRelay(server, interfaces)
        say(report, of: server)
        findings.add(report, of: server)
      } catch {
        findings.add(RelayProbe.Report(), of: server)
        say(.problem, "\(server): \(error)")
      }
    }
  }

  /// The same servers over transports that nobody has configured; all at once, since most give no answer.
  private func examineUnlistedWays(
    to servers: [ICEServer], _ interfaces: [NetworkInterface], _ findings: inout NetworkFindings
  ) async {
    let ways = ICEServer.unlistedWays(to: servers)
    let working = await withTaskGroup(of: ICEServer?.self) { group in
      for way in ways {
        group.addTask { (try? await tryRelay(way, interfaces))?.loopTime == nil ? nil : way }
      }
      return await group.reduce(into: Set<ICEServer>()) { working, way in if let way { working.insert(way) } }
    }
    for way in ways where working.contains(way) {
      say(.neutral, "\(way): works, and is not configured")
      findings.addUnlisted(way)
    }
  }

  private func tryRelay(_ server: ICEServer, _ interfaces: [NetworkInterface]) async throws -> RelayProbe.Report {
    var options = ICESockets.Options()
    options.portRange = configuration.portRange
    options.tlsRoots = configuration.tlsRoots
    return try await RelayProbe.run(
      server, addresses: try await server.resolve(), interfaces: interfaces, options: options, eventLoop: eventLoop,
      logger: logger)
  }

  private func examineNames(_ interfaces: [NetworkInterface]) async {
    title("Multicast DNS")
    guard let interface = interfaces.first(where: { $0.address.family == .v4 }) ?? interfaces.first else { return }
    let time = try? await MDNSProbe.run(interface, eventLoop: eventLoop, logger: logger)
    if let time {
      say(.good, "names of browsers can be resolved on \(interface.name), \(Self.milliseconds(time))")
    } else {
      say(
        .neutral,
        "no answer on \(interface.name): addresses that browsers hide stay hidden, and calls to them take another way")
    }
  }

  // MARK: - Words

  enum Mark: String { case good = "ok", problem = "!!", neutral = "--" }

  private func title(_ text: String) { LineFile.standardOutput.write("\n\(text)") }

  private func say(_ mark: Mark, _ text: String) { LineFile.standardOutput.write("  \(mark.rawValue)  \(text)") }

  private func say(_ answer: STUNServerAnswer, of server: ICEServer?) {
    let name = "  \(server.map { "\($0)" } ?? "") (\(answer.server.ip))"
    guard let mapped = answer.mapped else { return say(.problem, "\(name): no answer") }
    let time = answer.roundTripTime.map { ", \(Self.milliseconds($0))" } ?? ", asked more than once"
    say(.good, "\(name): you are \(mapped)\(time)\(answer.otherAddress == nil ? "" : ", can test NATs")")
  }

  private func say(_ behaviour: NATBehaviour) {
    guard behaviour.mapped != nil else { return }
    say(.neutral, behaviour.isTranslated ? "  there is a NAT" : "  there is no NAT")
    if behaviour.isTranslated {
      say(.neutral, "  mapping: \(behaviour.mapping?.rawValue ?? "unknown, it takes a second server to tell")")
    }
    say(.neutral, "  filtering: \(behaviour.filtering?.rawValue ?? "unknown, it takes a server with RFC 5780 to tell")")
    if let hairpins = behaviour.hairpins { say(.neutral, "  hairpinning: \(hairpins ? "yes" : "no")") }
  }

  private func say(_ report: RelayProbe.Report, of server: ICEServer) {
    if let allocation = report.allocationTime {
      let relayed = report.relayed.map(\.description).joined(separator: ", ")
      say(.good, "\(server): relays at \(relayed), \(Self.milliseconds(allocation))")
      if let loop = report.loopTime {
        say(.good, "  through it and back, \(Self.milliseconds(loop))")
      } else {
        say(.problem, "  nothing came through it: it may forbid to relay to itself, or drops what it relays")
      }
    } else if report.problems.isEmpty {
      say(.problem, "\(server): no answer")
    }
    for problem in report.problems { say(.problem, "\(server): \(problem)") }
  }

  private static func milliseconds(_ time: TimeAmount) -> String {
    let tenths = time.nanoseconds / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  private static func count(_ message: ICEServersMessage?) -> Int {
    message?.servers.reduce(0) { $0 + $1.urls.count } ?? 0
  }
}
