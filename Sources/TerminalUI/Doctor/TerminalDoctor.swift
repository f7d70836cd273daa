import Frames
import Glibc
import NIOCore
public import Picture

/// Asks the terminal what it can do and tells a person: what was found and from which answer, how pictures will be drawn
/// and why, and what can be set by hand; with a test card in each mode that the terminal can show.
public struct TerminalDoctor {
  private let renderMode: RenderMode?
  private let overrides: TerminalOverrides

  public init(renderMode: RenderMode? = nil, overrides: TerminalOverrides = TerminalOverrides()) {
    self.renderMode = renderMode
    self.overrides = overrides
  }

  /// Columns and rows of a test card.
  private static let card = (columns: 40, rows: 10)
  /// Milliseconds for the terminal to say where its cursor is.
  private static let patience = 500

  /// Examines the terminal and prints the report on it.
  /// - Throws: ``TerminalError`` when there is none.
  public func run() throws(TerminalError) {
    let terminal = try Terminal()
    let guardian = try TerminalGuard()
    let began = NIODeadline.now()
    let (probe, _) = terminal.probe(guardedBy: guardian)
    let asked = NIODeadline.now() - began
    var knowledge = TerminalKnowledge(
      probe: probe, cell: terminal.cellPixels, overrides: overrides, wanting: renderMode)
    // What comes late is worth knowing here.
    let end = NIODeadline.now() + .seconds(1)
    while knowledge.isAwaitingAnswers, .now() < end {
      if let late = terminal.read(within: 100) { _ = knowledge.withoutAnswers(late, now: .now()) }
    }
    let report = DoctorReport(
      probe: knowledge.probe, told: knowledge.told, overrides: overrides, kernelCell: terminal.cellPixels,
      chosen: renderMode, answeredIn: probe.isFinished ? asked : nil)
    terminal.print(report.findings)
    showCards(on: terminal, knowledge.capabilities)
    terminal.print(report.advice)
    terminal.giveBackLine(guardedBy: guardian)
  }

  private func showCards(on terminal: Terminal, _ capabilities: TerminalCapabilities) {
    let size = terminal.size
    let frame = TestCard.frame(VideoSize(width: 320, height: 160), from: VideoFramePool())
    guard size.columns > Self.card.columns + 2, size.rows > Self.card.rows + 3 else {
      return terminal.print("The screen is too small for test cards.\r\n")
    }
    for mode in RenderMode.allCases where mode.isSupported(by: capabilities) {
      terminal.print("\r\n\(mode.rawValue): \(mode.words)\r\n" + String(repeating: "\r\n", count: Self.card.rows + 1))
      guard let row = cursorRow(of: terminal), row > Self.card.rows else {
        return terminal.print("The terminal does not say where its cursor is, so there are no test cards.\r\n")
      }
      let renderer = Renderer(mode: mode, capabilities: capabilities, fit: .stretch)
      var bytes: [UInt8] = []
      renderer.render(
        remote: frame, selfView: nil,
        in: Viewport(
          column: 2, row: row - 1 - Self.card.rows, columns: Self.card.columns, rows: Self.card.rows,
          cellPixels: overrides.cellPixels(for: mode, capabilities), screenRows: size.rows), into: &bytes)
      terminal.print(bytes)
    }
  }

  /// The row of the cursor, counted from 1 (CPR).
  private func cursorRow(of terminal: Terminal) -> Int? {
    terminal.print("\u{1B}[6n")
    var answer: [UInt8] = []
    let end = NIODeadline.now() + .milliseconds(Int64(Self.patience))
    while .now() < end {
      answer += terminal.read(within: 50) ?? []
      guard let final = answer.lastIndex(of: UInt8(ascii: "R")),
        let start = answer[..<final].lastIndex(of: UInt8(ascii: "["))
      else { continue }
      return String(decoding: answer[(start + 1)..<final], as: UTF8.self).split(separator: ";").first.flatMap {
        Int($0)
      }
    }
    return nil
  }
}

/// The words of ``TerminalDoctor``.
struct DoctorReport {
  let probe: CapabilityProbe
  /// What is known without the person's word.
  let told: TerminalCapabilities
  let overrides: TerminalOverrides
  /// What the kernel says of a cell.
  let kernelCell: PixelSize?
  let chosen: RenderMode?
  /// Nil when the terminal did not answer in time.
  let answeredIn: TimeAmount?

  var findings: String {
    var lines = ["Found:"]
    for finding in probe.findings {
      lines.append("  \(padded(finding.subject)) \(finding.value)   [\(finding.source)]")
    }
    if let kernelCell {
      lines.append("  \(padded("size of a cell")) \(kernelCell.width)x\(kernelCell.height) pixels   [TIOCGWINSZ]")
    }
    if let answeredIn {
      lines.append("  \(padded("answers")) complete after \(answeredIn.nanoseconds / 1_000_000) ms")
    } else {
      lines.append("  \(padded("answers")) late: at a start the program would not have waited for them")
    }
    lines.append("")
    lines.append(decision)
    return text(lines)
  }

  /// What is known with the person's word.
  private var capabilities: TerminalCapabilities { capabilities(with: overrides) }

  private func capabilities(with overrides: TerminalOverrides) -> TerminalCapabilities {
    var result = told
    overrides.apply(to: &result, wanting: chosen)
    return result
  }

  private var mode: RenderMode { mode(for: capabilities) }

  private func mode(for capabilities: TerminalCapabilities) -> RenderMode {
    chosen ?? .automatic(for: capabilities)
  }

  private var decision: String {
    let options = decidingOptions.joined(separator: ", ")
    return "Pictures are drawn as \(way(overrides)): \(reason)\(options.isEmpty ? "" : " (decided by \(options))")."
  }

  /// How pictures are drawn if a person says this.
  private func way(_ overrides: TerminalOverrides) -> String {
    let capabilities = capabilities(with: overrides)
    let mode = mode(for: capabilities)
    return mode.hasPixels ? mode.rawValue : "\(mode.rawValue), \(capabilities.colors.words)"
  }

  /// The options without which pictures would be drawn otherwise.
  private var decidingOptions: [String] {
    let way = way(overrides)
    guard way != self.way(TerminalOverrides()) else { return [] }
    var options: [String] = []
    var without = overrides
    without.colors = nil
    if way != self.way(without) { options.append("--colors") }
    for (index, feature) in overrides.features.enumerated() {
      without = overrides
      without.features.remove(at: index)
      if way != self.way(without) { options.append("--terminal-feature \(feature.words)") }
    }
    return options
  }

  private var reason: String {
    if chosen != nil { return "chosen with --render" }
    switch mode {
    case .kitty: return "the terminal answered a kitty graphics query, and told how large its cells are"
    case .sixel: return "DA1 tells of sixel graphics, in enough colours, and the size of the cells is known"
    case .ascii: return "there is no UTF-8"
    case .half: return "there is UTF-8, and there are fewer than 256 colours"
    default: break
    }
    if capabilities.multiplexer != nil { return "there is a multiplexer, which passes on no pixels" }
    if capabilities.sixel != nil, capabilities.cellPixels == nil {
      return "the terminal does not tell how large its cells are, which pixels would need"
    }
    return "there are UTF-8 and enough colours, and neither kitty graphics nor sixels"
  }

  var advice: String {
    text([
      "", "What the terminal says of itself can be overruled:",
      "  --render \(RenderMode.allCases.map(\.rawValue).joined(separator: "|"))",
      "  --colors truecolor|256|16|8|mono",
      "  --font \(LetterFont.allCases.map(\.rawValue).joined(separator: "|")), for pictures made of letters",
      "  --cell-aspect HEIGHT/WIDTH of a cell, if circles are not round",
      "  --max-bandwidth BYTES a second, for a slow link",
      "  --terminal-feature \(TerminalFeature.usage)",
      "If a card shows blanks or boxes, its characters are not in the font: choose another mode.",
    ])
  }

  private func padded(_ text: String) -> String {
    text + String(repeating: " ", count: max(24 - text.count, 0))
  }

  /// The terminal is raw: a line feed alone would not return to the left.
  private func text(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }
}

extension RenderMode {
  /// As a person would describe it.
  var words: String {
    switch self {
    case .ascii: "letters and punctuation"
    case .half: "half blocks"
    case .quadrant: "quarter blocks"
    case .block: "block elements"
    case .sextant: "sextants (Unicode 13)"
    case .octant: "octants (Unicode 16)"
    case .braille: "braille patterns"
    case .sixel: "sixel graphics"
    case .kitty: "kitty graphics"
    case .iterm2: "iTerm2's inline images"
    }
  }
}
