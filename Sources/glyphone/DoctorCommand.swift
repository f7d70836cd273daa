import ArgumentParser

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Find out what works here, and what to do about what does not.",
    subcommands: [NetworkDoctorCommand.self, TerminalDoctorCommand.self])
}
