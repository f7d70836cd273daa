import Picture
import Testing

@Suite struct PixelProfileTests {
  @Test func xtermAndFootKeepWhatIsNotPainted() {
    for name in ["XTerm(379)", "foot(1.13.1)"] {
      let profile = PixelProfile(name: name, multiplexer: nil)
      #expect(profile.keepsUnpaintedPixels)
    }
  }

  @Test func onlyFootIsToldColorsOnce() {
    #expect(PixelProfile(name: "foot(1.13.1)", multiplexer: nil).sharesRegisters)
    #expect(!PixelProfile(name: "XTerm(379)", multiplexer: nil).sharesRegisters)
  }

  @Test(arguments: ["mlterm(3.9.0)", "tmux 3.4", "contour 0.3", "Konsole 22.12.3", "Windows Terminal 1.22", "", "?"])
  func othersAreSentWholeRectanglesWithTheirColors(name: String) {
    let profile = PixelProfile(name: name, multiplexer: nil)
    #expect(!profile.keepsUnpaintedPixels && !profile.sharesRegisters && !profile.editsKittyImages)
  }

  @Test func kittyEditsImages() {
    #expect(PixelProfile(name: "kitty(0.26.5)", multiplexer: nil).editsKittyImages)
  }

  @Test(arguments: ["WezTerm 20240203", "iTerm2 3.5", "mintty 3.7", "Konsole 26.08.2"])
  func imagesOfITerm2AreDrawnByOthersToo(name: String) {
    #expect(PixelProfile(name: name, multiplexer: nil).hasInlineImages)
  }

  @Test func aMultiplexerHidesTheTerminal() {
    #expect(PixelProfile(name: "XTerm(379)", multiplexer: .tmux) == PixelProfile(name: "", multiplexer: nil))
  }
}
