import SDP
import Testing

@Suite struct BrowserDescriptionTests {
  @Test(arguments: Fixture.all)
  func whatABrowserWroteSurvivesPrinting(_ fixture: Fixture) throws {
    let description = try fixture.description()
    let printed = description.description
    #expect(try SessionDescription(parsing: printed) == description)
    #expect(printed.hasSuffix("\r\n"))
    #expect(printed.utf8.count(where: { $0 == 10 }) == printed.utf8.count(where: { $0 == 13 }))
  }

  @Test(arguments: Fixture.all)
  func nothingABrowserWroteIsLost(_ fixture: Fixture) throws {
    // Not the same but as good: Firefox's default direction at session level and its "/1" channel, Chromium's blank
    // in msid-semantic.
    let printed = Set(try fixture.description().description.split(separator: "\r\n"))
    for line in try fixture.text().split(separator: "\r\n")
    where line != "a=sendrecv" && !line.hasSuffix("/1") && !line.hasPrefix("a=msid-semantic") {
      #expect(printed.contains(line), "lost: \(line)")
    }
  }

  @Test func chromiumOffer() throws {
    let offer = try Fixture(browser: "chromium", name: "offer").description()
    #expect(offer.origin.sessionID == 4_900_853_739_434_308_395)
    #expect(offer.bundle?.mids == ["0", "1"])
    let audio = try #require(offer.section(mid: "0"))
    #expect(audio.kind == .audio && audio.direction == .sendrecv && audio.rtcpMux && audio.rtcpReducedSize)
    #expect(audio.extmapAllowMixed, "given at session level")
    #expect(audio.transport.iceUfrag == "PMlI" && audio.transport.setup == .actpass)
    #expect(audio.payloadFormat(111)?.parameters["useinbandfec"] == "1")
    #expect(audio.payloadFormat(111)?.encoding == PayloadEncoding(name: "opus", clockRate: 48000, channels: 2))
    let video = try #require(offer.section(mid: "1"))
    #expect(video.payloadFormats.count == 23)
    #expect(video.retransmission(of: 96)?.payloadType == 97)
    #expect(
      video.payloadFormat(96)?.feedback
        == [.remb, .transportCC, .fullIntraRequest, .nack, .pictureLossIndication])
    #expect(video.sourceGroups == [SourceGroup(semantics: "FID", ssrcs: [353_965_829, 2_020_326_507])])
    #expect(video.sourceAttribute("cname", of: 353_965_829) == "8OwW3hKS5RAG5bkI")
  }

  @Test func firefoxOffer() throws {
    let offer = try Fixture(browser: "firefox", name: "offer").description()
    for section in offer.media {
      #expect(section.transport.fingerprints.first?.description.hasPrefix("sha-256 2F:C4:74") == true)
      #expect(section.transport.iceOptions == ["trickle"])
      #expect(section.msids.first?.streamID == "{9f28c92d-1b2e-4d56-b628-3c6eed3aa574}")
    }
    let audio = try #require(offer.section(mid: "0"))
    #expect(audio.payloadFormat(9)?.encoding == PayloadEncoding(name: "G722", clockRate: 8000), "written G722/8000/1")
    #expect(audio.headerExtensions[1].id == 2 && audio.headerExtensions[1].direction == .recvonly)
  }

  @Test func bundleOnlyAtPortZeroIsNotRejected() throws {
    var offer = try Fixture(browser: "firefox", name: "callee-second-offer").description()
    #expect(offer.media.map(\.port) == [9, 9, 0, 0])
    #expect(offer.media.allSatisfy { !offer.isRejected($0) })
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: ["0", "1", "2"])]
    #expect(offer.isRejected(offer.media[3]), "bundle-only, but no bundle names it")
  }

  @Test func candidatesAreKeptForICE() throws {
    let offer = try Fixture(browser: "firefox", name: "mdn-second-offer").description()
    #expect(offer.media[0].candidates.count == 4)
    #expect(offer.media[0].candidates.allSatisfy { $0.hasPrefix("candidate:") })
    #expect(offer.media[0].endOfCandidates)
  }
}
