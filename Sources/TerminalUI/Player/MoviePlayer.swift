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
  private let source: @Sendable () throws -> VideoFrame?
  private var clock = PlayClock()
  private var look = PictureLook()
  private var decoder = InputDecoder()
  private var decodeBy: NIODeadline?
  /// The next picture, if it is there.
  private var upcoming: VideoFrame?
  private var isAtEnd = false
  private var failure: (any Error)?
  private var isOver = false
  /// Whether the person wants the shell.
  private var isSuspended = false

  /// A decoder that cannot keep up is waited for no longer than this before something is drawn and keys are read.
  private static let longestSkip = TimeAmount.milliseconds(100)

  /// - Parameter source: gives one picture after the other with its time from the begin, and nil at the end. It is called
  ///   on a thread of its own.
  public init(options: Options, source: @escaping @Sendable () throws -> VideoFrame?) {
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
    let feed = MovieFeed(source: source) { guardian.wake() }
    defer { feed.stop() }
    take(typed, stage)
    while !isOver {
      advance(stage, feed)
      let now = NIODeadline.now()
      stage.draw(look, now: now)
      if isAtEnd, upcoming == nil, !stage.isBehind { break }
      let due = upcoming.flatMap { clock.deadline(of: $0.time) }
      wait(stage, guardian, until: [due, stage.nextChance(now: now)].compactMap { $0 }.min())
    }
    stage.leave()
    if let failure, !isOver { throw failure }
  }

  /// Goes on to the newest picture that is due. While pictures are late those in between are passed over.
  private func advance(_ stage: MovieStage, _ feed: MovieFeed) {
    let limit = NIODeadline.now() + Self.longestSkip
    var isLate = false
    repeat {
      if upcoming == nil, !isAtEnd { receive(feed.take(until: isLate ? limit : .now())) }
      guard let frame = upcoming, clock.isDue(frame.time, now: .now()) else { return }
      stage.picture = frame
      upcoming = nil
      isLate = clock.isLate(frame.time, now: .now()) && !stage.terminal.isWriting
    } while .now() < limit
  }

  private func receive(_ item: MovieFeed.Item?) {
    switch item {
    case .picture(let frame): upcoming = frame
    case .end: isAtEnd = true
    case .failure(let error): (isAtEnd, failure) = (true, error)
    case nil: break
    }
  }

  private func wait(_ stage: MovieStage, _ guardian: TerminalGuard, until deadline: NIODeadline?) {
    var descriptors = [
      pollfd(fd: stage.terminal.input, events: Int16(POLLIN), revents: 0),
      pollfd(fd: guardian.wakeRead, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stage.terminal.isWriting ? stage.terminal.output : -1, events: Int16(POLLOUT), revents: 0),
    ]
    let end = [deadline, decodeBy].compactMap { $0 }.min()
    let left = end.map { max(($0 - .now()).nanoseconds + 999_999, 0) / 1_000_000 } ?? 60_000
    poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: left))
    if descriptors[0].revents != 0 {
      readKeys(stage)
    } else if let decodeBy, decodeBy <= .now() {
      take(keys: decoder.decode(stage.heldBack()) + decoder.giveUp(), stage)
      self.decodeBy = nil
    }
    handle(guardian.drain(), stage, guardian)
  }

  private func readKeys(_ stage: MovieStage) {
    switch stage.terminal.read() {
    case .bytes(let bytes): take(bytes, stage)
    case .nothing: break
    case .gone: isOver = true
    }
  }

  private func handle(_ signals: Set<Int32>, _ stage: MovieStage, _ guardian: TerminalGuard) {
    if signals.contains(SIGWINCH) { stage.windowChanged() }
    if signals.contains(SIGTSTP) { isSuspended = true }
    if isSuspended { suspend(stage, guardian) }
    if signals.contains(SIGCONT) { stage.takeTerminalAgain(guardedBy: guardian) }
    if !signals.isDisjoint(with: [SIGINT, SIGTERM, SIGHUP]) { isOver = true }
  }

  /// Stops until the shell continues the program; the film stands still meanwhile.
  private func suspend(_ stage: MovieStage, _ guardian: TerminalGuard) {
    isSuspended = false
    let begin = NIODeadline.now()
    stage.leave()
    stage.terminal.giveBack(nil, guardedBy: guardian)
    guardian.suspend()
    stage.takeTerminalAgain(guardedBy: guardian)
    clock.skip(.now() - begin)
  }

  private func take(_ bytes: [UInt8], _ stage: MovieStage) {
    take(keys: decoder.decode(stage.withoutAnswers(bytes)), stage)
    let rest = decoder.patience ?? stage.restTime
    decodeBy = rest.map { .now() + $0 }
  }

  private func take(keys: [KeyInput], _ stage: MovieStage) {
    for key in keys {
      switch key {
      case .statusReport: stage.answered()
      case .character("q"), .escape, .control("c"): isOver = true
      case .control("z"): isSuspended = true
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

  /// A picture that is shown later than it is due by more than this is late.
  private static let lateness = TimeAmount.milliseconds(20)

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

  /// Whether the film is behind its time with a picture.
  func isLate(_ time: NIODeadline, now: NIODeadline) -> Bool {
    deadline(of: time).map { $0 + Self.lateness < now } ?? false
  }

  /// Time went by in which nobody watched.
  mutating func skip(_ time: TimeAmount) {
    if pausedSince == nil { begin = begin.map { $0 + time } }
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
