import Frames
import NIOCore
import Picture

/// The terminal as ``MoviePlayer`` draws on it: the newest picture, when the terminal has room for it.
final class MovieStage {
  let terminal: Terminal
  private let options: MoviePlayer.Options
  private var knowledge: TerminalKnowledge
  private var mode: RenderMode
  private var isModeChosen: Bool
  private let renderer: Renderer
  private var pacer: OutputPacer
  private var bytes: [UInt8] = []
  private var needsClearing = false
  /// To be asked with the next picture.
  private var question: [UInt8] = []

  /// Whether the newest picture is not on the screen yet.
  var isBehind = false
  /// What is to be seen.
  var picture: VideoFrame? { didSet { isBehind = true } }

  init(terminal: Terminal, probe: CapabilityProbe, options: MoviePlayer.Options) {
    self.terminal = terminal
    self.options = options
    knowledge = TerminalKnowledge(
      probe: probe, cell: terminal.cellPixels, overrides: options.overrides, wanting: options.renderMode)
    isModeChosen = options.renderMode != nil
    mode = options.renderMode ?? .automatic(for: knowledge.capabilities, bytesPerSecond: options.bytesPerSecond)
    renderer = Renderer(mode: mode, capabilities: knowledge.capabilities)
    if knowledge.capabilities.kitty?.isLocal == true { renderer.memory = SharedPictureMemory() }
    pacer = OutputPacer(bytesPerSecond: options.bytesPerSecond, answers: probe.isFinished, now: .now())
  }

  func nextChance(now: NIODeadline) -> NIODeadline? {
    guard isBehind, let chance = pacer.nextChance(now: now), chance > now else { return nil }
    return chance
  }

  /// After this time without input ``heldBack()`` is to be taken; nil when nothing is held back.
  var restTime: TimeAmount? { knowledge.restTime(now: .now()) }

  /// Takes late answers of the terminal out of what was typed.
  func withoutAnswers(_ typed: [UInt8]) -> [UInt8] {
    let known = knowledge.capabilities
    let rest = knowledge.withoutAnswers(typed, now: .now())
    if knowledge.capabilities != known {
      renderer.capabilities = knowledge.capabilities
      setMode(
        isModeChosen
          ? mode : .automatic(for: knowledge.capabilities, bytesPerSecond: options.bytesPerSecond))
    }
    return rest
  }

  /// What was kept because an answer could have begun with it.
  func heldBack() -> [UInt8] { knowledge.heldBack() }

  func answered() { pacer.answered(now: .now()) }

  func nextMode() {
    isModeChosen = true
    setMode(mode.next(for: knowledge.capabilities))
  }

  private func setMode(_ new: RenderMode) {
    mode = new
    renderer.mode = new
    repaint()
  }

  /// The size of the window may be another, and that of a cell.
  func windowChanged() {
    question = knowledge.windowChanged(cell: terminal.cellPixels, now: .now())
    renderer.capabilities = knowledge.capabilities
    repaint()
  }

  /// After the program was stopped: the shell has had the terminal meanwhile.
  func takeTerminalAgain(guardedBy guardian: TerminalGuard) {
    terminal.takeAgain(guardedBy: guardian)
    terminal.cancelWriting()
    terminal.takeScreen()
    pacer.forget()
    windowChanged()
  }

  /// Something else wrote to the terminal.
  func repaint() {
    renderer.invalidate()
    needsClearing = true
    isBehind = true
  }

  /// The whole screen.
  private var viewport: Viewport {
    let size = terminal.size
    return Viewport(
      columns: size.columns, rows: size.rows,
      cellPixels: options.overrides.cellPixels(for: mode, knowledge.capabilities), screenRows: size.rows)
  }

  /// Goes on with what is being written, or draws the newest picture if the terminal has room for it.
  func draw(_ look: PictureLook, now: NIODeadline) {
    if terminal.isWriting, case .done = terminal.continueWriting() { bytes = terminal.takeWrittenBuffer() }
    guard isBehind, !terminal.isWriting, let picture, let allowance = pacer.allowance(now: now) else { return }
    bytes.removeAll(keepingCapacity: true)
    if needsClearing { bytes += "\u{1B}[0m\u{1B}[2J".utf8 }
    needsClearing = false
    renderer.fit = look.fit
    renderer.effects = look.effects
    renderer.lambda = allowance.lambda
    renderer.byteLimit = allowance.bytes
    let rendered = renderer.render(remote: picture, selfView: nil, in: viewport, into: &bytes)
    isBehind = !rendered.isComplete
    bytes += question
    question = []
    guard !bytes.isEmpty else { return }
    bytes += pacer.send(bytes: bytes.count, now: now)
    if case .done = terminal.write(bytes) { bytes = terminal.takeWrittenBuffer() }
  }

  /// Before the terminal is given back: takes away a picture that would lie over the shell's text, and waits a moment for
  /// the terminal's answers that are still on their way, or the shell would take them for typed.
  func leave() {
    terminal.endWriting()
    if mode == .kitty {
      bytes.removeAll(keepingCapacity: true)
      renderer.clear(viewport, into: &bytes)
      terminal.print(bytes)
    }
    terminal.settle(&pacer, &knowledge)
  }
}
