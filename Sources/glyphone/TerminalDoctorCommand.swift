import ArgumentParser
import TerminalUI

struct TerminalDoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "terminal", abstract: "Find out what this terminal can show, with test cards.")

  @OptionGroup(title: "Screen") var screen: ScreenOptions

  func run() async throws { try await examine() }

  @MainActor
  private func examine() throws {
    try TerminalDoctor(renderMode: screen.render.mode, overrides: screen.overrides).run()
  }
}
