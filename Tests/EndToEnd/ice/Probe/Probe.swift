import Foundation
import NIOPosix

/// Our ICE with its real driver and nothing on top, on lines of JSON: a peer that a script can join with any other. What it
/// is told and what it tells is described in ../peers/README.md.
@main
enum Probe {
  static func main() async {
    let peer = ProbePeer(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    Report.write("ready")
    let decoder = JSONDecoder()
    while let line = readLine() {
      do {
        let command = try decoder.decode(Command.self, from: Data(line.utf8))
        if command.do == "quit" { break }
        try await peer.obey(command)
      } catch {
        Report.problem("\(error)")
      }
    }
    await peer.close()
  }
}
