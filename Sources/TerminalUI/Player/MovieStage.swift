import Frames
import NIOCore
import Picture

/// The terminal as ``MoviePlayer`` draws on it: the newest picture, when the terminal has room for it.
final class MovieStage {
  let terminal: Terminal
  private let options: MoviePlayer.Options
  private var probe: CapabilityProbe
  private var capabilities: TerminalCapabilities
  private var mode: RenderMode
  private var isModeChosen: Bool
  private let renderer: Renderer
  private var pacer: OutputPacer
  private var bytes: [UInt8] = []
  private var needsClearing = false
  /// Until then what looks like the beginning of an answer is held back.
  private let answersUntil = NIODeadline.now() + .seconds(2)

  /// Whether the newest picture is not on the screen yet.
  var isBehind = false
  /// What is to be seen.
  var picture: VideoFrame? { didSet { isBehind = true } }

  init(terminal: Terminal, probe: CapabilityProbe, options: MoviePlayer.Options) {
    self.terminal = terminal
    self.probe = probe
    self.options = options
    capabilities = Self.known(probe, terminal, options)
    isModeChosen = options.renderMode != nil
    mode = options.renderMode ?? .automatic(for: capabilities, bytesPerSecond: options.bytesPerSecond)
    renderer = Renderer(mode: mode, capabilities: capabilities)
    if capabilities.kitty?.isLocal == true { renderer.memory = SharedPictureMemory() }
    pacer = OutputPacer(bytesPerSecond: options.bytesPerSecond, now: .now())
  }

  private static func known(
    _ probe: CapabilityProbe, _ terminal: Terminal, _ options: MoviePlayer.Options
  ) -> TerminalCapabilities {
    var capabilities = probe.capabilities
    capabilities.cellPixels = capabilities.cellPixels ?? terminal.cellPixels
    options.overrides.apply(to: &capabilities, wanting: options.renderMode)
    return capabilities
  }

  func nextChance(now: NIODeadline) -> NIODeadline? {
    guard isBehind, let chance = pacer.nextChance(now: now), chance > now else { return nil }
    return chance
  }

  /// Takes late answers of the terminal out of what was typed.
  func withoutAnswers(_ typed: [UInt8]) -> [UInt8] {
    let isOver = probe.isFinished || answersUntil < .now()
    let rest = probe.feed(typed) + (isOver ? probe.expire() : [])
    let found = Self.known(probe, terminal, options)
    if found != capabilities {
      capabilities = found
      renderer.capabilities = found
      setMode(isModeChosen ? mode : .automatic(for: found, bytesPerSecond: options.bytesPerSecond))
    }
    return rest
  }

  func answered() { pacer.answered(now: .now()) }

  func nextMode() {
    isModeChosen = true
    setMode(mode.next(for: capabilities))
  }

  private func setMode(_ new: RenderMode) {
    mode = new
    renderer.mode = new
    repaint()
  }

  /// Something else wrote to the terminal, or its size is another.
  func repaint() {
    renderer.invalidate()
    needsClearing = true
    isBehind = true
  }

  /// Goes on with what is being written, or draws the newest picture if the terminal has room for it.
  func draw(_ look: PictureLook, now: NIODeadline) {
    if terminal.isWriting, case .done = terminal.continueWriting() { bytes = terminal.takeWrittenBuffer() }
    guard isBehind, !terminal.isWriting, let picture, let allowance = pacer.allowance(now: now) else { return }
    isBehind = false
    bytes.removeAll(keepingCapacity: true)
    if needsClearing { bytes += "\u{1B}[0m\u{1B}[2J".utf8 }
    needsClearing = false
    renderer.fit = look.fit
    renderer.effects = look.effects
    renderer.lambda = allowance.lambda
    renderer.byteLimit = allowance.bytes
    let size = terminal.size
    renderer.render(
      remote: picture, selfView: nil,
      in: Viewport(
        columns: size.columns, rows: size.rows, cellPixels: options.overrides.cellPixels(for: mode, capabilities),
        screenRows: size.rows), into: &bytes)
    guard !bytes.isEmpty else { return }
    if pacer.asks { bytes += OutputPacer.request }
    pacer.sent(bytes: bytes.count, now: now)
    if case .done = terminal.write(bytes) { bytes = terminal.takeWrittenBuffer() }
  }

  /// Waits a moment for the terminal's answers that are still on their way, or the shell would take them for typed.
  func settle() {
    let end = NIODeadline.now() + .milliseconds(300)
    var decoder = InputDecoder()
    while pacer.asks, pacer.inFlight > 0, !terminal.isWriting, .now() < end {
      guard let typed = terminal.read(within: 50) else { continue }
      for key in decoder.decode(typed) where key == .statusReport { answered() }
    }
  }
}
