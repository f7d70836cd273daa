import ArgumentParser
import Calling
import NIOPosix
import Picture
import TerminalUI

/// How the picture is drawn.
struct ScreenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How to draw the picture; auto asks the terminal what it can show.", valueName: "auto|ascii|half|block|sixel"))
  var render = RenderChoice.auto
}

/// What `--render` takes.
enum RenderChoice: String, ExpressibleByArgument {
  case auto, ascii, half, block, sixel

  /// Nil: as the terminal can best.
  var mode: RenderMode? { RenderMode(rawValue: rawValue) }
}

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
      options: .init(name: configuration.name, server: "\(configuration.server)", renderMode: screen.render.mode))
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
