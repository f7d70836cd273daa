import NIOCore
import Picture

/// What is known of the terminal: from its answers, also those that come late, from the kernel, and last of all from the
/// person. Pure: bytes and times come in.
struct TerminalKnowledge {
  private(set) var probe: CapabilityProbe
  private let overrides: TerminalOverrides
  private let wanted: RenderMode?
  /// What the kernel said of a cell at the begin, for terminals that do not answer.
  private let firstCell: PixelSize?
  /// What it said when the window last changed: newer than any answer.
  private var newerCell: PixelSize?
  private var listensUntil: NIODeadline?

  /// What is known without the person's word.
  private(set) var told: TerminalCapabilities
  private(set) var capabilities: TerminalCapabilities

  /// For an answer to a question of later.
  private static let patience = TimeAmount.seconds(2)
  /// After this time half an answer is none.
  private static let rest = TimeAmount.milliseconds(60)
  /// CSI 16 t: the size of a cell.
  private static let cellRequest: [UInt8] = Array("\u{1B}[16t".utf8)

  /// - Parameters:
  ///   - cell: size of a cell as the kernel knows it.
  ///   - mode: a way of drawing that the person wants though the terminal did not say that it knows it.
  init(probe: CapabilityProbe, cell: PixelSize?, overrides: TerminalOverrides, wanting mode: RenderMode?) {
    self.probe = probe
    self.overrides = overrides
    wanted = mode
    firstCell = cell
    told = probe.capabilities
    capabilities = told
    update()
  }

  private mutating func update() {
    told = probe.capabilities
    told.cellPixels = newerCell ?? told.cellPixels ?? firstCell
    capabilities = told
    overrides.apply(to: &capabilities, wanting: wanted)
  }

  /// Whether the terminal still owes the last of the answers that it was asked for at the begin.
  var isAwaitingAnswers: Bool { !probe.isFinished }

  /// Whether answers are looked for in what is read.
  private func listens(now: NIODeadline) -> Bool { isAwaitingAnswers || listensUntil.map { now < $0 } ?? false }

  /// After this time without input ``heldBack()`` is to be taken; nil when nothing is held back.
  func restTime(now: NIODeadline) -> TimeAmount? { listens(now: now) ? Self.rest : nil }

  /// Takes answers out of what was read; gives back what was typed.
  mutating func withoutAnswers(_ bytes: [UInt8], now: NIODeadline) -> [UInt8] {
    guard listens(now: now) else { return probe.release() + bytes }
    let typed = probe.feed(bytes)
    update()
    return typed
  }

  /// What was kept because an answer could have begun with it: nothing came after it in time.
  mutating func heldBack() -> [UInt8] { probe.release() }

  /// The window has changed, and with it perhaps the font.
  /// - Parameter cell: size of a cell as the kernel knows it now.
  /// - Returns: a question to be written to the terminal where the kernel does not know.
  mutating func windowChanged(cell: PixelSize?, now: NIODeadline) -> [UInt8] {
    newerCell = cell
    update()
    guard cell == nil, probe.capabilities.cellPixels != nil else { return [] }
    listensUntil = now + Self.patience
    return Self.cellRequest
  }
}

extension Terminal {
  /// Milliseconds that answers still on their way are waited for when the terminal is given back.
  private static let settlingTime: Int64 = 300

  /// Waits a moment for the terminal's answers that are still on their way, or the shell would take them for typed.
  func settle(_ pacer: inout OutputPacer, _ knowledge: inout TerminalKnowledge) {
    let end = NIODeadline.now() + .milliseconds(Self.settlingTime)
    var decoder = InputDecoder()
    while pacer.isAwaitingAnswers || knowledge.isAwaitingAnswers, .now() < end {
      guard let read = read(within: 50) else { continue }
      let typed = knowledge.withoutAnswers(read, now: .now())
      for key in decoder.decode(typed) where key == .statusReport { pacer.answered(now: .now()) }
    }
  }
}
