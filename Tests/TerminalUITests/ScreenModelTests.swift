import Calling
import Frames
import NIOCore
import Testing

@testable import TerminalUI

@Suite struct CallingKeys {
  @Test func enterCallsTheSelectedUserAtOnce() {
    var screen = Screen.online()
    #expect(screen.press(.enter) == [.command(.invite("bert"))])
    screen.press(.down)
    #expect(screen.press(.enter) == [.command(.invite("carla"))])
    screen.press(.character("k"), .up)
    #expect(screen.press(.enter) == [.command(.invite("anna"))])
  }

  @Test func aClickCalls() {
    var screen = Screen.online()
    #expect(screen.click(on: "carla") == [.command(.invite("carla"))])
  }

  @Test func typingGoesToTheChat() {
    var screen = Screen.online()
    screen.type("hello all")
    #expect(screen.press(.enter) == [.command(.chat("hello all"))])
    #expect(screen.press(.enter) == [])
  }

  @Test func whatIsTypedWithoutAConnectionWaits() {
    var screen = Screen.online()
    screen.send(.connection(.offline(reason: "gone", retryIn: .seconds(1))))
    screen.type("hello all")
    #expect(screen.press(.enter) == [])
    #expect(screen.text.contains("Not sent"))
    screen.send(.connection(.online))
    #expect(screen.press(.enter) == [.command(.chat("hello all"))])
  }

  @Test func tabGoesToTheListAndBack() {
    var screen = Screen.online()
    screen.press(.tab)
    #expect(screen.model.focus == .input)
    screen.press(.tab)
    #expect(screen.model.focus == .users)
  }

  @Test(arguments: [KeyInput.function(10), .control("x"), .alt("h")])
  func hangUpWorksOnlyInACall(key: KeyInput) {
    var screen = Screen.online()
    #expect(screen.press(key) == [])
    #expect(screen.text.contains("no call to hang up"))
    for phase in [CallStatus.Phase.calling, .ringing, .connecting, .active, .interrupted] {
      screen.call(phase)
      #expect(screen.press(key) == [.command(.hangUp)])
    }
    screen.call(.ended(.hungUp))
    screen.call(.idle, peer: "")
    #expect(screen.press(key) == [])
  }

  @Test func switchesToggleWhatIs() {
    var screen = Screen.online()
    screen.call(.active)
    #expect(screen.press(.function(4)) == [.command(.muteMicrophone(true))])
    var status = screen.model.call
    status.isMicrophoneMuted = true
    status.isCameraOff = true
    screen.send(.call(status))
    #expect(screen.text.contains("MUTED"))
    #expect(screen.press(.alt("m")) == [.command(.muteMicrophone(false))])
    #expect(screen.press(.function(5)) == [.command(.turnCameraOff(false))])
    #expect(screen.press(.function(6)) == [.render(nil)])
  }

  @Test func callBarTellsHowTheCallIs() {
    var screen = Screen.online(columns: 120)
    screen.call(.ringing)
    #expect(screen.text.contains("Ringing at bert"))
    screen.call(.active)
    var figures = CallStatistics()
    figures.receivedSize = VideoSize(width: 640, height: 480)
    figures.receivedFramesPerSecond = 29.7
    figures.receivedKilobitsPerSecond = 812
    figures.receivedLossPercent = 0.25
    figures.roundTripMilliseconds = 23
    screen.send(.statistics(figures))
    _ = screen.pass(.seconds(67))
    for words in ["bert  01:07", "640x480 30 fps", "812 kbit/s", "loss 0.3 %", "23 ms"] {
      #expect(screen.text.contains(words), "\(words)")
    }
    screen.press(.function(7))
    #expect(screen.text.contains("round trip 23.0 ms"))
    figures.receivedKilobitsPerSecond = .nan
    figures.receivedFramesPerSecond = .infinity
    figures.receivedLossPercent = -.infinity
    screen.send(.statistics(figures))
    #expect(screen.text.contains("- fps"))
  }

  @Test(arguments: [
    (EndReason.declined, "declined"), (.busy, "busy"), (.noAnswer, "No answer"), (.unavailable, "not there"),
    (.peerHungUp, "bert hung up"), (.hungUp, "You hung up"), (.cancelled, "cancelled"), (.failed("no path"), "no path"),
  ])
  func everyEndHasItsWords(reason: EndReason, words: String) {
    var screen = Screen.online()
    screen.call(.calling)
    screen.call(.ended(reason))
    screen.call(.idle, peer: "")
    #expect(screen.text.contains(words))
    #expect(screen.model.layout.picture.isEmpty)
  }
}

@Suite struct Prompts {
  @Test func incomingCallIsOverEverythingAndKeepsWhatIsTyped() {
    var screen = Screen.online()
    screen.type("half a sen")
    screen.press(.function(1))
    _ = screen.pass(.seconds(2))
    #expect(screen.model.update(.call(CallStatus(phase: .incoming, peer: "bert")), now: screen.now) == [.bell])
    #expect(screen.text.contains("bert is calling. Would you like to answer?"))
    #expect(screen.text.contains("[y]es") && screen.text.contains("[n]o"))
    #expect(screen.press(.character("x"), .enter, .tab, .paste("y"), .function(4)) == [])
    #expect(screen.press(.character("y")) == [.command(.answer)])
    #expect(screen.model.editor.text == "half a sen")
    #expect(!screen.text.contains("Would you like"))
  }

  @Test func nDeclines() {
    var screen = Screen.online()
    screen.call(.incoming)
    #expect(screen.press(.character("N")) == [.command(.reject)])
  }

  @Test func answersCanBeClicked() {
    var screen = Screen.online()
    screen.call(.incoming)
    #expect(screen.click(on: "[y]es") == [.command(.answer)])
    screen.call(.ended(.cancelled))
    screen.call(.incoming)
    #expect(screen.click(on: "[n]o") == [.command(.reject)])
  }

  @Test func bellRepeatsUntilTheCallerGivesUp() {
    var screen = Screen.online()
    screen.call(.incoming)
    #expect(screen.pass(.seconds(1)) == [])
    #expect(screen.pass(.seconds(2)) == [.bell])
    #expect(screen.pass(.seconds(3)) == [.bell])
    screen.send(.notice(Notice(.warning, "Missed call from bert.")))
    screen.call(.ended(.cancelled))
    screen.call(.idle, peer: "")
    #expect(screen.pass(.seconds(3)) == [])
    #expect(screen.text.contains("Missed call from bert"))
    #expect(!screen.text.contains("cancelled"))
    #expect(!screen.text.contains("Would you like"))
  }

  @Test func wordsInFullFlowAreNoAnswer() {
    var screen = Screen.online()
    screen.type("an")
    screen.now = screen.now + .milliseconds(100)
    screen.call(.incoming)
    #expect(screen.type("y") == [])
    screen.now = screen.now + .milliseconds(400)
    #expect(screen.type("n") == [])
    #expect(screen.model.editor.text == "anyn")
    screen.now = screen.now + .milliseconds(600)
    #expect(screen.type("y") == [.command(.answer)])
  }

  @Test func deviceQuestionOffersThreeWays() {
    for (key, answer) in [("r", DeviceAnswer.receiveOnly), ("t", .synthetic), ("c", .cancel)] {
      var screen = Screen.online()
      screen.call(.calling)
      screen.send(.deviceQuestion(DeviceQuestion(device: "camera", text: "No camera was found.")))
      #expect(screen.text.contains("No camera was found."))
      #expect(screen.type(key) == [.command(.deviceAnswer(answer))])
      #expect(!screen.text.contains("No camera was found."))
    }
  }

  @Test func deviceQuestionGoesWithItsCall() {
    var screen = Screen.online()
    screen.call(.connecting)
    screen.send(.deviceQuestion(DeviceQuestion(device: "camera", text: "No camera was found.")))
    screen.call(.ended(.peerHungUp))
    #expect(!screen.text.contains("No camera was found."))
  }

  @Test func leavingInACallIsAskedFor() {
    var screen = Screen.online()
    screen.call(.active)
    #expect(screen.press(.control("c")) == [])
    #expect(screen.text.contains("Hang up and leave?"))
    #expect(screen.type("n") == [])
    #expect(!screen.text.contains("Hang up and leave?"))
    #expect(screen.press(.control("c"), .control("c")) == [.command(.quit)])
  }

  @Test func leavingOutsideACallIsNot() {
    var screen = Screen.online()
    #expect(screen.press(.control("c")) == [.command(.quit)])
  }

  @Test func pictureWaitsWhileSomethingIsOverIt() {
    var screen = Screen.online()
    screen.call(.active)
    #expect(screen.model.showsPicture)
    screen.press(.function(1))
    #expect(!screen.model.showsPicture)
    screen.press(.escape)
    #expect(screen.model.showsPicture)
    screen.press(.control("c"))
    #expect(!screen.model.showsPicture)
  }
}

@Suite struct Commands {
  @Test(arguments: [
    ("/call carla", CallCommand.invite("carla")), ("/call CARLA", .invite("carla")), ("/answer", .answer),
    ("/reject", .reject), ("/mute", .muteMicrophone(true)), ("/video", .turnCameraOff(true)),
    ("/name  Anna Berta ", .rename("Anna Berta")), ("/quit", .quit),
    ("//call is a command", .chat("/call is a command")),
  ])
  func doWhatTheKeysDo(line: String, command: CallCommand) {
    var screen = Screen.online()
    screen.type(line)
    #expect(screen.press(.enter) == [.command(command)])
  }

  @Test func hangUpCommandWorksOnlyInACall() {
    var screen = Screen.online()
    screen.type("/hangup")
    #expect(screen.press(.enter) == [])
    screen.call(.active)
    screen.type("/hangup")
    #expect(screen.press(.enter) == [.command(.hangUp)])
  }

  @Test func renderHandsItsModeOn() {
    var screen = Screen.online()
    screen.type("/render Half")
    #expect(screen.press(.enter) == [.render("half")])
  }

  @Test func unknownCommandGetsHelpfulWordsAndIsNotSent() {
    var screen = Screen.online()
    screen.type("/hang")
    #expect(screen.press(.enter) == [])
    #expect(screen.text.contains("There is no command /hang.") && screen.text.contains("/hangup?"))
    screen.type("/")
    #expect(screen.press(.enter) == [])
    screen.type("/name")
    #expect(screen.press(.enter) == [])
    #expect(screen.text.contains("Which name?"))
  }

  @Test func pastedCommandsAreNotRun() {
    var screen = Screen.online()
    #expect(screen.press(.paste("/quit\n/hangup\ny\n")) == [])
    #expect(screen.model.editor.text == "/quit /hangup y ")
  }

  @Test func tabCompletesCommandsAndNames() {
    var screen = Screen.online()
    screen.type("/ca")
    screen.press(.tab)
    screen.type("be")
    screen.press(.tab)
    #expect(screen.model.editor.text == "/call bert")
  }
}
