import NIOCore
import Testing

@testable import ChatServer

/// MDN's page hangs up without a target; only the peer of its call may hear it.
struct CallRoutingTests {
  private let hangUp = #"{"type":"hang-up","name":"x","target":null}"#

  private func offer(_ target: String) -> String { #"{"type":"video-offer","target":"\#(target)"}"# }
  private func answer(_ target: String) -> String { #"{"type":"video-answer","target":"\#(target)"}"# }
  private func heard(_ receiver: String, from sender: String) -> [String] {
    ["\(receiver) {\"type\":\"hang-up\",\"name\":\"\(sender)\",\"target\":\"\(receiver)\"}"]
  }

  @Test func reachesThePeerFromEitherSide() throws {
    for callerHangsUp in [true, false] {
      let test = TestChat()
      let alice = try test.join("alice")
      let bob = try test.join("bob")
      _ = try test.join("carol")
      _ = test.say(alice, offer("bob"))
      _ = test.say(bob, answer("alice"))
      // The page's second round.
      _ = test.say(bob, offer("alice"))
      _ = test.say(alice, answer("bob"))
      #expect(
        test.say(callerHangsUp ? alice : bob, hangUp)
          == heard(callerHangsUp ? "bob" : "alice", from: callerHangsUp ? "alice" : "bob"))
      // Once.
      for id in [alice, bob] {
        #expect(test.say(id, hangUp).first?.contains(#""code":"no-target""#) == true)
      }
    }
  }

  @Test func reachesWhoIsRung() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    _ = try test.join("bob")
    _ = test.say(alice, offer("bob"))
    #expect(test.say(alice, hangUp) == heard("bob", from: "alice"))
  }

  @Test func prefersTheCallThatStands() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let bob = try test.join("bob")
    let carol = try test.join("carol")
    _ = test.say(alice, offer("bob"))
    _ = test.say(bob, answer("alice"))
    _ = test.say(carol, offer("alice"))
    #expect(test.say(alice, hangUp) == heard("bob", from: "alice"))
    // Carol still rings, until told that Alice is busy.
    #expect(test.say(alice, hangUp) == heard("carol", from: "alice"))
    #expect(test.say(carol, hangUp).first?.contains("no-target") == true)
  }

  @Test func anAnswerWithoutAnOfferIsNoCall() throws {
    let test = TestChat()
    let mallory = try test.join("mallory")
    let bob = try test.join("bob")
    _ = test.say(mallory, answer("bob"))
    #expect(test.say(bob, hangUp).first?.contains("no-target") == true)
    #expect(test.say(mallory, hangUp).first?.contains("no-target") == true)
  }

  @Test func followsARename() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let bob = try test.join("bob")
    _ = test.say(alice, offer("bob"))
    _ = test.say(bob, answer("alice"))
    _ = test.say(bob, #"{"type":"username","name":"bert"}"#)
    #expect(test.say(alice, hangUp) == heard("bert", from: "alice"))
  }

  @Test func boundsTheCallsOfOneUser() throws {
    let test = TestChat()
    let alice = try test.join("alice")
    let bob = try test.join("bob")
    _ = test.say(alice, offer("bob"))
    _ = test.say(bob, answer("alice"))
    for index in 0..<100 { _ = test.say(try test.join("caller\(index)"), offer("alice")) }
    #expect(test.chat.users[alice]?.calls.links.count == CallLinks.maximum)
    #expect(test.say(alice, hangUp) == heard("bob", from: "alice"))
  }

  @Test func tellsThoseWhoUnderstandThatTheCallerIsGone() throws {
    let test = TestChat()
    let page = try test.join("page")
    let naomi = try test.join("naomi", features: ["unavailable"])
    let priya = try test.join("priya", features: ["unavailable"])
    _ = test.say(priya, offer("naomi"))
    _ = test.say(priya, offer("page"))
    #expect(test.leave(priya) == [#"naomi {"type":"hang-up","name":"priya","target":"naomi","reason":"unavailable"}"#])
    #expect(test.say(naomi, hangUp).first?.contains("no-target") == true)
    // A call that stands goes on.
    _ = test.say(naomi, offer("page"))
    _ = test.say(page, answer("naomi"))
    #expect(test.leave(page) == [])
  }

  @Test func tellsThoseWhoUnderstandThatTheTargetIsNotOnline() throws {
    let test = TestChat()
    let page = try test.join("page")
    let naomi = try test.join("naomi", features: ["unavailable"])
    let error = #"naomi {"type":"error","code":"unavailable","text":"bob is not online","target":"bob"}"#
    #expect(test.say(naomi, offer("bob")) == [error])
    #expect(test.say(naomi, #"{"type":"message","text":"x","target":"bob"}"#) == [error])
    #expect(test.say(naomi, #"{"type":"new-ice-candidate","target":"bob"}"#) == [])
    #expect(test.say(page, offer("bob")) == [])
  }
}
