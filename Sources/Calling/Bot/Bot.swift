import Foundation

/// A face without a screen: answers and makes calls by itself. What it does next follows only
/// from the events it is shown, so it is a value; ``run(_:controller:)`` joins it to a controller.
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

  let behaviour: Behaviour
  private var ownName = ""
  private var status = CallStatus()
  private var latest = CallStatistics()
  private var users: [String] = []
  private var endedCalls = 0
  private var failedCalls = 0
  private var isDialing = false
  private var hasAnswered = false
  private var isLeaving = false

  public init(_ behaviour: Behaviour) {
    self.behaviour = behaviour
  }

  /// Whether every call so far carried picture and sound both ways, and there was one.
  public var succeeded: Bool { endedCalls > 0 && failedCalls == 0 }

  /// - Returns: what is wanted after the event.
  mutating func handle(_ event: CallEvent) -> [CallCommand] {
    switch event {
    case .ownName(let name): ownName = name
    case .users(let names):
      users = names
      return dial()
    case .chat(let line): return reply(to: line)
    case .call(let status): return phaseChanged(status)
    case .deviceQuestion: return [.deviceAnswer(.synthetic)]
    case .statistics(let figures):
      latest = figures
      if let seconds = behaviour.seconds, figures.seconds >= Double(seconds) { return [.hangUp] }
    case .connection, .notice, .finished: break
    }
    return []
  }

  private mutating func phaseChanged(_ new: CallStatus) -> [CallCommand] {
    let old = status.phase
    status = new
    guard new.phase != old else { return [] }
    switch new.phase {
    case .incoming:
      latest = CallStatistics()
      hasAnswered = behaviour.answers
      return [behaviour.answers ? .answer : .reject]
    case .ended:
      // A caller that was declined was no call.
      guard isDialing || hasAnswered else { return [] }
      endedCalls += 1
      if !latest.carriedBothWays { failedCalls += 1 }
      isDialing = false
      hasAnswered = false
    case .idle: return dial()
    default: break
    }
    return []
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
  /// What became of a bot's calls.
  public struct Outcome: Sendable {
    public var succeeded: Bool
    /// Why it did not even call.
    public var complaint: String?
  }

  /// How long it waits for the one it shall call to come into the chat.
  private static let patience = Duration.seconds(60)

  /// Runs until the controller has finished.
  public static func run(_ behaviour: Behaviour, controller: any CallControlling) async -> Outcome {
    var bot = Bot(behaviour)
    let waiting =
      behaviour.calls == nil
      ? nil
      : Task {
        try await Task.sleep(for: patience)
        controller.perform(.quit)
      }
    for await event in controller.events {
      for command in bot.handle(event) { controller.perform(command) }
      if bot.isDialing { waiting?.cancel() }
    }
    waiting?.cancel()
    let neverCalled = bot.endedCalls == 0 && !bot.isDialing
    let complaint = behaviour.calls.map { "\($0) did not come into the chat within \(patience)." }
    return Outcome(succeeded: bot.succeeded, complaint: neverCalled ? complaint : nil)
  }
}
