import CNcurses
import Glibc
import Picture

/// The terminal as a device: its modes, its size, reading keys, writing pictures. Main thread only.
final class Terminal {
  enum ReadOutcome {
    case bytes([UInt8])
    case nothing
    /// The terminal is gone.
    case gone
  }

  enum WriteOutcome { case done, partial, gone }

  /// A way to the terminal that never blocks; standard output stays as the shell left it.
  let output: Int32
  let input: Int32
  let name: String
  private let saved: termios
  private var pending: [UInt8] = []
  private var written = 0
  private var restore: [UInt8] = []
  /// Holds the pixel that tells whether the terminal can read our memory; its answer may come late.
  private let probeMemory = SharedPictureMemory()

  /// Milliseconds for the rest of a picture when no other will follow.
  private static let endingTime: Int64 = 300
  /// Mouse presses with SGR coordinates, bracketed paste.
  private static let enable = Array("\u{1B}[?1000h\u{1B}[?1006h\u{1B}[?2004h".utf8)
  private static let disable = Array("\u{1B}[?2004l\u{1B}[?1006l\u{1B}[?1000l".utf8)

  /// - Parameter findsInput: whether standard input may be something else, so that keys are read from the terminal itself.
  init(findsInput: Bool = false) throws(TerminalError) {
    var keys = STDIN_FILENO
    if isatty(STDIN_FILENO) != 1 {
      guard findsInput else { throw .notATerminal("Standard input") }
      keys = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
      guard keys >= 0 else { throw .notATerminal("Standard input, and there is no other,") }
    }
    input = keys
    guard isatty(STDOUT_FILENO) == 1 else { throw .notATerminal("Standard output") }
    name = Terminal.environment("TERM") ?? ""
    guard !name.isEmpty, name != "dumb", name != "unknown" else { throw .unknownTerminal(name) }
    var modes = termios()
    guard tcgetattr(input, &modes) == 0 else { throw .system("its modes", errno) }
    saved = modes
    var path = [CChar](repeating: 0, count: 256)
    let isNamed = ttyname_r(STDOUT_FILENO, &path, path.count) == 0
    var descriptor: Int32 = isNamed ? open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1
    if descriptor < 0 { descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
    guard descriptor >= 0 else { throw .system("it cannot be opened", errno) }
    output = descriptor
    TerminalLocale.establish()
    var result: Int32 = 0
    guard setupterm(nil, STDOUT_FILENO, &result) == OK else {
      close(descriptor)
      throw .unknownTerminal(name)
    }
  }

  deinit {
    close(output)
    if input != STDIN_FILENO { close(input) }
  }

  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Columns and rows; 80x24 when the terminal does not say.
  var size: (columns: Int, rows: Int) {
    let size = glyphone_terminal_size(output)
    guard size.ws_row > 0, size.ws_col > 0 else { return (80, 24) }
    return (min(Int(size.ws_col), 1000), min(Int(size.ws_row), 1000))
  }

  /// Size of a cell, where the kernel was told.
  var cellPixels: PixelSize? {
    let size = glyphone_terminal_size(output)
    guard size.ws_row > 0, size.ws_col > 0, size.ws_xpixel >= size.ws_col, size.ws_ypixel >= size.ws_row else {
      return nil
    }
    return PixelSize(width: Int(size.ws_xpixel / size.ws_col), height: Int(size.ws_ypixel / size.ws_row))
  }

  // MARK: - Modes

  /// Asks the terminal what it can do, for 150 ms at most. What was typed meanwhile is kept, and answers that come later
  /// are the probe's as well.
  func probe(guardedBy guardian: TerminalGuard) -> (probe: CapabilityProbe, typed: [UInt8]) {
    var environment: [String: String] = [:]
    for name in CapabilityProbe.variables { environment[name] = Self.environment(name) }
    // The same assumption as TerminalLocale's.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
    if ["C", "POSIX"].contains(locale) { environment["LC_ALL"] = "C.UTF-8" }
    let pixel = probeMemory.publish(byteCount: CapabilityProbe.sharedPixelBytes) {
      $0.update(repeating: 0, count: CapabilityProbe.sharedPixelBytes)
    }
    var probe = CapabilityProbe(
      environment: environment, terminfoColors: NcursesScreen.terminfoColors, sharedPixel: pixel)
    armRestore(guardian)
    enterRawMode()
    _ = writeAll(probe.query)
    var typed: [UInt8] = []
    let end = Self.milliseconds() + Int64(CapabilityProbe.timeLimitMilliseconds)
    while !probe.isFinished {
      let left = end - Self.milliseconds()
      var wait = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&wait, 1, Int32(left)) > 0, case .bytes(let bytes) = read() else { break }
      typed += probe.feed(bytes)
    }
    return (probe, typed)
  }

  private static func milliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  private func enterRawMode() {
    var raw = saved
    cfmakeraw(&raw)
    tcsetattr(input, TCSANOW, &raw)
  }

  /// - Returns: what switches on that ncurses does not know of, to be written behind the first that it draws.
  func enable(guardedBy guardian: TerminalGuard) -> [UInt8] {
    armRestore(guardian)
    return Self.enable
  }

  private func armRestore(_ guardian: TerminalGuard) {
    if restore.isEmpty {
      restore = Renderer.restore + Self.disable
      for capability in ["sgr0", "cnorm", "rmcup"] {
        if let text = glyphone_terminfo(capability) { restore += Self.withoutPadding(String(cString: text)) }
      }
    }
    guardian.arm(terminal: output, restore: restore, saved: saved)
  }

  /// Terminfo strings may hold waiting times as $<5>, which only ancient terminals need.
  private static func withoutPadding(_ text: String) -> [UInt8] {
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "$<"), let end = rest[start.upperBound...].firstIndex(of: ">") {
      result += rest[..<start.lowerBound]
      rest = rest[rest.index(after: end)...]
    }
    return Array((result + rest).utf8)
  }

  /// Written when the terminal is given back, behind what it took or what was given up.
  var farewell: [UInt8] = []

  /// Gives the terminal back as it was found.
  func giveBack(_ screen: NcursesScreen?, guardedBy guardian: TerminalGuard) {
    cancelWriting()
    _ = writeAll(farewell + Self.disable)
    farewell = []
    _ = writeAll(screen?.leave() ?? restore)
    // Unread input may hold the terminal's answers, which the shell must not see.
    var modes = saved
    tcsetattr(input, TCSAFLUSH, &modes)
    guardian.disarm()
  }

  /// Takes the terminal again after ``giveBack(_:guardedBy:)``.
  func takeAgain(guardedBy guardian: TerminalGuard) {
    armRestore(guardian)
    enterRawMode()
  }

  // MARK: - Reading and writing

  func read() -> ReadOutcome {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { buffer in
      let count = Glibc.read(input, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(Array(buffer[..<count])) }
      if count < 0, errno == EINTR || errno == EAGAIN { return .nothing }
      return .gone
    }
  }

  /// What is typed within so many milliseconds; nil for nothing.
  func read(within milliseconds: Int) -> [UInt8]? {
    var wait = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, Int32(milliseconds)) > 0, case .bytes(let bytes) = read() else { return nil }
    return bytes
  }

  /// Whether something written before is still on its way: nothing else may be written until it is through.
  var isWriting: Bool { !pending.isEmpty }

  /// Whether the terminal takes output at present.
  var isReady: Bool {
    var state = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
    return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLOUT) != 0
  }

  /// Starts to write bytes; ``continueWriting()`` goes on with it until it is done.
  /// - Precondition: nothing is being written.
  func write(_ bytes: consuming [UInt8]) -> WriteOutcome {
    pending = bytes
    written = 0
    return continueWriting()
  }

  func continueWriting() -> WriteOutcome {
    while written < pending.count {
      let count = pending.withUnsafeBytes {
        Glibc.write(output, $0.baseAddress.map { $0 + written }, $0.count - written)
      }
      if count > 0 {
        written += count
      } else if count < 0, errno == EINTR {
        continue
      } else if count < 0, errno == EAGAIN {
        return .partial
      } else {
        pending = []
        return .gone
      }
    }
    return .done
  }

  /// Brings what is being written to its end, or gives it up where the terminal does not take it in a moment.
  func endWriting() {
    let end = Self.milliseconds() + Self.endingTime
    while isWriting, Self.milliseconds() < end {
      var wait = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
      poll(&wait, 1, 20)
      if continueWriting() != .partial { pending = [] }
    }
    cancelWriting()
  }

  /// Gives up what the terminal has not taken, wherever it was cut off. From one that stands still that will never be missed,
  /// and what comes now must get through.
  func cancelWriting() {
    guard isWriting || !isReady else { return }
    tcflush(output, TCOFLUSH)
    pending = []
    _ = writeAll(Renderer.restore)
  }

  /// The buffer that has been written, to be used again.
  func takeWrittenBuffer() -> [UInt8] {
    defer { pending = [] }
    return pending
  }

  /// Writes a few bytes, waiting for the terminal up to half a second.
  private func writeAll(_ bytes: [UInt8]) -> Bool {
    var done = 0
    for _ in 0..<25 where done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(output, $0.baseAddress.map { $0 + done }, $0.count - done) }
      if count > 0 { done += count }
      if done == bytes.count { return true }
      var wait = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
      poll(&wait, 1, 20)
    }
    return false
  }

  /// Takes the whole screen for pictures, without ncurses. ``giveBack(_:guardedBy:)`` gives it back.
  func takeScreen() {
    var sequence: [UInt8] = []
    if let text = glyphone_terminfo("smcup") { sequence += Self.withoutPadding(String(cString: text)) }
    _ = writeAll(sequence + Array("\u{1B}[?25l\u{1B}[0m\u{1B}[2J".utf8))
  }

  /// Writes text as it is, waiting for the terminal.
  func print(_ text: String) {
    print(Array(text.utf8))
  }

  /// Writes bytes, however many there are, waiting for the terminal.
  func print(_ bytes: [UInt8]) {
    var rest = bytes[...]
    // A piece at a time: each has to be through in half a second.
    while !rest.isEmpty, writeAll(Array(rest.prefix(2048))) { rest = rest.dropFirst(2048) }
  }

  /// Gives the terminal back where its cursor is, without a screen having been taken.
  func giveBackLine(guardedBy guardian: TerminalGuard) {
    var modes = saved
    tcsetattr(input, TCSAFLUSH, &modes)
    guardian.disarm()
  }

  /// Rings the bell.
  func bell() {
    _ = writeAll([0x07])
  }
}
