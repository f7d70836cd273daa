import NIOCore
import Picture

/// Decides when the next picture may be sent and what a byte of it may cost, so that a slow terminal or link shows fewer
/// and coarser pictures instead of old ones, and a budget of bytes a second is kept.
///
/// After each picture the terminal is asked for its status (DSR 5); it answers when it gets there. At most
/// ``mostInFlight`` pictures are on their way. Answers that come late raise the price of a byte (``lambda``), with which
/// the renderer leaves out what matters least; only when that is not enough pictures are dropped.
///
/// Answers come in the order of the pictures and do not name them. So pictures that are no longer waited for are counted:
/// their answers may still come, and must not be taken for those of newer ones.
///
/// Pure: times come in, decisions go out.
struct OutputPacer {
  /// CSI 5 n.
  static let request: [UInt8] = [0x1B, 0x5B, 0x35, 0x6E]
  /// Pictures that may be on their way.
  static let mostInFlight = 2
  /// A terminal that has never answered anything is not waited for any longer than this.
  static let firstPatience = TimeAmount.seconds(1)
  /// Nor is one that has: its answer got lost, or it stands still.
  static let patience = TimeAmount.seconds(4)
  /// A terminal that has not answered so many times in a row is believed never to.
  private static let mostMisses = 3
  /// Even such a terminal is asked again after this time: it may only have stood still.
  static let askAgain = TimeAmount.seconds(2)
  /// The price never rises above this.
  static let highestLambda = 20_000.0
  /// Answers later than the quickest by this much are late; within half of it they are prompt.
  static let lateness = TimeAmount.milliseconds(100)
  /// No way there and back is believed to take longer than this: what does is a terminal that is slow.
  static let longestWay = TimeAmount.milliseconds(150)
  /// By this much with every answer the quickest is forgotten, for the way may have changed.
  private static let forgetting = TimeAmount.microseconds(100)
  /// How much of the budget may be saved up.
  static let burst = TimeAmount.milliseconds(250)
  /// Pictures a second that a budget is shared out to.
  static let sharesPerSecond = 15

  /// What the next picture may cost.
  struct Allowance: Equatable, Sendable {
    /// For ``Renderer/lambda``.
    var lambda: Double
    /// For ``Renderer/byteLimit``.
    var bytes: Int
  }

  private var sentTimes: [NIODeadline] = []
  /// Pictures that are not waited for and whose answers may still come, before those to ``sentTimes``.
  private var lost = 0
  /// How often in a row a picture was waited for in vain.
  private var misses = 0
  /// Whether it has ever answered anything.
  private var answers: Bool
  /// Whether anything was answered meanwhile.
  private var isHeard = false
  private var lastAsked: NIODeadline?
  /// What the quickest answer of late took: the way there and back.
  private var quickest = OutputPacer.longestWay
  /// What answers that come late add to the price, as a factor.
  private var haste = 1.0
  private var budget: ByteBudget?

  /// - Parameters:
  ///   - bytesPerSecond: the budget; nil for none.
  ///   - answers: whether the terminal has answered other questions.
  init(bytesPerSecond: Int? = nil, answers: Bool = false, now: NIODeadline) {
    self.answers = answers
    budget = bytesPerSecond.map { ByteBudget(bytesPerSecond: max($0, 1), now: now) }
  }

  /// Pictures sent and not answered.
  var inFlight: Int { sentTimes.count }

  /// How long an answer is waited for.
  private var patience: TimeAmount { answers ? Self.patience : Self.firstPatience }

  /// Whether pictures wait for answers: not with a terminal that never gives them.
  var waits: Bool { misses < Self.mostMisses }

  /// Whether an answer may still come.
  var isAwaitingAnswers: Bool { waits && inFlight + lost > 0 }

  /// The price of a byte at present.
  var lambda: Double {
    min(Renderer.standardLambda * max(haste, budget?.pressure ?? 1), Self.highestLambda)
  }

  /// Whether another picture may be sent, and at what cost.
  mutating func allowance(now: NIODeadline) -> Allowance? {
    if waits, inFlight >= Self.mostInFlight, let last = sentTimes.last {
      guard last + patience <= now else { return nil }
      timeOut()
    }
    guard var budget else { return Allowance(lambda: lambda, bytes: .max) }
    defer { self.budget = budget }
    guard let bytes = budget.available(now: now) else { return nil }
    return Allowance(lambda: lambda, bytes: bytes)
  }

  /// A picture is handed to the terminal.
  /// - Returns: what is to be written behind it: a request, or nothing where there is no point in asking.
  mutating func send(bytes: Int, now: NIODeadline) -> [UInt8] {
    budget?.spend(bytes, now: now)
    if waits {
      sentTimes.append(now)
    } else if let lastAsked, now < lastAsked + Self.askAgain {
      return []
    } else {
      lost += 1
    }
    lastAsked = now
    return Self.request
  }

  /// The terminal answered for the oldest picture on its way.
  mutating func answered(now: NIODeadline) {
    if lost + inFlight > 0 { answers = true }
    if lost > 0 {
      lost -= 1
      isHeard = true
      if !waits { misses = 0 }
    } else if !sentTimes.isEmpty {
      (misses, isHeard) = (0, false)
      judge(delay: now - sentTimes.removeFirst())
    }
  }

  private mutating func judge(delay: TimeAmount) {
    quickest = min(delay, quickest + Self.forgetting, Self.longestWay)
    if delay > quickest + Self.lateness {
      slowDown(after: delay)
    } else if (delay - quickest).nanoseconds < Self.lateness.nanoseconds / 2 {
      haste = max(haste * 0.93, 1)
    }
  }

  /// The pictures on their way are not waited for any longer.
  private mutating func timeOut() {
    slowDown(after: patience)
    misses += 1
    lost += sentTimes.count
    sentTimes.removeAll(keepingCapacity: true)
    // There are answers, and never those that are waited for: some got lost, and counting begins anew.
    if !waits, isHeard { (misses, lost, isHeard) = (0, 0, false) }
    // How fast a terminal is that never answers is not known.
    if !waits { haste = 1 }
  }

  /// The later an answer, the greater the step: a slow link is not kept busy for long with pictures that are too large for it.
  private mutating func slowDown(after delay: TimeAmount) {
    let excess = delay.seconds / (quickest + Self.lateness).seconds
    haste = min(haste * min(max(excess, 1.4), 16), Self.highestLambda)
  }

  /// When ``allowance(now:)`` may say otherwise though nothing has happened; nil when only an answer helps.
  func nextChance(now: NIODeadline) -> NIODeadline? {
    if waits, inFlight >= Self.mostInFlight { return sentTimes.last.map { $0 + patience } }
    return budget?.nextShare(now: now)
  }

  /// What was on its way is lost: the terminal was given away and taken again.
  mutating func forget() {
    lost = 0
    sentTimes.removeAll(keepingCapacity: true)
  }
}

/// So many bytes a second, with a little saved up: a token bucket. A picture may overdraw it, and then the next one waits.
private struct ByteBudget {
  private let bytesPerSecond: Double
  private var tokens: Double
  private var time: NIODeadline
  /// How far the pictures' bytes exceed their share, as a factor on the price of a byte.
  private(set) var pressure = 1.0

  init(bytesPerSecond: Int, now: NIODeadline) {
    self.bytesPerSecond = Double(bytesPerSecond)
    time = now
    tokens = 0
    tokens = capacity
  }

  private var capacity: Double { bytesPerSecond * OutputPacer.burst.seconds }
  private var share: Double { bytesPerSecond / Double(OutputPacer.sharesPerSecond) }

  private mutating func refill(_ now: NIODeadline) {
    guard now > time else { return }
    tokens = min(tokens + (now - time).seconds * bytesPerSecond, capacity)
    time = now
  }

  /// Bytes for the next picture: none before there is a share.
  mutating func available(now: NIODeadline) -> Int? {
    refill(now)
    return tokens >= share ? Int(tokens) : nil
  }

  mutating func spend(_ bytes: Int, now: NIODeadline) {
    refill(now)
    tokens -= Double(bytes)
    // Towards a picture that just takes its share.
    let excess = min(max(Double(bytes) / share, 0.5), 2)
    pressure = min(
      max(pressure * (excess > 1 ? 1 + (excess - 1) * 0.3 : 1 - (1 - excess) * 0.1), 1), OutputPacer.highestLambda)
  }

  func nextShare(now: NIODeadline) -> NIODeadline? {
    let missing = share - min(tokens + max((now - time).seconds, 0) * bytesPerSecond, capacity)
    guard missing > 0 else { return nil }
    return now + .nanoseconds(Int64(missing / bytesPerSecond * 1e9) + 1_000_000)
  }
}

extension TimeAmount {
  fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
