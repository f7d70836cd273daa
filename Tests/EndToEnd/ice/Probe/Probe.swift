import Foundation
import ICE
import NIOPosix

/// Our ICE with its real driver and nothing on top, on lines of JSON: a peer that a script can join with any other. What it
/// is told and what it tells is described in ../peers/README.md.
@main
enum Probe {
  static func main() async {
    let peer = ProbePeer(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    let decoder = JSONDecoder()
    warmUp(decoder)
    do {
      try await peer.getReady()
    } catch {
      Report.problem("\(error)")
    }
    while let line = readLine() {
      do {
        let command = try decoder.decode(Command.self, from: Data(line.utf8))
        if command.do == "quit" { break }
        if command.do == "start" { try await peer.start(command) } else { peer.take(command) }
      } catch {
        Report.problem("\(error)")
      }
    }
    await peer.close()
  }

  /// Foundation and OpenSSL take their time when they are first used, and so does the first way back from the event loop,
  /// which starts a thread. In a call all were long before, and the time it takes to connect is not theirs.
  private static func warmUp(_ decoder: JSONDecoder) {
    _ = try? decoder.decode(Command.self, from: Data(#"{"do":"nothing"}"#.utf8))
    var random = SystemRandomNumberGenerator()
    let message = STUNWriter(.request, transactionID: STUNTransactionID(using: &random)).finish(key: "password".utf8)
    _ = try? STUNMessage(parsing: message).isAuthentic(key: "password".utf8)
  }
}
