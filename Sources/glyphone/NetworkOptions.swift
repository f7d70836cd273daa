public import ArgumentParser
import ICE
public import PeerConnection

/// How calls get through.
struct NetworkOptions: ParsableArguments {
  @Option(
    name: [.customLong("ice-server"), .customLong("stun")],
    help: ArgumentHelp(
      """
      A STUN or TURN server beside those the chat server knows; may be given several times. A user name and a password \
      may follow in the same argument; they are better kept in the configuration file.
      """, valueName: "stun:|turn:|turns:HOST[:PORT]"),
    transform: NetworkOptions.iceServer)
  var iceServers: [ICEServer] = []

  @Option(
    help: ArgumentHelp(
      "Which paths calls may take: relay hides your addresses from the other side.", valueName: "all|relay"))
  var icePolicy = ICETransportPolicy.all

  @Flag(
    inversion: .prefixedNo,
    help: "Offer random .local names in place of this machine's addresses, as browsers do without a camera.")
  var hideAddresses = false

  @Option(
    name: .customLong("interface"),
    help: ArgumentHelp("Use only this network interface; may be given several times.", valueName: "NAME"))
  var interfaces: [String] = []

  @Option(
    help: ArgumentHelp("The local ports for calls.", valueName: "FIRST-LAST"),
    transform: NetworkOptions.portRange)
  var portRange: ClosedRange<UInt16>?

  @Option(
    help: ArgumentHelp(
      "Certificates to trust in stuns: and turns: servers, PEM, beside the system's.", valueName: "FILE"))
  var tlsRoots: String?

  @Flag(
    inversion: .prefixedNo, help: "Offer the addresses of the loopback interface too, for calls within this machine.")
  var loopback = false

  func apply(to configuration: inout PeerConnectionConfiguration) {
    configuration.iceServers = iceServers
    configuration.iceTransportPolicy = icePolicy
    configuration.hidesAddresses = hideAddresses
    configuration.interfaces = Set(interfaces)
    configuration.portRange = portRange
    configuration.tlsRoots = tlsRoots
    configuration.includesLoopback = loopback
  }

  /// `URI`, or `URI USERNAME PASSWORD`.
  @Sendable
  private static func iceServer(_ text: String) throws -> ICEServer {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.count == 1 || words.count == 3 else {
      throw ValidationError("expected a URI, or a URI, a user name and a password")
    }
    do {
      return try ICEServer(
        uri: words[0], username: words.count == 3 ? words[1] : nil, credential: words.count == 3 ? words[2] : nil)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  @Sendable
  private static func portRange(_ text: String) throws -> ClosedRange<UInt16> {
    let ports = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
    guard ports.count == 2, let first = ports[0], let last = ports[1], first > 0, first <= last else {
      throw ValidationError("expected two ports, 50000-50100 for instance")
    }
    return first...last
  }
}

extension ICETransportPolicy: ExpressibleByArgument {}
