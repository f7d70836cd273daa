import Testing

@testable import Calling

@Suite("A bot")
struct BotTests {
  static func status(_ phase: CallStatus.Phase) -> CallEvent { .call(CallStatus(phase: phase, peer: "alice")) }

  static func figures(seconds: Double, decoded: Int = 10) -> CallEvent {
    var figures = CallStatistics()
    figures.seconds = seconds
    figures.framesSent = 10
    figures.framesDecoded = decoded
    figures.audioFramesSent = 10
    figures.audioFramesDecoded = 10
    return .statistics(figures)
  }

  @Test("calls who was named as soon as they are there, hangs up in time, leaves after the last call")
  func calls() {
    var behaviour = Bot.Behaviour()
    behaviour.calls = "alice"
    behaviour.seconds = 5
    behaviour.numberOfCalls = 2
    var bot = Bot(behaviour)
    #expect(bot.handle(.users(["bot"])).isEmpty)
    for call in 1...2 {
      let commands = call == 1 ? bot.handle(.users(["bot", "alice"])) : [.invite("alice")]
      #expect(commands == [.invite("alice")])
      _ = bot.handle(Self.status(.calling))
      _ = bot.handle(Self.status(.active))
      #expect(bot.handle(Self.figures(seconds: 4)).isEmpty)
      #expect(bot.handle(Self.figures(seconds: 5)) == [.hangUp])
      _ = bot.handle(Self.status(.ended(.hungUp)))
      #expect(bot.handle(Self.status(.idle)) == [call == 1 ? .invite("alice") : .quit])
    }
    #expect(bot.succeeded)
  }

  @Test("a call without the peer's picture is no success")
  func failure() {
    var behaviour = Bot.Behaviour()
    behaviour.calls = "alice"
    var bot = Bot(behaviour)
    _ = bot.handle(.users(["alice"]))
    _ = bot.handle(Self.status(.active))
    _ = bot.handle(Self.figures(seconds: 5, decoded: 0))
    _ = bot.handle(Self.status(.ended(.hungUp)))
    #expect(!bot.succeeded)
  }

  @Test("answers calls only when told to", arguments: [true, false])
  func answers(_ answers: Bool) {
    var behaviour = Bot.Behaviour()
    behaviour.answers = answers
    var bot = Bot(behaviour)
    #expect(bot.handle(Self.status(.incoming)) == [answers ? .answer : .reject])
  }

  @Test("a call that it took and that never came up counts, and is no success; one that it declined does not count")
  func failedIncomingCall() {
    var behaviour = Bot.Behaviour()
    behaviour.answers = true
    behaviour.numberOfCalls = 1
    var bot = Bot(behaviour)
    _ = bot.handle(Self.status(.incoming))
    _ = bot.handle(Self.status(.ended(.peerHungUp)))
    #expect(bot.handle(Self.status(.idle)) == [.quit])
    #expect(!bot.succeeded)

    behaviour.answers = false
    bot = Bot(behaviour)
    _ = bot.handle(Self.status(.incoming))
    _ = bot.handle(Self.status(.ended(.peerHungUp)))
    #expect(bot.handle(Self.status(.idle)) == [])
  }

  @Test("answers chat that is meant for it, and never a bot's answer")
  func chat() {
    var bot = Bot(Bot.Behaviour())
    _ = bot.handle(.ownName("echo"))
    func says(_ text: String, isOwn: Bool = false) -> [CallCommand] {
      bot.handle(.chat(ChatLine(from: "alice", text: text, date: 0, isOwn: isOwn)))
    }
    #expect(says("hello") == [])
    #expect(says("echo: hello") == [.chat("» alice said: hello")])
    #expect(says("Echo: hang up") == [.hangUp])
    #expect(says("» alice said: hello") == [])
    #expect(says("echo: hello", isOwn: true) == [])
  }

  @Test("a line of figures is one JSON object, comes with each change, and the last keeps the figures")
  func lines() {
    var reporter = StatisticsReporter()
    #expect(reporter.line(for: Self.status(.active))?.json.contains(#""phase":"active""#) == true)
    #expect(reporter.line(for: Self.status(.active)) == nil)
    #expect(reporter.line(for: Self.figures(seconds: 3))?.json.contains(#""framesDecoded":10"#) == true)
    let last = reporter.line(for: Self.status(.ended(.peerHungUp)))?.json ?? ""
    #expect(last.hasPrefix("{") && last.hasSuffix("}") && !last.contains("\n"))
    #expect(last.contains(#""ended":"peerHungUp""#) && last.contains(#""framesDecoded":10"#))
  }
}
