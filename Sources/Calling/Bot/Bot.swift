import Foundation

/// A face without a screen: answers and makes calls by itself and reports once a second. What it does next follows only
/// from the events it is shown, so it is a value; ``run(_:controller:report:)`` joins it to a controller.
public struct Bot: Sendable {
  /// Which lines of chat a bot answers. Never those of a line that could be another bot's answer.
  public enum Chatter: Sendable {
    /// Those that begin with its name.
    case addressed
    /// Everybody's; for a chat with one person in it.
    case everything
  }

  public struct Behaviour: Sendable {
    /// Take incoming calls; they are declined otherwise.
    public var answers = false
    /// Whom to call.
    public var calls: String?
    /// Hang up after this many seconds of a call; nil leaves that to the other side.
    public var seconds: Int?
    /// End after this many calls; nil goes on for ever.
    public var numberOfCalls: Int?
    public var chatter = Chatter.addressed

    public init() {}
  }

  /// What is wanted after an event.
  struct Reaction: Equatable {
    var commands: [CallCommand] = []
    var line: StatisticsLine?
  }

  let behaviour: Behaviour
  private var ownName = ""
  private var status = CallStatus()
  private var latest = CallStatistics()
  private var users: [String] = []
  private var endedCalls = 0
  private var failedCalls = 0
  private var isDialing = false
  private var isLeaving = false

  public init(_ behaviour: Behaviour) {
    self.behaviour = behaviour
  }

  /// Whether every call so far carried picture and sound both ways, and there was one.
  public var succeeded: Bool { endedCalls > 0 && failedCalls == 0 }

  mutating func handle(_ event: CallEvent) -> Reaction {
    switch event {
    case .ownName(let name): ownName = name
    case .users(let names):
      users = names
      return Reaction(commands: dial())
    case .chat(let line): return Reaction(commands: reply(to: line))
    case .call(let status): return phaseChanged(status)
    case .deviceQuestion: return Reaction(commands: [.deviceAnswer(.synthetic)])
    case .statistics(let figures): return figuresCame(figures)
    case .connection, .notice, .finished: break
    }
    return Reaction()
  }

  private mutating func phaseChanged(_ new: CallStatus) -> Reaction {
    status = new
    var reaction = Reaction(line: StatisticsLine(status, latest))
    switch new.phase {
    case .incoming:
      latest = CallStatistics()
      reaction.commands = [behaviour.answers ? .answer : .reject]
    case .ended(let reason):
      // A declined caller was no call.
      guard isDialing || latest.seconds > 0 || behaviour.answers else { break }
      endedCalls += 1
      if !latest.carriedBothWays { failedCalls += 1 }
      reaction.line?.ended = "\(reason)"
      isDialing = false
    case .idle: reaction.commands = dial()
    default: break
    }
    return reaction
  }

  private mutating func figuresCame(_ figures: CallStatistics) -> Reaction {
    latest = figures
    var reaction = Reaction(line: StatisticsLine(status, figures))
    if let seconds = behaviour.seconds, figures.seconds >= Double(seconds) { reaction.commands = [.hangUp] }
    return reaction
  }

  /// The next call, or the end.
  private mutating func dial() -> [CallCommand] {
    guard status.phase == .idle, !isDialing, !isLeaving else { return [] }
    if let wanted = behaviour.numberOfCalls, endedCalls >= wanted {
      isLeaving = true
      return [.quit]
    }
    guard let name = behaviour.calls, users.contains(name) else { return [] }
    isDialing = true
    latest = CallStatistics()
    return [.invite(name)]
  }

  private func reply(to line: ChatLine) -> [CallCommand] {
    guard !line.isOwn, !line.text.hasPrefix(Self.mark) else { return [] }
    var text = Substring(line.text)
    if text.lowercased().hasPrefix(ownName.lowercased() + ":") {
      text = text.dropFirst(ownName.count + 1)
    } else if behaviour.chatter == .addressed {
      return []
    }
    let words = text.trimmingCharacters(in: .whitespaces)
    if words.lowercased() == "hang up" { return [.hangUp] }
    return words.isEmpty ? [] : [.chat("\(Self.mark)\(line.from) said: \(words)")]
  }

  /// Begins each line a bot writes, so that no bot answers it.
  private static let mark = "» "
}

extension Bot {
  /// Runs until the controller has finished.
  /// - Parameter report: called with a line of JSON at each change of the call and once a second in it.
  /// - Returns: whether each call carried media both ways.
  public static func run(
    _ behaviour: Behaviour, controller: any CallControlling, report: @Sendable (String) -> Void
  ) async -> Bool {
    var bot = Bot(behaviour)
    for await event in controller.events {
      let reaction = bot.handle(event)
      if let line = reaction.line { report(line.json) }
      for command in reaction.commands { controller.perform(command) }
    }
    return bot.succeeded
  }
}
