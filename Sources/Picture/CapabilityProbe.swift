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

  /// The variables of the environment that say something of the terminal.
  public static let variables = [
    "TERM", "COLORTERM", "LC_ALL", "LC_CTYPE", "LANG", "TMUX", "STY", "SSH_CONNECTION", "SSH_TTY",
  ]

  /// What to write to the terminal; empty where asking would do harm (a dumb terminal), and then it is finished already.
  public let query: [UInt8]
  /// Whether the last answer (the fence) has come, or the time is over.
  public private(set) var isFinished: Bool
  /// What is known so far: from the environment at first, then from each answer.
  public private(set) var capabilities: TerminalCapabilities

  /// What was found out, in the order in which it was.
  public private(set) var findings: [TerminalFinding]

  private var parser = TerminalReplyParser()
  /// Area of the text in pixels, which with the cells gives the size of one where the terminal does not say.
  private var textPixels: PixelSize?
  /// Whether DA1 said so; nothing else is proof.
  private var hasSixel = false
  private var sixel = SixelSupport()
  private var profile = PixelProfile(name: "", multiplexer: nil)
  /// Whether the terminal could read memory of this machine.
  private var readsMemory = false
  private var baseColors: [Int: RGBColor] = [:]
  private var foreground: RGBColor?
  private var background: RGBColor?

  /// Bytes of the pixel that the terminal is asked to read from shared memory.
  public static let sharedPixelBytes = 3

  /// - Parameters:
  ///   - environment: the variables of ``variables`` are looked at.
  ///   - terminfoColors: the number of colours terminfo gives, nil or negative when it does not know.
  ///   - sharedPixel: the name of shared memory (see ``PictureMemory``) of ``sharedPixelBytes`` bytes, to be kept until
  ///     the terminal has answered. Only a terminal that could read it counts as one on this machine.
  public init(environment: [String: String], terminfoColors: Int? = nil, sharedPixel: String? = nil) {
    let terminal = TerminalEnvironment(environment, terminfoColors: terminfoColors, sharedPixel: sharedPixel)
    capabilities = terminal.capabilities
    findings = terminal.findings
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
    return release()
  }

  /// Returns typed bytes that were held back because an answer could have begun with them, while answers may still come.
  public mutating func release() -> [UInt8] {
    parser.release()
  }

  private mutating func note(_ subject: String, _ value: String, _ source: String) {
    findings.append(TerminalFinding(subject: subject, value: value, source: source))
  }

  private mutating func apply(_ reply: TerminalReply) {
    switch reply {
    case .primaryAttributes(let attributes):
      hasSixel = attributes.contains(4)
      isFinished = true
      note("sixel graphics", hasSixel ? "yes" : "no", "DA1 (\(attributes.map(String.init).joined(separator: " ")))")
    case .secondaryAttributes(let kind):
      // tmux and screen answer with the letters they are known by.
      if kind == 84 { capabilities.multiplexer = .tmux }
      if kind == 83 { capabilities.multiplexer = .screen }
      note("kind of terminal", "\(kind)", "DA2")
    case .name(let name):
      capabilities.name = name
      note("name", name, "XTVERSION")
      apply(KnownTerminal(name))
    case .cellPixels(let size):
      capabilities.cellPixels = size
      note("size of a cell", "\(size.width)x\(size.height) pixels", "CSI 16 t")
    case .textPixels(let size):
      textPixels = size
      note("size of the text", "\(size.width)x\(size.height) pixels", "CSI 14 t")
    case .screenCells(let columns, let rows):
      // tmux (3.3) gives the two the other way round.
      guard capabilities.multiplexer == nil else { break }
      capabilities.screenCells = CellRectangle(columns: columns, rows: rows)
      note("size of the screen", "\(columns)x\(rows) cells", "CSI 18 t")
    case .mode(2026, let state):
      // 0 is "not recognized": then the sequences do nothing, but cost their bytes with every frame.
      capabilities.synchronizedUpdates = state != 0
      note("synchronized updates", state == 0 ? "no" : "yes", "DECRQM 2026")
    case .mode:
      break
    case .sixelRegisters(let count):
      sixel.registers = min(max(count, 2), 65536)
      note("sixel colours", "\(count)", "XTSMGRAPHICS")
    case .sixelGeometry(let size):
      sixel.largestImage = size
      note("largest sixel image", "\(size.width)x\(size.height) pixels", "XTSMGRAPHICS")
    case .kittyGraphics(let id, let answer):
      takeGraphics(id, answer)
    case .baseColor(let index, let color):
      takeBaseColor(index, color)
    case .foreground(let color):
      foreground = color
      takeDefaultPens()
    case .background(let color):
      background = color
      takeDefaultPens()
    }
    capabilities.sixel = hasSixel ? sixel : nil
    capabilities.kitty?.editsImages = profile.editsKittyImages
    capabilities.kitty?.isLocal = readsMemory
    if capabilities.cellPixels == nil, let textPixels, let cells = capabilities.screenCells, !cells.isEmpty {
      let size = PixelSize(width: textPixels.width / cells.columns, height: textPixels.height / cells.rows)
      if size.width > 0, size.height > 0 { capabilities.cellPixels = size }
    }
  }

  private mutating func takeGraphics(_ query: Int, _ answer: String) {
    let isYes = answer == "OK"
    switch query {
    case TerminalEnvironment.graphicsQuery:
      if isYes, capabilities.multiplexer == nil { capabilities.kitty = KittySupport() }
      note("kitty graphics", isYes ? "yes" : answer, "graphics query")
    case TerminalEnvironment.memoryQuery:
      readsMemory = isYes
      note("pictures by shared memory", isYes ? "yes" : answer, "graphics query")
    default: break
    }
  }

  private mutating func takeDefaultPens() {
    guard let foreground, let background else { return }
    capabilities.defaultPens = DefaultPens(foreground: foreground, background: background)
    note("the default colours", "told", "OSC 10, 11")
  }

  /// All sixteen or none: a palette half of which is guessed is none.
  private mutating func takeBaseColor(_ index: Int, _ color: RGBColor) {
    baseColors[index] = color
    guard baseColors.count == 16 else { return }
    capabilities.baseColors = (0..<16).compactMap { baseColors[$0] }
    note("the sixteen colours", "told", "OSC 4")
  }

  private mutating func apply(_ terminal: KnownTerminal) {
    if terminal.isMultiplexer { capabilities.multiplexer = capabilities.multiplexer ?? .tmux }
    if terminal.hasTrueColor, capabilities.multiplexer == nil, capabilities.colors < .trueColor {
      capabilities.colors = .trueColor
      note("colours", "true colour", "known of this name")
    }
    profile = PixelProfile(name: capabilities.name, multiplexer: capabilities.multiplexer)
    profile.apply(to: &sixel)
    capabilities.hasInlineImages = profile.hasInlineImages
  }
}

/// Something that was found out about the terminal, for a person to read.
public struct TerminalFinding: Sendable, Hashable {
  /// What was asked.
  public var subject: String
  /// What is the case.
  public var value: String
  /// Which answer, or which variable of the environment, says so.
  public var source: String

  /// Something found out.
  public init(subject: String, value: String, source: String) {
    self.subject = subject
    self.value = value
    self.source = source
  }
}
