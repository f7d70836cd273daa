import Calling
import Picture
import Testing

@testable import TerminalUI

@Suite struct PictureLookTests {
  @Test func keysChangeThePictureAndZeroPutsItBack() {
    var look = PictureLook()
    for key in ["2", "4", "6", "g", "x", "a", "+", "l", "p"] as [Character] {
      let isTaken = look.take(.alt(key))
      #expect(isTaken)
    }
    #expect(look.isFrozen && look.fit == .fill && look.effects.isGray && !look.effects.mirrorsSelfView)
    #expect(look.effects.brightness > 0 && look.effects.contrast > 1 && look.effects.zoom > 1 && look.effects.panX > 0)
    #expect(look.words.contains("FROZEN") && look.words.contains("fill") && look.words.contains("grey"))
    _ = look.take(.alt("0"))
    #expect(look == PictureLook() && look.words.isEmpty)
  }

  @Test func keysOfTheInputLineAreNotTaken() {
    var look = PictureLook()
    for key in [KeyInput.character("g"), .alt("b"), .alt("f"), .up, .enter, .function(4)] {
      let isTaken = look.take(key)
      #expect(!isTaken)
    }
    #expect(look == PictureLook())
  }

  @Test func nothingGoesBeyondItsBounds() {
    var look = PictureLook()
    for _ in 0..<200 {
      for key in ["1", "3", "5", "+", "j", "i"] as [Character] { _ = look.take(.alt(key)) }
    }
    #expect(look.effects.brightness == -1 && look.effects.contrast == 0 && look.effects.saturation == 0)
    #expect(look.effects.zoom == 16 && look.effects.panX == -1 && look.effects.panY == -1)
    for _ in 0..<200 { _ = look.take(.alt("-")) }
    #expect(look.effects.zoom == 1)
  }

  @Test func commandsSetNumbersAndComplainInWords() {
    var look = PictureLook()
    #expect(look.take("brightness 20") == nil && look.effects.brightness == 0.2)
    #expect(look.take("Zoom 3") == nil && look.effects.zoom == 3)
    #expect(look.take("pan 0.5 -1") == nil && look.effects.panX == 0.5 && look.effects.panY == -1)
    #expect(look.take("1:1") == nil && look.fit == .actualSize)
    for wrong in ["zoom", "zoom x", "brightness nan", "pan 1", "sepia", "pan 1 inf"] {
      #expect(look.take(wrong) == PictureLook.usage)
    }
    #expect(look.take("")?.contains("zoom 3.0") == true)
    #expect(look.take("reset") == nil && look == PictureLook())
  }

  @Test func inACallTheKeysReachThePictureAndOutsideTheLine() {
    var screen = Screen.online()
    screen.press(.alt("g"))
    #expect(!screen.model.look.effects.isGray)
    screen.send(.call(.init(phase: .active, peer: "bert")))
    screen.press(.alt("g"), .function(9))
    #expect(screen.model.look.effects.isGray && screen.model.look.fit == .fill)
    screen.press(.tab)
    screen.type("/picture reset")
    screen.press(.enter)
    #expect(screen.model.look == PictureLook())
  }
}
