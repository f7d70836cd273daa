import Frames
import Glibc
import NIOCore
import Testing

@testable import Media

@Suite struct PacingTests {
  @Test func realTimeSourcesKeepRealTime() throws {
    let start = NIODeadline.now()
    let sink = try NullSink()
    for _ in 0..<11 { try sink.play(AudioPeriod()) }
    let elapsed = NIODeadline.now() - start
    // Ten beats after the first; a busy machine may be late, never early.
    #expect(elapsed >= .milliseconds(200) && elapsed < .seconds(10))
  }

  @Test func stopEndsAWaitOnAnotherThread() async throws {
    let camera = try TestPatternCamera(size: VideoSize(width: 64, height: 48), framesPerSecond: 1, pace: .realTime)
    _ = try camera.next()
    async let ended = Task.detached { try camera.next() == nil }.value
    camera.stop()
    #expect(try await ended)
    #expect(try camera.next() == nil)
  }

  @Test func stoppedSoundStaysStopped() throws {
    let source = try ToneSource(pace: .immediate)
    var period = AudioPeriod()
    #expect(try source.next(into: &period))
    source.stop()
    source.stop()
    let before = period.samples
    #expect(try !source.next(into: &period))
    #expect(try !source.next(into: &period))
    #expect(period.samples == before)
  }

  @Test func openingAndClosingLeavesNoDescriptors() throws {
    let file = try TemporaryFile("out.wav")
    let before = try openDescriptors()
    for _ in 0..<50 {
      _ = try TestPatternCamera(size: VideoSize(width: 64, height: 48), framesPerSecond: 30)
      _ = try WAVSink(path: file.path)
      _ = try? Y4MCamera(path: file.path)
      _ = try? WAVSource(path: file.path)
      _ = try? CameraChoice.device("/dev/null").open()
    }
    // Other tests run beside this one and open some of their own.
    #expect(try openDescriptors() < before + 50)
  }

  private func openDescriptors() throws -> Int {
    let folder = try #require(opendir("/proc/self/fd"))
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }
}

@Suite struct ToneTests {
  @Test func toneBeepsOnceASecond() throws {
    let source = try ToneSource(pace: .immediate)
    var period = AudioPeriod()
    var sound: [Int16] = []
    var times: [NIODeadline] = []
    for _ in 0..<100 {
      #expect(try source.next(into: &period))
      sound += period.samples
      times.append(period.time)
    }
    #expect(times[50] - times[0] == .seconds(1))
    #expect(abs(amplitude(of: 440, in: Array(sound[4800..<19_200])) - ToneSource.amplitude) < 20)
    #expect(loudness(sound[24_000..<48_000]) == 0)
    #expect(sound[..<48_000] == sound[48_000...])
  }

  @Test(arguments: [RingTone.Kind.incoming, .ringback])
  func ringTonesSoundAndPauseAndRepeat(kind: RingTone.Kind) {
    var ring = RingTone(kind)
    var period = AudioPeriod()
    var sound: [Int16] = []
    for _ in 0..<500 {
      ring.next(into: &period)
      sound += period.samples
    }
    #expect(loudness(sound[..<24_000]) > 1000)
    let turn = kind == .incoming ? 48 * 2800 : 48 * 5000
    #expect(loudness(sound[(turn - 48_000)..<turn]) == 0)
    #expect(sound[..<turn] == sound[turn..<2 * turn])
    // No clicks: neighbours never differ by more than the chords' own slope.
    #expect(zip(sound, sound.dropFirst()).allSatisfy { abs(Int($0) - Int($1)) < 1500 })
  }
}
