import ArgumentParser
import Foundation

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures what Glyphone costs: everything, or one part.",
    subcommands: [
      All.self, CallBenchmark.self, PictureBenchmark.self, TableBenchmark.self, TransportBenchmark.self,
      ICEBenchmark.self, SocketBenchmark.self,
    ],
    defaultSubcommand: All.self)

  struct All: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Every part in turn.")

    func run() throws {
      try PictureBenchmark.parse([]).run()
      try TransportBenchmark.parse([]).run()
      try ICEBenchmark.parse([]).run()
      try SocketBenchmark.parse([]).run()
      try CallBenchmark.parse([]).run()
    }
  }

  /// CPU seconds of this process so far: the machine's other work does not count.
  static var cpuSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
