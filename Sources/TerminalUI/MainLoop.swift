import CNcurses
import Calling
import Glibc
import NIOCore
import Picture

/// Waits for keys, events, signals and pictures, and brings the screen up to date.
final class MainLoop {
  private let ui: TerminalUI
  private let terminal: Terminal
  private let screen: NcursesScreen
  private let guardian: TerminalGuard
  private var knowledge: TerminalKnowledge
  /// To be asked when the terminal takes output.
  private var question: [UInt8] = []
  /// What takes the last picture off the terminal. A terminal that stands still may never see it, so it is said once more
  /// when the terminal is given back.
  private var removal: [UInt8] = []
  private var isRenderModeChosen: Bool
  private var model: ScreenModel
  private var canvas: Canvas
  private var decoder = InputDecoder()
  private var decodeBy: NIODeadline?
  private var renderMode: RenderMode
  private var pacer: OutputPacer
  /// Counts what makes the picture on the terminal worthless.
  private var pictureSerial = 0
  private var wasPictureShown = false
  private var needsDrawing = true
  private var reason: TerminalUI.ExitReason?
  private var farewell: (deadline: NIODeadline, reason: TerminalUI.ExitReason)?

  init(
    ui: TerminalUI, terminal: Terminal, screen: NcursesScreen, guardian: TerminalGuard,
    probe: CapabilityProbe
  ) {
    self.ui = ui
    self.terminal = terminal
    self.screen = screen
    self.guardian = guardian
    pacer = OutputPacer(bytesPerSecond: ui.options.bytesPerSecond, answers: probe.isFinished, now: .now())
    knowledge = TerminalKnowledge(
      probe: probe, cell: terminal.cellPixels, overrides: ui.options.overrides, wanting: ui.options.renderMode)
    isRenderModeChosen = ui.options.renderMode != nil
    renderMode =
      ui.options.renderMode
      ?? .automatic(for: knowledge.capabilities, bytesPerSecond: ui.options.bytesPerSecond)
    let size = terminal.size
    let environment = ScreenModel.Environment(wallClock: LocalTime.now, timeText: LocalTime.text)
    model = ScreenModel(
      columns: size.columns, rows: size.rows, name: ui.options.name, server: ui.options.server,
      environment: environment, now: .now())
    canvas = ScreenView.draw(model)
  }

  private var capabilities: TerminalCapabilities { knowledge.capabilities }

  private static let showCursor = Array("\u{1B}[?25h".utf8)

  /// - Parameter typed: what was typed while the terminal was being asked what it can do.
  func run(typed: [UInt8]) -> TerminalUI.ExitReason {
    screen.resize(columns: model.columns, rows: model.rows)
    nameRenderMode()
    draw(terminal.enable(guardedBy: guardian))
    take(decoder.decode(typed))
    while reason == nil {
      wait()
      handleSignals(guardian.drain())
      readKeys()
      takeEvents()
      tick()
      updateScreen()
      if let farewell, farewell.deadline <= .now() { reason = farewell.reason }
    }
    if reason != .terminalGone { leavePicture() }
    return reason ?? .quit
  }

  private func tick() {
    if let due = model.deadline, due <= .now() { needsDrawing = true }
    perform(model.tick(now: .now()))
  }

  // MARK: - Waiting

  private func wait() {
    let wantsOutput = terminal.isWriting || (needsDrawing && !terminal.isReady)
    var descriptors = [
      pollfd(fd: terminal.input, events: Int16(POLLIN), revents: 0),
      pollfd(fd: guardian.wakeRead, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wantsOutput ? terminal.output : -1, events: Int16(POLLOUT), revents: 0),
    ]
    poll(&descriptors, nfds_t(descriptors.count), timeout)
  }

  private var timeout: Int32 {
    if needsDrawing, !terminal.isWriting, terminal.isReady { return 0 }
    let now = NIODeadline.now()
    let chance = model.showsPicture ? pacer.nextChance(now: now).flatMap { $0 > now ? $0 : nil } : nil
    let deadlines = [model.deadline, decodeBy, farewell?.deadline, chance].compactMap { $0 }
    guard let next = deadlines.min() else { return 60_000 }
    // Rounded up: waking a moment early would only mean to wait again.
    return Int32(clamping: max((next - now).nanoseconds + 999_999, 0) / 1_000_000)
  }

  // MARK: - Input

  private func readKeys() {
    var state = pollfd(fd: terminal.input, events: Int16(POLLIN), revents: 0)
    if poll(&state, 1, 0) > 0 {
      switch terminal.read() {
      case .bytes(let bytes): take(decoder.decode(withoutAnswers(bytes)))
      case .nothing: break
      case .gone: leave(because: .terminalGone)
      }
      let rest = decoder.patience ?? knowledge.restTime(now: .now())
      decodeBy = rest.map { .now() + $0 }
    } else if let decodeBy, decodeBy <= .now() {
      take(decoder.decode(knowledge.heldBack()) + decoder.giveUp())
      self.decodeBy = nil
    }
  }

  /// Takes late answers out of what was read. They may show that the terminal can do more than was thought.
  private func withoutAnswers(_ bytes: [UInt8]) -> [UInt8] {
    let known = capabilities
    let typed = knowledge.withoutAnswers(bytes, now: .now())
    if capabilities != known {
      setRenderMode(
        isRenderModeChosen
          ? renderMode : .automatic(for: capabilities, bytesPerSecond: ui.options.bytesPerSecond))
    }
    return typed
  }

  private func take(_ keys: [KeyInput]) {
    for key in keys {
      if key == .statusReport {
        pacer.answered(now: .now())
        continue
      }
      var target: Canvas.Target?
      if case .mouse(let mouse) = key { target = canvas.target(column: mouse.column, row: mouse.row) }
      perform(model.key(key, target: target, now: .now()))
      needsDrawing = true
    }
  }

  private func handleSignals(_ signals: Set<Int32>) {
    if signals.contains(SIGWINCH) { resize() }
    if signals.contains(SIGTSTP) { suspend() }
    if signals.contains(SIGCONT) { takeTerminalAgain() }
    for signal in [SIGINT, SIGTERM, SIGHUP] where signals.contains(signal) { leave(because: .signal(signal)) }
  }

  private func resize() {
    let size = terminal.size
    question = knowledge.windowChanged(cell: terminal.cellPixels, now: .now())
    guard size.columns != model.columns || size.rows != model.rows else { return repaint() }
    model.resize(columns: size.columns, rows: size.rows)
    screen.resize(columns: size.columns, rows: size.rows)
    pictureSerial += 1
    needsDrawing = true
  }

  private func takeEvents() {
    let (events, dropped) = ui.mailbox.takeAll()
    guard !events.isEmpty else { return }
    if dropped > 0 { model.add(.notice(.warning), "\(dropped) lines could not be shown in time.") }
    for event in events {
      if event == .finished { reason = farewell?.reason ?? .controllerFinished }
      perform(model.update(event, now: .now()))
    }
    needsDrawing = true
  }

  // MARK: - Effects

  private func perform(_ effects: [ScreenModel.Effect]) {
    for effect in effects {
      switch effect {
      case .command(.quit): leave(because: .quit)
      case .command(let command): ui.controller.perform(command)
      case .bell: if !terminal.isWriting { terminal.bell() }
      case .render(let name): changeRenderMode(name)
      case .suspend: suspend()
      case .repaint: repaint()
      case .leave: reason = reason ?? farewell?.reason ?? .controllerFinished
      }
    }
  }

  private func leave(because why: TerminalUI.ExitReason) {
    // Without a terminal, or told twice, there is nobody to show a farewell to.
    if why == .terminalGone { return finish(why) }
    guard farewell == nil else { return }
    model.isLeaving = true
    needsDrawing = true
    farewell = (.now() + TerminalUI.farewellTime, why)
    ui.controller.perform(.quit)
  }

  private func finish(_ why: TerminalUI.ExitReason) {
    if farewell == nil { ui.controller.perform(.quit) }
    reason = farewell?.reason ?? why
  }

  private func suspend() {
    leavePicture()
    terminal.giveBack(screen, guardedBy: guardian)
    guardian.suspend()
    takeTerminalAgain()
  }

  /// Before the terminal is given back.
  private func leavePicture() {
    ui.pictures.configure(nil)
    wasPictureShown = false
    // Inside of a picture that is cut off the terminal would not see its removal.
    terminal.endWriting()
    ui.pictures.finishWriting([])
    removePicture()
    terminal.farewell = removal
    terminal.settle(&pacer, &knowledge)
  }

  /// After the program was stopped: the shell has had the terminal meanwhile, and its size may be another.
  private func takeTerminalAgain() {
    terminal.takeAgain(guardedBy: guardian)
    terminal.cancelWriting()
    ui.pictures.finishWriting([])
    pacer.forget()
    resize()
    repaint()
    draw(terminal.enable(guardedBy: guardian))
  }

  private func repaint() {
    screen.invalidate()
    pictureSerial += 1
    needsDrawing = true
  }

  // MARK: - How pictures are drawn

  private func changeRenderMode(_ name: String?) {
    guard let name else { return announce(renderMode.next(for: capabilities)) }
    if name == "auto" { return announce(.automatic(for: capabilities, bytesPerSecond: ui.options.bytesPerSecond)) }
    let possible = RenderMode.allCases.filter { $0.isSupported(by: capabilities) }
    guard let mode = RenderMode(rawValue: name), possible.contains(mode) else {
      let list = possible.map(\.rawValue).joined(separator: ", ")
      return model.add(.notice(.warning), "This terminal cannot show \"\(name)\". It can: auto, \(list).")
    }
    announce(mode)
  }

  private func setRenderMode(_ mode: RenderMode) {
    renderMode = mode
    nameRenderMode()
    // Sixels may stand where the next mode writes nothing.
    repaint()
  }

  private func announce(_ mode: RenderMode) {
    isRenderModeChosen = true
    setRenderMode(mode)
    model.add(.event, "Pictures are drawn as \(model.renderName).")
  }

  private func nameRenderMode() {
    model.renderName =
      renderMode.hasPixels ? renderMode.rawValue : "\(renderMode.rawValue), \(capabilities.colors.words)"
  }

  // MARK: - Output

  /// Pictures and text take turns; neither begins before the other is through.
  private func updateScreen() {
    if terminal.isWriting { continueWriting() }
    guard !terminal.isWriting else { return }
    ask()
    placePicture()
    guard !terminal.isWriting else { return }
    if needsDrawing, terminal.isReady { draw() }
    guard !needsDrawing, !terminal.isWriting, model.showsPicture else { return }
    if !ui.pictures.hasFrame, let allowance = pacer.allowance(now: .now()) { ui.pictures.grant(allowance) }
    guard model.hasPicture, var frame = ui.pictures.takeFrame() else { return }
    if canvas.cursor != nil { frame += Self.showCursor }
    frame += pacer.send(bytes: frame.count, now: .now())
    finishWriting(terminal.write(frame))
  }

  private func placePicture() {
    if model.showsPicture != wasPictureShown {
      wasPictureShown = model.showsPicture
      pictureSerial += 1
    }
    let pane = model.layout.picture
    let cells = CellRectangle(column: pane.column, row: pane.row, columns: pane.columns, rows: pane.rows)
    let viewport = Viewport(
      cells: cells, cellPixels: ui.options.overrides.cellPixels(for: renderMode, capabilities), screenRows: model.rows)
    ui.pictures.configure(
      model.showsPicture
        ? PicturePane.Setting(
          viewport: viewport, mode: renderMode, capabilities: capabilities, look: model.look, serial: pictureSerial)
        : nil)
    if !model.showsPicture { removePicture() }
    if model.showsPicture, !model.hasPicture, ui.pictures.hasFrame {
      model.hasPicture = true
      needsDrawing = true
    }
  }

  private func ask() {
    guard !question.isEmpty, terminal.isReady else { return }
    terminal.print(question)
    question = []
  }

  /// Takes away what text would not cover, before there is any.
  private func removePicture() {
    guard !terminal.isWriting else { return }
    let removal = ui.pictures.removal()
    if removal.isEmpty { return }
    self.removal = removal
    finishWriting(terminal.write(removal))
  }

  private func continueWriting() {
    finishWriting(terminal.continueWriting())
  }

  private func finishWriting(_ outcome: Terminal.WriteOutcome) {
    switch outcome {
    case .partial: break
    case .done: ui.pictures.finishWriting(terminal.takeWrittenBuffer())
    case .gone: leave(because: .terminalGone)
    }
  }

  /// - Parameter rest: what is to follow.
  private func draw(_ rest: [UInt8] = []) {
    canvas = ScreenView.draw(model)
    needsDrawing = false
    finishWriting(terminal.write(screen.show(canvas) + rest))
  }
}
