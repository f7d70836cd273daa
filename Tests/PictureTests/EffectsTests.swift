import Frames
import TestSupport
import Testing

@testable import Picture

@Suite struct EffectsTests {
  private func adjust(_ frame: VideoFrame, _ change: (inout PictureEffects) -> Void) -> VideoFrame {
    var effects = PictureEffects()
    change(&effects)
    let size = VideoSize(width: frame.width, height: frame.height)
    let window = SourceWindow(
      size: size, area: PixelSize(width: frame.width, height: frame.height), fit: .stretch, effects: effects)
    return FrameAdjuster().adjust(frame, window: window, effects: effects)
  }

  @Test func aPictureThatStaysAsItIsIsNotCopied() {
    let frame = Scenes.solid(64, 48, y: 100)
    #expect(adjust(frame) { _ in } === frame)
  }

  @Test(arguments: [(-0.5, 16, 110), (0.25, 155, 235), (1.0, 235, 235)])
  func brightnessAddsAndIsHeldInRange(brightness: Double, ofGray: Int, ofLight: Int) {
    let gray = adjust(Scenes.solid(37, 21, y: 100)) { $0.brightness = brightness }
    let light = adjust(Scenes.solid(37, 21, y: 220)) { $0.brightness = brightness }
    withExtendedLifetime((gray, light)) {
      #expect(Int(gray.y[5]) == ofGray && Int(gray.y[20 * gray.yStride + 36]) == ofGray)
      #expect(Int(light.y[5]) == ofLight)
    }
  }

  @Test func contrastPullsApartAndSaturationColours() {
    let dark = adjust(Scenes.solid(33, 17, y: 96, u: 118, v: 148)) { $0.contrast = 2 }
    #expect(dark.y[32 + 16 * dark.yStride] == 66)
    let colour = adjust(Scenes.solid(33, 17, y: 96, u: 118, v: 148)) { $0.saturation = 1.5 }
    #expect(colour.y[0] == 96 && colour.u[16 + 8 * colour.uvStride] == 113 && colour.v[0] == 158)
    let gray = adjust(Scenes.solid(33, 17, y: 96, u: 18, v: 248)) { $0.isGray = true }
    #expect(gray.y[0] == 96 && gray.u[0] == 128 && gray.v[3] == 128)
  }

  @Test func extremesNeverOverflow() {
    for luma in [0, 1, 16, 126, 235, 255] as [UInt8] {
      let frame = adjust(Scenes.solid(16, 16, y: luma, u: 255, v: 0)) {
        $0.contrast = 100
        $0.saturation = 100
        $0.brightness = luma > 126 ? 1 : -1
      }
      #expect(frame.y[0] == (luma > 126 ? 235 : 16))
      #expect(frame.u[0] == 240 && frame.v[0] == 16)
    }
  }

  @Test func zoomAndPanChooseThePart() {
    let frame = Scenes.luma(200, 100) { x, _ in UInt8(x) }
    for (pan, first) in [(-1.0, 0), (0.0, 50), (1.0, 100)] {
      let part = adjust(frame) {
        $0.zoom = 2
        $0.panX = pan
      }
      #expect(part.width == 100 && part.height == 50)
      #expect(Int(part.y[0]) == first)
    }
  }

  @Test func everyWindowLiesInsideOfItsPicture() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<5000 {
      let size = VideoSize(width: .random(in: 1...4096, using: &random), height: .random(in: 1...4096, using: &random))
      var effects = PictureEffects()
      effects.zoom = .random(in: 0...20, using: &random)
      effects.panX = .random(in: -2...2, using: &random)
      effects.panY = .random(in: -2...2, using: &random)
      let fit = [PictureFit.letterbox, .stretch, .fill, .actualSize].randomElement(using: &random) ?? .fill
      let area = PixelSize(width: .random(in: 0...3000, using: &random), height: .random(in: 0...3000, using: &random))
      let window = SourceWindow(size: size, area: area, fit: fit, effects: effects)
      #expect(window.width >= 1 && window.height >= 1 && window.x >= 0 && window.y >= 0)
      #expect(window.x + window.width <= size.width && window.y + window.height <= size.height)
      #expect(window.x % 2 == 0 && window.y % 2 == 0)
    }
  }

  @Test func fillCutsOffAndActualSizeKeepsPixels() {
    let size = VideoSize(width: 640, height: 480)
    let effects = PictureEffects()
    let wide = SourceWindow(size: size, area: PixelSize(width: 800, height: 200), fit: .fill, effects: effects)
    #expect(wide == SourceWindow(size: size, area: PixelSize(width: 400, height: 100), fit: .fill, effects: effects))
    #expect(wide.width == 640 && wide.height == 160 && wide.y == 160)
    let exact = SourceWindow(size: size, area: PixelSize(width: 100, height: 1000), fit: .actualSize, effects: effects)
    #expect(exact.width == 100 && exact.height == 480 && exact.x == 270)
  }

  @Test func theRendererShowsThem() {
    let capabilities = TerminalCapabilities(colors: .trueColor)
    let renderer = Renderer(mode: .half, capabilities: capabilities, fit: .stretch)
    let frame = Scenes.luma(64, 64) { x, _ in x < 32 ? 16 : 235 }
    renderer.effects.zoom = 2
    renderer.effects.panX = 1
    var bytes: [UInt8] = []
    renderer.render(remote: frame, selfView: nil, in: Viewport(columns: 8, rows: 4), into: &bytes)
    var screen = ScreenModel(columns: 8, rows: 4)
    screen.feed(bytes)
    #expect(CellRaster.color(screen[0, 0].background, standard: 0)[0] > 240, "only the right half is seen")
    renderer.effects.brightness = -1
    bytes.removeAll()
    renderer.render(remote: frame, selfView: nil, in: Viewport(columns: 8, rows: 4), into: &bytes)
    screen.feed(bytes)
    #expect(CellRaster.color(screen[0, 0].background, standard: 0)[0] < 10)
  }

  @Test func theMirrorCanBeTakenAway() throws {
    let capabilities = TerminalCapabilities(colors: .trueColor)
    let own = Scenes.luma(64, 48) { x, _ in x < 32 ? 16 : 235 }
    var leftEdges: [Int] = []
    for isMirrored in [true, false] {
      let renderer = Renderer(mode: .half, capabilities: capabilities, fit: .stretch)
      renderer.effects.mirrorsSelfView = isMirrored
      var bytes: [UInt8] = []
      let result = renderer.render(
        remote: Scenes.solid(64, 48, y: 100), selfView: own, in: Viewport(columns: 40, rows: 20), into: &bytes)
      var screen = ScreenModel(columns: 40, rows: 20)
      screen.feed(bytes)
      let inset = try #require(result.selfView)
      leftEdges.append(CellRaster.color(screen[inset.column, inset.row].background, standard: 0)[0])
    }
    #expect(leftEdges[0] > 240 && leftEdges[1] < 10)
  }
}
