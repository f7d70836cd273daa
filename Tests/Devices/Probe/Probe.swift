import Glibc

/// Drives the real camera and sound drivers of Media from a script, inside the machine that Tests/Devices/run starts. Each
/// command checks one thing, prints one line about it, and exits with 0 when it is as it should be.
@main
enum Probe {
  static let commands: [String: @Sendable ([String]) throws -> String] = [
    "picture": CameraChecks.picture,
    "watch": CameraChecks.watch,
    "refuse": CameraChecks.refuse,
    "stop-camera": CameraChecks.stop,
    "feed": CameraFeed.run,
    "list": Listing.run,
    "record": SoundChecks.record,
    "overrun": SoundChecks.overrun,
    "play": SoundChecks.play,
    "stop-microphone": SoundChecks.stop,
    "make-tone": SoundFiles.make,
    "check-tone": SoundFiles.check,
  ]

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard let name = arguments.first, let command = commands[name] else {
      say("usage: media-probe \(commands.keys.sorted().joined(separator: "|")) ARGUMENT...")
      exit(64)
    }
    do {
      say(try command(Array(arguments.dropFirst())))
    } catch {
      say("\(error)")
      exit(1)
    }
  }
}

/// Writes a line at once: a script waits for some of them.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

/// What is not as it should be, in words.
struct Failure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

extension [String] {
  /// An argument of a command.
  func text(_ index: Int) throws(Failure) -> String {
    guard indices.contains(index) else { throw Failure("argument \(index + 1) is missing") }
    return self[index]
  }

  func number(_ index: Int) throws(Failure) -> Double {
    guard let number = Double(try text(index)) else { throw Failure("\(try text(index)) is not a number") }
    return number
  }
}
