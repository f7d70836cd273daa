import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures what Glyphone costs.", subcommands: [CallBenchmark.self],
    defaultSubcommand: CallBenchmark.self)
}
