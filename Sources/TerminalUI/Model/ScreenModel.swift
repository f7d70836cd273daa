import Calling
import NIOCore

/// Everything the screen shows, as a value: events and keys go in with the time, effects come out, and ``ScreenView``
/// draws it. It knows no terminal, so that every course of things can be tried in a test.
struct ScreenModel {
  /// Something to be done outside of the screen.
  enum Effect: Equatable {
    case command(CallCommand)
    case bell
    /// Draw pictures otherwise; nil means the next way there is.
    case render(String?)
    /// Stop the program as Ctrl-Z does, until the shell continues it.
    case suspend
    /// Draw everything anew: something else wrote to the terminal.
    case repaint
    /// Leave the program.
    case leave
  }

  /// The questions that want one key for an answer, most urgent first.
  enum Prompt: Equatable {
    case incoming(peer: String)
    case device(DeviceQuestion)
    case confirmQuit
  }

  enum Focus { case users, input }

  /// What depends on the world outside.
  struct Environment {
    /// Milliseconds since 1970.
    var wallClock: () -> Int64
    /// A time as "12:30" in the person's time zone.
    var timeText: (Int64) -> String
  }

  /// The bell rings at this interval while a call comes in.
  static let bellInterval = TimeAmount.seconds(3)
  /// Who is in the middle of typing when the prompt comes up does not mean it with the next key.
  static let typingGrace = TimeAmount.milliseconds(500)
  /// Users that are shown; a server that claims more is not believed.
  static let maximumUsers = 1000

  let environment: Environment
  let server: String

  var now: NIODeadline
  private(set) var columns: Int
  private(set) var rows: Int
  private(set) var layout: Layout

  var connection = ServerConnection.connecting
  var ownName: String
  var users: [String] = []
  /// Who is selected in the user list; nil when nobody is there.
  var selected: String?
  var focus = Focus.users
  var log = ChatLog()
  var editor = LineEditor()

  var call = CallStatus()
  var statistics: CallStatistics?
  var showsStatistics = false
  var incoming: String?
  var deviceQuestion: DeviceQuestion?
  var confirmsQuit = false
  var isHelpOpen = false
  var helpOffset = 0
  var isLeaving = false
  /// Whether the peer's or our own picture has been drawn in this call.
  var hasPicture = false
  var renderName = ""
  /// How the person wants the picture.
  var look = PictureLook()

  var nextBell: NIODeadline?
  var lastTyped: NIODeadline?
  /// Set when a prompt came up in the middle of typing: until then keys still belong to the input line.
  var promptGrace: NIODeadline?

  init(columns: Int, rows: Int, name: String, server: String, environment: Environment, now: NIODeadline) {
    self.environment = environment
    self.server = server
    self.now = now
    self.columns = columns
    self.rows = rows
    ownName = name
    layout = Layout(columns: columns, rows: rows, wish: Layout.Wish())
    arrange()
    add(.event, "Welcome. Enter calls the selected user, Tab goes to the input line, F1 shows all keys.")
  }

  var prompt: Prompt? {
    if let incoming { return .incoming(peer: incoming) }
    if let deviceQuestion { return .device(deviceQuestion) }
    return confirmsQuit ? .confirmQuit : nil
  }

  /// Whether a call is there that can be hung up.
  var isInCall: Bool {
    switch call.phase {
    case .calling, .ringing, .connecting, .active, .interrupted: true
    case .idle, .incoming, .ended: false
    }
  }

  /// Whether the picture may be drawn: it has its place and nothing lies over it.
  var showsPicture: Bool { isInCall && prompt == nil && !isHelpOpen && !layout.picture.isEmpty && !isLeaving }

  mutating func resize(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    arrange()
  }

  /// Lays the panes out for what is to be shown now. To be called after every change.
  mutating func arrange() {
    let wish = Layout.Wish(
      isInCall: isInCall, showsStatistics: showsStatistics && isInCall, isListFocused: focus == .users,
      userCount: users.count)
    layout = Layout(columns: columns, rows: rows, wish: wish)
    if !layout.chat.isEmpty {
      log.setColumns(layout.chat.columns)
      log.markSeen()
    }
  }

  mutating func add(_ kind: ChatLog.Kind, from: String = "", _ text: String, at date: Int64? = nil) {
    let time = environment.timeText(date ?? environment.wallClock())
    log.add(ChatLog.Entry(time: time, kind: kind, from: from, text: text), isSeen: !layout.chat.isEmpty)
  }

  /// Lets time pass: the call's clock, the bell.
  mutating func tick(now: NIODeadline) -> [Effect] {
    self.now = now
    guard let nextBell, nextBell <= now else { return [] }
    self.nextBell = now + Self.bellInterval
    return [.bell]
  }

  /// When something on the screen changes with the time alone: the bell rings, the call's clock moves on.
  var deadline: NIODeadline? {
    var clock: NIODeadline?
    if isInCall, let since = call.since {
      clock = since + .seconds(max((now - since).nanoseconds, 0) / 1_000_000_000 + 1)
    }
    return [nextBell, clock].compactMap { $0 }.min()
  }
}
