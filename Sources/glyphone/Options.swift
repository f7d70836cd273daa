import ArgumentParser
import Calling
import Foundation
import Logging
import Media
import NIOCore
import PeerConnection
import Signaling

/// Which server, and under what name.
struct ChatOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The chat server.", valueName: "ws://HOST:PORT"))
  var server = "ws://localhost:6503"

  @Option(help: "The name to be known by. The server adds a number if it is taken.")
  var name = NSUserName()
}

/// Devices.
struct MediaOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The camera; the first one of this machine unless given.", valueName: "DEVICE|test|none|FILE.y4m"),
    transform: { try CameraChoice.parse($0) })
  var camera = CameraChoice.preferred

  @Option(
    help: ArgumentHelp("The microphone; ALSA's default unless given.", valueName: "DEVICE|tone|none|FILE.wav"),
    transform: { try MicrophoneChoice.parse($0) })
  var microphone = MicrophoneChoice.preferred

  @Option(
    help: ArgumentHelp(
      "The loudspeaker, or a file to record to; ALSA's default unless given.", valueName: "DEVICE|none|FILE.wav"),
    transform: { try SpeakerChoice.parse($0) })
  var speaker = SpeakerChoice.preferred

  @Option(help: "Seconds an incoming call rings before it ends by itself.")
  var ringTime = 45

  var choices: MediaChoices { MediaChoices(camera: camera, microphone: microphone, speaker: speaker) }

  func validate() throws {
    guard (1...3600).contains(ringTime) else { throw ValidationError("--ring-time takes 1 to 3600 seconds.") }
  }
}

/// Where to write what happens.
struct DiagnosticOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Write the whole signaling and connection process to a file.", valueName: "FILE"))
  var log: String?

  @Option(
    name: .customLong("stats-json"),
    help: ArgumentHelp("Write the figures of calls to a file, a line of JSON a second.", valueName: "FILE"))
  var statistics: String?

  /// Logs into the file, or nowhere: the terminal belongs to the picture.
  func logger() throws -> Logger {
    guard let log else { return Logger(label: "glyphone") { _ in SwiftLogNoOpLogHandler() } }
    let file = try LineFile(path: log)
    return Logger(label: "glyphone") { FileLogHandler(label: $0, file: file) }
  }

  func statisticsFile() throws -> LineFile? { try statistics.map { try LineFile(path: $0) } }
}

extension MediaOptions {
  func configuration(
    server: String, name: String, network: NetworkOptions? = nil
  ) throws -> CallController.Configuration {
    var configuration = CallController.Configuration(
      server: try SignalingURL(server), name: name, media: choices)
    configuration.ringTime = .seconds(Int64(ringTime))
    network?.apply(to: &configuration.connection)
    return configuration
  }
}
