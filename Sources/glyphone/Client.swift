import ArgumentParser
import Calling
import NIOPosix
import TerminalUI

/// The screen on a call controller, until the person leaves.
struct Client {
  let configuration: CallController.Configuration
  let screen: ScreenOptions
  let diagnostics: DiagnosticOptions

  func run() async throws {
    let pictures = PicturePane()
    var configuration = configuration
    if let file = try diagnostics.statisticsFile() { configuration.report = { file.write($0) } }
    let controller = CallController(
      configuration: configuration, pictures: pictures, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
      logger: try diagnostics.logger())
    let ui = TerminalUI(
      controller: controller, pictures: pictures,
      options: .init(
        name: configuration.name, server: "\(configuration.server)", renderMode: screen.render.mode,
        overrides: screen.overrides, bytesPerSecond: screen.maxBandwidth))
    let running = Task { await controller.run() }
    let reason: TerminalUI.ExitReason
    do {
      reason = try await ui.onMainThread()
    } catch {
      controller.perform(.quit)
      await running.value
      throw error
    }
    controller.perform(.quit)
    await running.value
    if case .signal(let number) = reason { throw ExitCode(128 + number) }
  }
}

extension TerminalUI {
  /// The screen belongs to the main thread, which this blocks.
  @MainActor
  fileprivate func onMainThread() throws -> ExitReason { try run() }
}
