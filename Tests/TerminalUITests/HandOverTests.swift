import Calling
import Frames
import NIOCore
import Picture
import Synchronization
import Testing

@testable import TerminalUI

@Suite struct EventMailboxTests {
  @Test func keepsOrder() {
    let mailbox = EventMailbox()
    mailbox.put(.ownName("anna"))
    mailbox.put(.users(["anna"]))
    let (events, dropped) = mailbox.takeAll()
    #expect(events == [.ownName("anna"), .users(["anna"])])
    #expect(dropped == 0)
    #expect(mailbox.takeAll().events.isEmpty)
  }

  @Test func whenFullTheOldestLinesGoAndTheStateStays() {
    let mailbox = EventMailbox()
    mailbox.put(.call(CallStatus(phase: .active, peer: "bert")))
    for number in 0..<5000 {
      mailbox.put(.chat(ChatLine(from: "bert", text: "\(number)", date: 0, isOwn: false)))
    }
    mailbox.put(.finished)
    let (events, dropped) = mailbox.takeAll()
    #expect(events.count == EventMailbox.capacity)
    #expect(dropped == 5002 - EventMailbox.capacity)
    #expect(events.first == .call(CallStatus(phase: .active, peer: "bert")))
    #expect(events.last == .finished)
    #expect(events.contains(.chat(ChatLine(from: "bert", text: "4999", date: 0, isOwn: false))))
  }
}

@Suite struct PicturePaneTests {
  private let capabilities = TerminalCapabilities(colors: .trueColor)
  private let pool = VideoFramePool()

  private func setting(_ serial: Int, columns: Int = 40) -> PicturePane.Setting {
    PicturePane.Setting(
      viewport: Viewport(columns: columns, rows: 15), mode: .half, capabilities: capabilities, serial: serial)
  }

  private func frame(_ luma: UInt8) -> VideoFrame {
    let frame = pool.take(VideoSize(width: 64, height: 48))
    frame.fill(y: luma)
    return frame
  }

  /// A pane that has been told where to draw, with leave for a picture.
  private func open(_ serial: Int = 1) -> PicturePane {
    let pane = PicturePane()
    pane.configure(setting(serial))
    pane.grant(leave)
    return pane
  }

  private let leave = OutputPacer.Allowance(lambda: 2, bytes: .max)

  @Test func drawsNothingUntilItIsToldWhereAndMay() {
    let pane = PicturePane()
    pane.showRemote(frame(100))
    #expect(!pane.hasFrame)
    pane.configure(setting(1))
    #expect(!pane.hasFrame, "the terminal has no room yet")
    pane.grant(leave)
    #expect(pane.hasFrame, "the picture that came before is drawn at once")
  }

  @Test func wakesTheMainThread() {
    let pane = open()
    let wakes = Mutex(0)
    pane.setWake { wakes.withLock { $0 += 1 } }
    pane.showRemote(frame(100))
    #expect(wakes.withLock { $0 } == 1)
  }

  @Test func neverQueuesMoreThanOneAndTheNextIsTheNewest() throws {
    let pane = open()
    pane.showRemote(frame(50))
    pane.showRemote(frame(120))
    let first = try #require(pane.takeFrame())
    pane.finishWriting(first)
    pane.showRemote(frame(200))
    #expect(!pane.hasFrame, "the terminal has no room yet")
    pane.grant(leave)
    let second = try #require(pane.takeFrame())
    #expect(String(decoding: second, as: UTF8.self).contains("214;214;214"), "luma 200 as RGB")
    pane.finishWriting(second)
    pane.grant(leave)
    #expect(pane.takeFrame() == nil, "the newest is on the screen")
  }

  @Test func anotherPlaceMeansAWholePictureAnew() throws {
    let pane = open()
    pane.showRemote(frame(100))
    let first = try #require(pane.takeFrame())
    pane.finishWriting(first)
    pane.configure(nil)
    #expect(pane.takeFrame() == nil)
    pane.configure(setting(2))
    pane.grant(leave)
    let again = try #require(pane.takeFrame())
    #expect(again.count == first.count)
  }

  @Test func hiddenDrawsNothingAndClearForgets() {
    let pane = open()
    pane.showRemote(frame(100))
    pane.clear()
    #expect(pane.takeFrame() == nil)
    pane.configure(nil)
    pane.configure(setting(2))
    pane.grant(leave)
    #expect(pane.takeFrame() == nil, "no picture of the last call")
  }

  @Test func ownPictureIsShownWhileThereIsNoOther() throws {
    let pane = open()
    pane.showLocal(frame(100))
    let first = try #require(pane.takeFrame())
    pane.finishWriting(first)
    pane.grant(leave)
    pane.showRemote(frame(50))
    #expect(pane.hasFrame)
  }

  @Test func aFrozenPictureStandsStillAndComesBackToLife() throws {
    let pane = open()
    pane.showRemote(frame(100))
    pane.finishWriting(try #require(pane.takeFrame()))
    var frozen = setting(1)
    frozen.look.isFrozen = true
    pane.configure(frozen)
    pane.grant(leave)
    pane.showRemote(frame(200))
    #expect(!pane.hasFrame)
    pane.configure(setting(1))
    pane.grant(leave)
    pane.showRemote(frame(200))
    let bytes = try #require(pane.takeFrame())
    #expect(String(decoding: bytes, as: UTF8.self).contains("214;214;214"))
  }

  /// The picture's tones change while a frame waits to be fetched: what it draws is on the screen all the same.
  @Test func aFrameForTheSamePlaceIsKept() throws {
    let pane = open()
    pane.showRemote(frame(100))
    pane.finishWriting(try #require(pane.takeFrame()))
    pane.grant(leave)
    pane.showRemote(frame(200))
    var brighter = setting(1)
    brighter.look.effects.brightness = 0.1
    pane.configure(brighter)
    let kept = try #require(pane.takeFrame())
    #expect(String(decoding: kept, as: UTF8.self).contains("214;214;214"))
    pane.finishWriting(kept)
    pane.grant(leave)
    #expect(pane.hasFrame, "the same picture in the new tones, though no other has come")
  }

  /// What was rendered and thrown away is not on the screen, whatever the renderer believes.
  @Test func afterAFrameThatWasThrownAwayThePictureIsDrawnWhole() throws {
    let pane = open()
    pane.showRemote(frame(100))
    let whole = try #require(pane.takeFrame())
    pane.finishWriting(whole)
    pane.grant(leave)
    pane.showRemote(frame(200))
    pane.configure(setting(1, columns: 20))
    pane.configure(setting(1))
    #expect(!pane.hasFrame)
    pane.showRemote(frame(100))
    pane.grant(leave)
    #expect(pane.takeFrame() == whole)
  }

  @Test func aPictureOfImagesIsTakenAwayBeforeTextIsDrawn() throws {
    var images = setting(1)
    images.mode = .kitty
    images.capabilities.kitty = KittySupport()
    images.capabilities.cellPixels = PixelSize(width: 8, height: 16)
    let pane = PicturePane()
    pane.configure(images)
    pane.grant(leave)
    pane.showRemote(frame(100))
    let first = try #require(pane.takeFrame())
    #expect(String(decoding: first, as: UTF8.self).contains("_Ga=T"))
    pane.finishWriting(first)
    pane.configure(nil)
    #expect(String(decoding: pane.removal(), as: UTF8.self).contains("_Ga=d"))
    #expect(pane.removal().isEmpty, "once")
    pane.configure(images)
    pane.grant(leave)
    #expect(pane.takeFrame() == first, "it comes back whole")
  }

  @Test func textCoversAPictureOfCharacters() throws {
    let pane = open()
    pane.showRemote(frame(100))
    pane.finishWriting(try #require(pane.takeFrame()))
    pane.configure(nil)
    #expect(pane.removal().isEmpty)
  }

  @Test(arguments: [0, 60])
  func aPictureThatWasCutIsFinishedThoughNoOtherComes(limit: Int) throws {
    let pane = open()
    pane.grant(OutputPacer.Allowance(lambda: 2, bytes: limit))
    pane.showRemote(frame(100))
    var pieces: [[UInt8]] = []
    while let piece = pane.takeFrame(), pieces.count < 100 {
      pieces.append(piece)
      pane.finishWriting(piece)
      pane.grant(OutputPacer.Allowance(lambda: 2, bytes: limit))
    }
    #expect((2...15).contains(pieces.count))
    pane.showRemote(frame(100))
    #expect(!pane.hasFrame, "all of it is there")
  }

  @Test func aByteLimitIsKeptAndTheRestFollows() throws {
    let pane = PicturePane()
    pane.configure(setting(1))
    pane.showRemote(frame(100))
    let whole = try #require(
      { () -> [UInt8]? in
        pane.grant(leave)
        return pane.takeFrame()
      }())
    pane.finishWriting(whole)
    pane.configure(setting(2))
    var pieces = 0
    while pieces < 100 {
      pane.grant(OutputPacer.Allowance(lambda: 2, bytes: 60))
      pane.showRemote(frame(100))
      guard let piece = pane.takeFrame() else { break }
      #expect(piece.count < whole.count)
      pane.finishWriting(piece)
      pieces += 1
    }
    #expect((2...15).contains(pieces), "a few rows at a time until all is there")
  }
}

@Suite struct ThemeTests {
  /// What a style says must not get lost where there are few colours, or none.
  @Test(arguments: [0, 8, 16, 256])
  func whatMattersStandsOut(colors: Int) {
    let text = Theme.appearance(.text, colors: colors)
    for style in [Style.userFocused, .buttonYes, .callActive, .callTrouble, .noticeError, .unread, .inputMark] {
      #expect(Theme.appearance(style, colors: colors) != text)
    }
    for style in Style.allCases {
      let appearance = Theme.appearance(style, colors: colors)
      #expect((-1..<Int32(max(colors, 1))).contains(appearance.foreground) || colors == 0)
      if colors == 0 { #expect(appearance.foreground == -1 && appearance.background == -1) }
    }
  }
}
