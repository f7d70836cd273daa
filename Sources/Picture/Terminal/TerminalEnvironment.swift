/// What the environment says of the terminal, before it is asked.
struct TerminalEnvironment {
  let capabilities: TerminalCapabilities
  /// What to ask it.
  let query: String
  let findings: [TerminalFinding]

  /// The numbers of the graphics queries.
  static let graphicsQuery = 31
  static let memoryQuery = 32

  /// XTVERSION, DA2, pixels of the text and of a cell, cells, whether there are synchronized updates, sixel registers
  /// there are and the largest image there may be (XTSMGRAPHICS), and DA1, which every terminal answers.
  private static let everything =
    "\u{1B}[>0q\u{1B}[>c\u{1B}[14t\u{1B}[16t\u{1B}[18t\u{1B}[?2026$p\u{1B}[?1;1;0S\u{1B}[?2;4;0S"
  /// A kitty graphics query: whether one pixel could be shown. Multiplexers are not asked: they may show what they do not
  /// understand.
  private static let graphics = "\u{1B}_Gi=\(graphicsQuery),s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\"
  /// OSC 4 for each of the sixteen colours.
  private static let baseColors = (0..<16).map { "\u{1B}]4;\($0);?\u{1B}\\" }.joined()
  /// OSC 10 and 11 for the default pens.
  private static let defaultPens = "\u{1B}]10;?\u{1B}\\\u{1B}]11;?\u{1B}\\"
  private static let fence = "\u{1B}[c"

  init(_ environment: [String: String], terminfoColors: Int?, sharedPixel: String?) {
    let term = environment["TERM"] ?? ""
    let isDumb = term.isEmpty || term == "dumb" || term == "unknown"
    capabilities = TerminalCapabilities(
      colors: Self.colors(environment, term: term, terminfoColors: terminfoColors),
      isUTF8: Self.isUTF8(environment) && !isDumb, synchronizedUpdates: !isDumb,
      multiplexer: Self.multiplexer(environment, term: term))
    // The Linux console prints parts of what it does not understand.
    var questions = term == "linux" ? "" : Self.everything
    if term != "linux", capabilities.multiplexer == nil {
      questions += Self.graphics + Self.memory(sharedPixel, environment) + Self.defaultPens + Self.baseColors
    }
    query = isDumb ? "" : questions + Self.fence
    findings = Self.findings(capabilities, environment, terminfoColors: terminfoColors)
  }

  /// Whether one pixel could be shown that is in shared memory; nothing where there is none, or where the terminal is said
  /// to be elsewhere: it would look for the name on its own machine.
  private static func memory(_ name: String?, _ environment: [String: String]) -> String {
    guard var name, ["SSH_CONNECTION", "SSH_TTY"].allSatisfy({ environment[$0, default: ""].isEmpty }) else {
      return ""
    }
    let writer = TerminalWriter()
    name.withUTF8 { name in
      var pen = writer.begin(atMost: Base64.length(name.count))
      Base64.write(name, into: &pen)
      writer.finish(pen)
    }
    let data = String(decoding: writer.bytes, as: UTF8.self)
    return "\u{1B}_Gi=\(memoryQuery),s=1,v=1,a=q,t=s,f=24;\(data)\u{1B}\\"
  }

  private static func colors(_ environment: [String: String], term: String, terminfoColors: Int?) -> ColorDepth {
    let colorTerm = environment["COLORTERM"]?.lowercased() ?? ""
    let count = terminfoColors ?? 0
    if term == "dumb" || term.isEmpty { return .mono }
    if colorTerm == "truecolor" || colorTerm == "24bit" || count >= 1 << 24 || term.hasSuffix("-direct") {
      return .trueColor
    }
    if count >= 256 || term.contains("256color") { return .ansi256 }
    if count >= 16 || !colorTerm.isEmpty { return .ansi16 }
    // xterm and its like describe themselves with the eight colours of old and have sixteen.
    if count >= 8 { return term.hasPrefix("xterm") || term == "linux" ? .ansi16 : .ansi8 }
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

  private static func findings(
    _ capabilities: TerminalCapabilities, _ environment: [String: String], terminfoColors: Int?
  ) -> [TerminalFinding] {
    func value(_ name: String) -> String { environment[name].map { "\(name)=\($0)" } ?? "no \(name)" }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].first { environment[$0, default: ""] != "" } ?? "LANG"
    var findings = [
      TerminalFinding(
        subject: "colours", value: capabilities.colors.words,
        source: "\(value("TERM")), \(value("COLORTERM")), terminfo: \(terminfoColors.map(String.init) ?? "unknown")"),
      TerminalFinding(subject: "UTF-8", value: capabilities.isUTF8 ? "yes" : "no", source: value(locale)),
    ]
    if let multiplexer = capabilities.multiplexer {
      findings.append(
        TerminalFinding(
          subject: "multiplexer", value: "\(multiplexer)",
          source: multiplexer == .tmux ? "TMUX, \(value("TERM"))" : "STY, \(value("TERM"))"))
    }
    return findings
  }
}

extension ColorDepth {
  /// As a person says it.
  public var words: String {
    switch self {
    case .mono: "2 colours"
    case .ansi8: "8 colours"
    case .ansi16: "16 colours"
    case .ansi256: "256 colours"
    case .trueColor: "true colour"
    }
  }
}
