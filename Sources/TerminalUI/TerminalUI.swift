public import Calling
import Glibc
import NIOCore
public import Picture

/// The terminal front end: shows what the call controller tells, and tells it what the person does. Everything in it
/// belongs to the thread that calls ``run()``, which must be the process's main thread: it alone writes to the terminal.
public final class TerminalUI {
  /// What can be chosen about the front end.
  public struct Options: Sendable {
    /// The name asked for, shown until the server gives one.
    public var name: String
    /// The chat server as the person knows it, for the title bar.
    public var server: String
    /// How pictures are drawn; nil: as the terminal can best.
    public var renderMode: RenderMode?
    /// What is said of the terminal by hand.
    public var overrides: TerminalOverrides
    /// Bytes a second that pictures may take; nil for no limit.
    public var bytesPerSecond: Int?

    public init(
      name: String, server: String, renderMode: RenderMode? = nil, overrides: TerminalOverrides = TerminalOverrides(),
      bytesPerSecond: Int? = nil
    ) {
      self.name = name
      self.server = server
      self.renderMode = renderMode
      self.overrides = overrides
      self.bytesPerSecond = bytesPerSecond
    }
  }

  /// Why ``run()`` came back.
  public enum ExitReason: Sendable, Equatable {
    /// The person left.
    case quit
    /// The controller shut down by itself.
    case controllerFinished
    /// SIGINT, SIGTERM or SIGHUP.
    case signal(Int32)
    /// The terminal went away.
    case terminalGone
  }

  /// How long the controller may take to say goodbye when the person leaves.
  static let farewellTime = TimeAmount.seconds(3)

  let controller: any CallControlling
  let pictures: PicturePane
  let options: Options
  let mailbox = EventMailbox()

  /// - Parameter pictures: the sink that was given to the controller.
  public init(controller: any CallControlling, pictures: PicturePane, options: Options) {
    self.controller = controller
    self.pictures = pictures
    self.options = options
  }

  /// Runs until the person leaves, a signal comes, or the terminal or the controller goes away. When it returns, or
  /// throws, or the program crashes, the terminal is as it was before.
  /// - Throws: ``TerminalError`` when there is no terminal to draw on.
  public func run() throws(TerminalError) -> ExitReason {
    let terminal = try Terminal()
    let guardian = try TerminalGuard()
    let (probe, typed) = terminal.probe(guardedBy: guardian)
    let screen: NcursesScreen
    do throws(TerminalError) {
      screen = try NcursesScreen(terminal: terminal.name, hasManyColors: probe.capabilities.colors >= .ansi256)
    } catch {
      terminal.giveBack(nil, guardedBy: guardian)
      throw error
    }
    let loop = MainLoop(ui: self, terminal: terminal, screen: screen, guardian: guardian, probe: probe)
    let forwarding = Task.detached { [mailbox, controller] in
      for await event in controller.events {
        mailbox.put(event)
        guardian.wake()
      }
    }
    pictures.setWake { guardian.wake() }
    let reason = loop.run(typed: typed)
    pictures.configure(nil)
    pictures.setWake(nil)
    forwarding.cancel()
    terminal.giveBack(reason == .terminalGone ? nil : screen, guardedBy: guardian)
    return reason
  }
}
