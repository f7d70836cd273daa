import ArgumentParser
import Foundation

/// A call between two clients without a screen: CPU of both, and how long it takes from the invitation to the first
/// picture.
struct CallBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "CPU seconds of a call, 640x480 at 30 one way, and its set-up time, on loopback.")

  @Option(help: "Where glyphone and glyphone-server are.")
  var bin = "../.build/release"

  @Option(help: "Seconds of the call.")
  var seconds = 20

  @Option(help: "How many calls; medians are printed.")
  var runs = 3

  @Option(help: "A port for the server.")
  var port = 16503

  func run() throws {
    let server = try ChildProcess("\(bin)/glyphone-server", ["--host", "127.0.0.1", "--port", "\(port)"])
    defer {
      server.terminate()
      _ = server.usage()
    }
    var results: [Result] = []
    for number in 1...max(runs, 1) {
      let result = try measure()
      results.append(result)
      print("  call \(number): \(result)")
    }
    let cpu = Self.median(results.map(\.cpu))
    let share = 100 * cpu / Double(seconds)
    print(
      "CPU of both peers, \(seconds) s, 640x480 at 30 one way: \(Self.text(cpu, 2)) s (\(Self.text(share, 1)) % of a core)"
    )
    print("from the invitation to the first decoded picture: \(Self.text(Self.median(results.map(\.setUp)), 0)) ms")
  }

  private struct Result: CustomStringConvertible {
    var cpu: Double
    var setUp: Double
    var frames: Int
    var kilobits: Double
    var description: String {
      "\(CallBenchmark.text(cpu, 2)) CPU s, \(frames) frames decoded, \(CallBenchmark.text(kilobits, 0)) kbit/s, set up in \(CallBenchmark.text(setUp, 0)) ms"
    }
  }

  private func measure() throws -> Result {
    let address = ["--server", "ws://127.0.0.1:\(port)", "--loopback"]
    let silent = ["--microphone", "none", "--speaker", "none"] + address
    let sender = try ChildProcess(
      "\(bin)/glyphone", ["bot", "--answer", "--name", "sender", "--camera", "test", "--calls", "1"] + silent)
    let receiver = try ChildProcess(
      "\(bin)/glyphone",
      ["bot", "--call", "sender", "--name", "receiver", "--camera", "none", "--seconds", "\(seconds)"] + silent)
    let lines = receiver.readOutput().split(separator: "\n").compactMap(Line.init)
    let cpu = receiver.usage().cpu + sender.usage().cpu
    guard let last = lines.last(where: { $0.framesDecoded > 0 }) else {
      throw ValidationError("no picture came through; run the two bots by hand with --log to see why")
    }
    return Result(
      cpu: cpu, setUp: last.setUpMilliseconds ?? .nan, frames: last.framesDecoded,
      kilobits: Self.median(lines.map(\.receivedKilobitsPerSecond).filter { $0 > 0 }))
  }

  private struct Line: Decodable {
    var framesDecoded: Int
    var setUpMilliseconds: Double?
    var receivedKilobitsPerSecond: Double

    init?(_ text: Substring) {
      guard let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)) else { return nil }
      self = line
    }
  }

  private static func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
  }
}
