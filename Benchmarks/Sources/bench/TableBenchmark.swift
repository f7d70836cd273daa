import ArgumentParser
import Foundation

/// The table of docs/figures.md: our pictures against those of other people's renderers, and whether the bars are met.
struct TableBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Our pictures against chafa's and notcurses': CPU, bytes, quality (Benchmarks/compare).")

  @Flag(help: "Fewer pictures, one round.")
  var quick = false

  @Option(help: ArgumentHelp("A root that newer-peers made: its newer peers, with notcurses.", valueName: "DIRECTORY"))
  var peers: String?

  @Option(help: ArgumentHelp("Write the table to a file, too.", valueName: "FILE"))
  var output: String?

  func run() throws {
    let arguments =
      (quick ? ["--quick"] : []) + (peers.map { ["--peers", $0] } ?? []) + (output.map { ["--output", $0] } ?? [])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "./compare")
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw ExitCode(process.terminationStatus) }
  }
}
