public import Frames
import Glibc
import NIOCore
public import Picture

/// Plays pictures on the whole terminal: those that are due, as many of them as it can show. Main thread only.
public final class MoviePlayer {
  /// What can be chosen.
  public struct Options: Sendable {
    /// How pictures are drawn; nil: as the terminal can best.
    public var renderMode: RenderMode?
    public var overrides: TerminalOverrides
    /// Bytes a second that pictures may take; nil for no limit.
    public var bytesPerSecond: Int?

    public init(
      renderMode: RenderMode? = nil, overrides: TerminalOverrides = TerminalOverrides(), bytesPerSecond: Int? = nil
    ) {
      self.renderMode = renderMode
      self.overrides = overrides
      self.bytesPerSecond = bytesPerSecond
    }
  }

  private let options: Options
  private let source: () throws -> VideoFrame?
  private var clock = PlayClock()
  private var look = PictureLook()
  private var decoder = InputDecoder()
  private var isOver = false

  /// - Parameter source: gives one picture after the other with its time from the begin, and nil at the end.
  public init(options: Options, source: @escaping () throws -> VideoFrame?) {
    self.options = options
    self.source = source
  }

  /// Plays to the end, or until the person leaves. The terminal is then as it was before.
  /// - Throws: ``TerminalError`` without a terminal, and what the source throws.
  public func run() throws {
    let terminal = try Terminal(findsInput: true)
    let guardian = try TerminalGuard()
    let (probe, typed) = terminal.probe(guardedBy: guardian)
    terminal.takeScreen()
    defer { terminal.giveBack(nil, guardedBy: guardian) }
    try play(MovieStage(terminal: terminal, probe: probe, options: options), guardian, typed: typed)
  }

  private func play(_ stage: MovieStage, _ guardian: TerminalGuard, typed: [UInt8]) throws {
    take(typed, stage)
    var upcoming = try source()
    while !isOver {
      var now = NIODeadline.now()
      while let frame = upcoming, clock.isDue(frame.time, now: now) {
        stage.picture = frame
        upcoming = try source()
        now = .now()
      }
      stage.draw(look, now: now)
      if upcoming == nil, !stage.isBehind { break }
      let due = upcoming.flatMap { clock.deadline(of: $0.time) }
      wait(stage, guardian, until: [due, stage.nextChance(now: now)].compactMap { $0 }.min())
    }
    stage.settle()
  }

  private func wait(_ stage: MovieStage, _ guardian: TerminalGuard, until deadline: NIODeadline?) {
    var descriptors = [
      pollfd(fd: stage.terminal.input, events: Int16(POLLIN), revents: 0),
      pollfd(fd: guardian.wakeRead, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stage.terminal.isWriting ? stage.terminal.output : -1, events: Int16(POLLOUT), revents: 0),
    ]
    let limit = decoder.patience.map { NIODeadline.now() + .milliseconds(Int64($0)) }
    let end = [deadline, limit].compactMap { $0 }.min()
    let left = end.map { max(($0 - .now()).nanoseconds + 999_999, 0) / 1_000_000 } ?? 60_000
    poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: left))
    if descriptors[0].revents != 0 {
      switch stage.terminal.read() {
      case .bytes(let bytes): take(bytes, stage)
      case .nothing: break
      case .gone: isOver = true
      }
    } else if decoder.patience != nil, limit.map({ $0 <= .now() }) == true {
      take(keys: decoder.giveUp(), stage)
    }
    handle(guardian.drain(), stage)
  }

  private func handle(_ signals: Set<Int32>, _ stage: MovieStage) {
    if signals.contains(SIGWINCH) || signals.contains(SIGCONT) { stage.repaint() }
    if !signals.isDisjoint(with: [SIGINT, SIGTERM, SIGHUP]) { isOver = true }
  }

  private func take(_ bytes: [UInt8], _ stage: MovieStage) {
    take(keys: decoder.decode(stage.withoutAnswers(bytes)), stage)
  }

  private func take(keys: [KeyInput], _ stage: MovieStage) {
    for key in keys {
      switch key {
      case .statusReport: stage.answered()
      case .character("q"), .escape, .control("c"): isOver = true
      case .character(" "): clock.togglePause(now: .now())
      case .character("r"), .function(6): stage.nextMode()
      case .control("l"): stage.repaint()
      case .character(let character): if look.take(.alt(character)) { stage.isBehind = true }
      default: if look.take(key) { stage.isBehind = true }
      }
    }
  }
}

/// When the pictures of a film are due: its time from the begin against the clock, but for pauses.
struct PlayClock {
  private var begin: NIODeadline?
  private var pausedSince: NIODeadline?

  /// Whether a picture is to be shown. The first one starts the clock.
  mutating func isDue(_ time: NIODeadline, now: NIODeadline) -> Bool {
    guard pausedSince == nil else { return false }
    if begin == nil { begin = now - .nanoseconds(Int64(clamping: time.uptimeNanoseconds)) }
    return deadline(of: time).map { $0 <= now } ?? true
  }

  /// When a picture is due; nil while the film stands still.
  func deadline(of time: NIODeadline) -> NIODeadline? {
    guard pausedSince == nil, let begin else { return nil }
    return begin + .nanoseconds(Int64(clamping: time.uptimeNanoseconds))
  }

  mutating func togglePause(now: NIODeadline) {
    if let since = pausedSince {
      begin = begin.map { $0 + (now - since) }
      pausedSince = nil
    } else {
      pausedSince = now
    }
  }
}
