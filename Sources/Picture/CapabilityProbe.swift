/// Finds out what the terminal can do by asking it. Pure: the owner writes ``query`` to the terminal, feeds what comes
/// back, and calls ``expire()`` when ``timeLimitMilliseconds`` have gone by.
///
///     var probe = CapabilityProbe(environment: environment, terminfoColors: colors)
///     write(probe.query)
///     while !probe.isFinished { keys += probe.feed(read()) }   // or probe.expire() when the time is over
///     let capabilities = probe.capabilities
///
/// Answers may still arrive later (a slow link); feeding input on keeps them out of what the person typed.
public struct CapabilityProbe: Sendable {
  /// How long to wait for the answers.
  public static let timeLimitMilliseconds = 150

  /// What to write to the terminal; empty where asking would do harm (a dumb terminal), and then it is finished already.
  public let query: [UInt8]
  /// Whether the last answer (the fence) has come, or the time is over.
  public private(set) var isFinished: Bool
  /// What is known so far: from the environment at first, then from each answer.
  public private(set) var capabilities: TerminalCapabilities

  private var parser = TerminalReplyParser()
  /// Area of the text in pixels, which with the cells gives the size of one where the terminal does not say.
  private var textPixels: PixelSize?
  /// Whether DA1 said so; nothing else is proof.
  private var hasSixel = false
  private var sixel = SixelSupport()

  /// - Parameters:
  ///   - environment: TERM, COLORTERM, LC_ALL, LC_CTYPE, LANG, TMUX, STY are looked at.
  ///   - terminfoColors: the number of colours terminfo gives, nil or negative when it does not know.
  public init(environment: [String: String], terminfoColors: Int? = nil) {
    let terminal = TerminalEnvironment(environment, terminfoColors: terminfoColors)
    capabilities = terminal.capabilities
    query = Array(terminal.query.utf8)
    isFinished = query.isEmpty
  }

  /// Takes bytes from the terminal and returns those that are no answer: what the person typed.
  public mutating func feed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var typed: [UInt8] = []
    for byte in bytes {
      if let reply = parser.take(byte, typed: &typed) { apply(reply) }
    }
    return typed
  }

  /// The time is over. Returns typed bytes that were held back because an answer could have begun with them (a lone
  /// Escape).
  public mutating func expire() -> [UInt8] {
    isFinished = true
    return parser.release()
  }

  private mutating func apply(_ reply: TerminalReply) {
    switch reply {
    case .primaryAttributes(let attributes):
      hasSixel = attributes.contains(4)
      isFinished = true
    case .secondaryAttributes(let kind):
      // tmux and screen answer with the letters they are known by.
      if kind == 84 { capabilities.multiplexer = .tmux }
      if kind == 83 { capabilities.multiplexer = .screen }
    case .name(let name):
      capabilities.name = name
      apply(KnownTerminal(name))
    case .cellPixels(let size):
      capabilities.cellPixels = size
    case .textPixels(let size):
      textPixels = size
    case .screenCells(let columns, let rows):
      // tmux (3.3) gives the two the other way round.
      guard capabilities.multiplexer == nil else { break }
      capabilities.screenCells = CellRectangle(columns: columns, rows: rows)
    case .mode(2026, let state):
      // 0 is "not recognized": then the sequences do nothing, but cost their bytes with every frame.
      capabilities.synchronizedUpdates = state != 0
    case .mode:
      break
    case .sixelRegisters(let count):
      sixel.registers = min(max(count, 2), 65536)
    case .sixelGeometry(let size):
      sixel.largestImage = size
    }
    capabilities.sixel = hasSixel ? sixel : nil
    if capabilities.cellPixels == nil, let textPixels, let cells = capabilities.screenCells, !cells.isEmpty {
      let size = PixelSize(width: textPixels.width / cells.columns, height: textPixels.height / cells.rows)
      if size.width > 0, size.height > 0 { capabilities.cellPixels = size }
    }
  }

  private mutating func apply(_ terminal: KnownTerminal) {
    if terminal.isMultiplexer { capabilities.multiplexer = capabilities.multiplexer ?? .tmux }
    if terminal.hasTrueColor, capabilities.multiplexer == nil { capabilities.colors = .trueColor }
    if terminal.keepsUnpaintedPixels, capabilities.multiplexer == nil {
      sixel.keepsUnpaintedPixels = true
    }
  }
}

/// What the environment says of the terminal, before it is asked.
struct TerminalEnvironment {
  let capabilities: TerminalCapabilities
  /// What to ask it.
  let query: String

  /// XTVERSION, DA2, pixels of the text and of a cell, cells, whether there are synchronized updates, sixel registers
  /// there are and the largest image there may be (XTSMGRAPHICS), and DA1, which every terminal answers.
  private static let everything =
    "\u{1B}[>0q\u{1B}[>c\u{1B}[14t\u{1B}[16t\u{1B}[18t\u{1B}[?2026$p\u{1B}[?1;1;0S\u{1B}[?2;4;0S" + fence
  private static let fence = "\u{1B}[c"

  init(_ environment: [String: String], terminfoColors: Int?) {
    let term = environment["TERM"] ?? ""
    let isDumb = term.isEmpty || term == "dumb" || term == "unknown"
    capabilities = TerminalCapabilities(
      colors: Self.colors(environment, term: term, terminfoColors: terminfoColors),
      isUTF8: Self.isUTF8(environment) && !isDumb, synchronizedUpdates: !isDumb,
      multiplexer: Self.multiplexer(environment, term: term))
    // The Linux console prints parts of what it does not understand.
    query = isDumb ? "" : term == "linux" ? Self.fence : Self.everything
  }

  private static func colors(_ environment: [String: String], term: String, terminfoColors: Int?) -> ColorDepth {
    let colorTerm = environment["COLORTERM"]?.lowercased() ?? ""
    let count = terminfoColors ?? 0
    if term == "dumb" || term.isEmpty { return .mono }
    if colorTerm == "truecolor" || colorTerm == "24bit" || count >= 1 << 24 || term.hasSuffix("-direct") {
      return .trueColor
    }
    if count >= 256 || term.contains("256color") { return .ansi256 }
    if count >= 8 || !colorTerm.isEmpty { return .ansi16 }
    if count > 0 { return .mono }
    return terminfoColors == nil && !term.hasPrefix("vt") ? .ansi16 : .mono
  }

  /// The first of the three that is set decides (POSIX).
  private static func isUTF8(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let lowered = locale.lowercased()
    return lowered.contains("utf-8") || lowered.contains("utf8")
  }

  private static func multiplexer(_ environment: [String: String], term: String) -> Multiplexer? {
    if environment["TMUX"].map({ !$0.isEmpty }) == true || term.hasPrefix("tmux") { return .tmux }
    if environment["STY"].map({ !$0.isEmpty }) == true || term.hasPrefix("screen") { return .screen }
    return nil
  }
}

/// What is known of a terminal by the name it gives itself.
struct KnownTerminal {
  let hasTrueColor: Bool
  let keepsUnpaintedPixels: Bool
  let isMultiplexer: Bool

  init(_ name: String) {
    let lowered = name.lowercased()
    func isOne(of names: [String]) -> Bool { names.contains { lowered.hasPrefix($0) } }
    hasTrueColor =
      isOne(of: [
        "xterm(", "foot", "kitty", "wezterm", "konsole", "vte", "mintty", "contour", "iterm2", "ghostty", "alacritty",
        "mlterm", "rio",
      ]) && Self.version(lowered, of: "xterm(") ?? .max >= 331
    keepsUnpaintedPixels = isOne(of: ["xterm(", "foot"])
    isMultiplexer = lowered.hasPrefix("tmux")
  }

  /// The number right after a prefix.
  private static func version(_ name: String, of prefix: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0.isNumber })
  }
}
