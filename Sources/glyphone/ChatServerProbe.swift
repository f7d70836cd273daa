import Logging
import NIOCore
import Signaling

/// Logs in to a chat server and asks for its ICE servers.
enum ChatServerProbe {
  struct Answer {
    /// Name and version; nil if the server does not say.
    var software: String?
    var loggedIn: NIODeadline
    /// Nil from a server that cannot say.
    var servers: ICEServersMessage?
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private static let patience = TimeAmount.seconds(10)

  static func run(_ server: String, eventLoop: any EventLoop, logger: Logger) async -> Result<Answer, Failure> {
    let url: SignalingURL
    do { url = try SignalingURL(server) } catch { return .failure(Failure(description: "\(error)")) }
    let announcement = Announcement(name: "glyphone", version: "0.1.0", features: [.iceServers])
    let client = SignalingClient(
      configuration: SignalingClientConfiguration(url: url, name: "doctor", announcement: announcement),
      eventLoop: eventLoop, logger: logger)
    let timer = eventLoop.scheduleTask(in: patience) { Task { await client.close() } }
    client.start()
    let answer = await answer(of: client)
    timer.cancel()
    await client.close()
    return answer
  }

  private static func answer(of client: SignalingClient) async -> Result<Answer, Failure> {
    var answer: Answer?
    var knowsServers = false
    for await event in client.events {
      switch event {
      case .connected(_, let server):
        knowsServers = server?.supports(.iceServers) == true
        let software = server.map { TextSafety.singleLine("\($0.name) \($0.version)") }
        answer = Answer(software: software, loggedIn: .now())
      case .named:
        answer?.loggedIn = .now()
        guard knowsServers else { break }
        client.send(.iceServersRequest)
        continue
      case .message(.iceServers(let servers)): answer?.servers = servers
      case .disconnected(let error, _):
        return answer.map { .success($0) } ?? .failure(Failure(description: "\(error)"))
      default: continue
      }
      if let answer, answer.servers != nil || (!knowsServers && isNamed(event)) { return .success(answer) }
    }
    return answer.map { .success($0) } ?? .failure(Failure(description: "no answer"))
  }

  private static func isNamed(_ event: SignalingEvent) -> Bool {
    if case .named = event { true } else { false }
  }
}
