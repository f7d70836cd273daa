import NIOCore
import Picture
import TestSupport
import Testing

@testable import TerminalUI

/// A terminal at the end of a link, in virtual time: bytes go through one after the other, and the answer to each picture
/// comes back when the last of its bytes has been worked off.
private struct SlowTerminal {
  /// Bytes a second.
  var rate: Double
  /// One way.
  var latency: TimeAmount
  private var freeAt = NIODeadline.uptimeNanoseconds(0)
  private var answers: [NIODeadline] = []

  init(rate: Double, latency: TimeAmount = .zero) {
    self.rate = rate
    self.latency = latency
  }

  /// - Parameter asks: whether an answer is wanted.
  /// - Returns: when the picture is on the screen.
  mutating func take(_ bytes: Int, asks: Bool = true, now: NIODeadline) -> NIODeadline {
    let start = max(freeAt, now + latency)
    freeAt = start + .nanoseconds(Int64(Double(bytes) / rate * 1e9))
    if asks { answers.append(freeAt + latency) }
    return freeAt
  }

  /// Nothing goes through until then.
  mutating func stall(until time: NIODeadline) { freeAt = max(freeAt, time) }

  /// Some answers get lost on the way.
  mutating func swallow(_ count: Int) { answers.removeFirst(min(count, answers.count)) }

  /// Answers that have arrived.
  mutating func arrived(by now: NIODeadline) -> Int {
    let count = answers.prefix { $0 <= now }.count
    answers.removeFirst(count)
    return count
  }
}

/// A picture of which `change` bytes are worth sending at the standard price, fewer at a higher one.
private struct Film {
  var wholeBytes = 40_000
  var changeBytes = 6000
  private var missing: Int

  init(wholeBytes: Int = 40_000, changeBytes: Int = 6000) {
    self.wholeBytes = wholeBytes
    self.changeBytes = changeBytes
    missing = wholeBytes
  }

  mutating func next(_ allowance: OutputPacer.Allowance) -> Int {
    let change = Double(changeBytes) * Renderer.standardLambda / allowance.lambda
    let bytes = min(missing + Int(change) + 60, min(allowance.bytes, wholeBytes) + 500)
    missing = max(missing - bytes, 0)
    return bytes
  }
}

@Suite struct OutputPacerTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  private struct Outcome {
    var sent: [(time: NIODeadline, bytes: Int, shown: NIODeadline)] = []
    var mostInFlight = 0
    var finalLambda = 0.0

    /// The most bytes sent within any second.
    var heaviestSecond: Int {
      sent.indices.map { first in
        sent[first...].prefix { $0.time - sent[first].time < .seconds(1) }.reduce(0) { $0 + $1.bytes }
      }.max() ?? 0
    }
  }

  /// Thirty pictures a second for some seconds.
  private func play(
    seconds: Int, budget: Int? = nil, film: Film = Film(), _ terminal: inout SlowTerminal
  ) -> Outcome {
    var pacer = OutputPacer(bytesPerSecond: budget, now: Self.start)
    return play(&pacer, from: Self.start, seconds: seconds, film: film, &terminal)
  }

  private func play(
    _ pacer: inout OutputPacer, from start: NIODeadline, seconds: Int, film: Film, _ terminal: inout SlowTerminal
  ) -> Outcome {
    var film = film
    var outcome = Outcome()
    var isBehind = false
    for tick in 0..<seconds * 200 {
      let now = start + .milliseconds(Int64(tick) * 5)
      for _ in 0..<terminal.arrived(by: now) { pacer.answered(now: now) }
      // A picture every 35 ms; between them one that had to wait may be drawn.
      if tick % 7 == 0 { isBehind = true }
      guard isBehind, let allowance = pacer.allowance(now: now) else { continue }
      isBehind = false
      let bytes = film.next(allowance)
      let asks = !pacer.send(bytes: bytes, now: now).isEmpty
      outcome.sent.append((now, bytes, terminal.take(bytes, asks: asks, now: now)))
      outcome.mostInFlight = max(outcome.mostInFlight, pacer.inFlight)
    }
    outcome.finalLambda = pacer.lambda
    return outcome
  }

  @Test func aFastTerminalGetsEveryPictureAtTheStandardPrice() {
    var terminal = SlowTerminal(rate: 20_000_000)
    let outcome = play(seconds: 10, &terminal)
    #expect(outcome.sent.count > 280)
    #expect(outcome.finalLambda == Renderer.standardLambda)
  }

  @Test(arguments: [20_000.0, 100_000, 400_000], [TimeAmount.zero, .milliseconds(80)])
  func aSlowTerminalIsNeverFarBehind(rate: Double, latency: TimeAmount) {
    var terminal = SlowTerminal(rate: rate, latency: latency)
    let outcome = play(seconds: 60, &terminal)
    #expect(outcome.mostInFlight <= OutputPacer.mostInFlight)
    #expect(outcome.finalLambda > Renderer.standardLambda || rate > 50_000)
    let settled = outcome.sent.drop { $0.time < Self.start + .seconds(20) }
    let delays = settled.map { $0.shown - $0.time }
    #expect((delays.max() ?? .hours(1)) < .milliseconds(600), "of pictures that are shown")
    #expect(settled.count > 100, "it goes on showing pictures")
  }

  /// Pictures that are far too large for the link: no more than two wait to be shown, and in seconds they are small.
  @Test(arguments: [20_000.0, 60_000])
  func aSlowLinkIsFoundOutWithFewPictures(rate: Double) {
    var terminal = SlowTerminal(rate: rate)
    var pacer = OutputPacer(answers: true, now: Self.start)
    let film = Film(wholeBytes: 24_000, changeBytes: 24_000)
    let outcome = play(&pacer, from: Self.start, seconds: 10, film: film, &terminal)
    for picture in outcome.sent {
      let waiting = outcome.sent.count { $0.time < picture.time && $0.shown > picture.time }
      #expect(waiting < OutputPacer.mostInFlight)
    }
    #expect(outcome.sent.count { $0.time < Self.start + .seconds(8) } > Int(rate) / 1000)
  }

  @Test func aLongWayIsNoReasonForCoarserPictures() {
    var terminal = SlowTerminal(rate: 20_000_000, latency: .milliseconds(60))
    let outcome = play(seconds: 20, &terminal)
    #expect(outcome.finalLambda == Renderer.standardLambda)
    #expect(outcome.sent.count > 300 / 2)
  }

  @Test func thePriceComesDownWhenTheTerminalRecovers() {
    var pacer = OutputPacer(now: Self.start)
    var slow = SlowTerminal(rate: 20_000)
    _ = play(&pacer, from: Self.start, seconds: 20, film: Film(), &slow)
    #expect(pacer.lambda > 2 * Renderer.standardLambda)
    var fast = SlowTerminal(rate: 20_000_000)
    let later = Self.start + .seconds(60)
    let outcome = play(&pacer, from: later, seconds: 20, film: Film(), &fast)
    #expect(outcome.finalLambda == Renderer.standardLambda)
  }

  @Test(arguments: [5000, 20_000, 100_000])
  func aBudgetIsKeptFromTheFirstPictureOn(budget: Int) {
    var terminal = SlowTerminal(rate: 20_000_000)
    let outcome = play(seconds: 60, budget: budget, &terminal)
    let total = outcome.sent.reduce(0) { $0 + $1.bytes }
    // What may be saved up, and the row of cells with which a picture overdraws it.
    let grace = Int(Double(budget) * 0.25) + 600
    #expect(total <= budget * 60 + grace)
    #expect(outcome.heaviestSecond <= budget + grace)
    #expect(total > budget * 60 / 2, "it is used, too")
    #expect(outcome.sent.count > 60)
  }

  @Test func aTerminalThatNeverAnswersIsNotWaitedForAgainAndAgain() {
    var pacer = OutputPacer(now: Self.start)
    var sent = 0
    var asked = 0
    for tick in 0..<900 {
      let now = Self.start + .milliseconds(Int64(tick) * 33)
      if pacer.allowance(now: now) != nil {
        asked += pacer.send(bytes: 100, now: now).isEmpty ? 0 : 1
        sent += 1
      }
    }
    #expect(!pacer.waits)
    #expect(sent > 700)
    #expect((10...25).contains(asked), "it is asked again now and then")
  }

  /// A link that stands still for a while; then at most two pictures are on their way again.
  @Test(arguments: [2, 5, 20])
  func aStallIsNotTheEndOfPacing(seconds: Int64) {
    var pacer = OutputPacer(now: Self.start)
    var terminal = SlowTerminal(rate: 100_000)
    _ = play(&pacer, from: Self.start, seconds: 10, film: Film(wholeBytes: 6000), &terminal)
    let stall = Self.start + .seconds(10)
    terminal.stall(until: stall + .seconds(seconds))
    // Pictures for a terminal that stands still are small in the end, and the pipe to it has bounds: a second is enough
    // to work them off.
    let film = Film(wholeBytes: 1, changeBytes: 300)
    _ = play(&pacer, from: stall, seconds: Int(seconds), film: film, &terminal)
    let recovered = play(
      &pacer, from: stall + .seconds(seconds), seconds: 20, film: Film(wholeBytes: 6000), &terminal)
    #expect(pacer.waits)
    let late = recovered.sent.drop { $0.time < stall + .seconds(seconds + 2) }
    #expect(late.count > 50)
    for picture in late {
      let waiting = recovered.sent.count { $0.time < picture.time && $0.shown > picture.time }
      #expect(waiting < OutputPacer.mostInFlight)
    }
  }

  @Test func answersThatGotLostAreNotWaitedForForEver() {
    var pacer = OutputPacer(now: Self.start)
    var terminal = SlowTerminal(rate: 1000)
    _ = play(&pacer, from: Self.start, seconds: 1, film: Film(wholeBytes: 1, changeBytes: 300), &terminal)
    terminal.swallow(2)
    terminal.rate = 20_000_000
    let later = play(&pacer, from: Self.start + .seconds(3), seconds: 20, film: Film(wholeBytes: 1), &terminal)
    #expect(later.sent.count { $0.time > Self.start + .seconds(13) } > 280, "as many as there are")
  }

  @Test func answersThatNobodyAskedForChangeNothing() {
    var pacer = OutputPacer(now: Self.start)
    for _ in 0..<10 { pacer.answered(now: Self.start) }
    #expect(pacer.inFlight == 0 && pacer.lambda == Renderer.standardLambda)
  }

  @Test func theLoopIsWokenWhenTheBudgetAllowsTheNext() throws {
    var pacer = OutputPacer(bytesPerSecond: 1000, now: Self.start)
    _ = pacer.send(bytes: 2000, now: Self.start)
    #expect(pacer.allowance(now: Self.start) == nil)
    let chance = try #require(pacer.nextChance(now: Self.start))
    #expect(pacer.allowance(now: chance - .milliseconds(20)) == nil)
    #expect(pacer.allowance(now: chance) != nil)
  }
}
