import Frames
import Glibc
import NIOCore
import Testing

@testable import Media

/// libasound's own plug-ins as devices: a file in, a file out, without pace. Real devices are for Tests/Devices.
private final class PlugIns: Sendable {
  static let configuration = "/usr/share/alsa/alsa.conf"
  /// In force for this process from the first use on.
  static let shared = try? PlugIns()

  let input: TemporaryFile
  let output: TemporaryFile
  private let settings: TemporaryFile
  private var files: [TemporaryFile] { [input, output, settings] }

  private init() throws {
    input = try TemporaryFile("in.raw", tone(700, count: 96_000).withUnsafeBytes { Array($0) })
    output = try TemporaryFile("out.raw")
    let text = """
      pcm.in { type file slave.pcm null file "/dev/null" infile "\(input.path)" format raw }
      pcm.out { type file slave.pcm null file "\(output.path)" format raw }
      """
    settings = try TemporaryFile("asound.conf", Array(text.utf8))
    setenv("ALSA_CONFIG_PATH", "\(Self.configuration):\(settings.path)", 1)
    // What is shared by a process is never released.
    atexit { for file in PlugIns.shared?.files ?? [] { file.remove() } }
  }
}

@Suite(.enabled(if: access(PlugIns.configuration, R_OK) == 0, "libasound2-data is not installed"))
struct ALSATests {
  @Test func captureGivesWhatTheDeviceHears() throws {
    _ = try #require(PlugIns.shared)
    let microphone = try ALSAMicrophone(device: "in")
    var period = AudioPeriod()
    var heard: [Int16] = []
    for _ in 0..<25 {
      #expect(try microphone.next(into: &period))
      heard += period.samples
    }
    #expect(heard == Array(tone(700, count: 96_000)[..<24_000]))
    #expect(period.time <= .now() && NIODeadline.now() - period.time < .seconds(2))
    microphone.stop()
    #expect(try !microphone.next(into: &period))
  }

  @Test func playbackIsWhatWasGiven() throws {
    let plugIns = try #require(PlugIns.shared)
    let sound = tone(300, count: 960 * 20)
    do {
      let speaker = try ALSASpeaker(device: "out")
      var period = AudioPeriod()
      for index in 0..<20 {
        period.samples = Array(sound[index * 960..<(index + 1) * 960])
        try speaker.play(period)
        #expect(speaker.delay >= .zero && speaker.delay < .seconds(1))
      }
    }
    let written = try plugIns.output.read()
    let expected = sound.withUnsafeBytes { Array($0) }
    // The file gets what the device has taken in whole periods of its own.
    #expect(written.count >= expected.count * 9 / 10)
    #expect(written[...] == expected[..<written.count])
  }

  @Test func missingDevicesAreNotFound() throws {
    _ = try #require(PlugIns.shared)
    for error in [
      #expect(throws: MediaError.self) { try MicrophoneChoice.device("no-such-device").open() },
      #expect(throws: MediaError.self) { _ = try SpeakerChoice.device("no-such-device").open() },
    ] {
      guard case .notFound(let device, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(device == "no-such-device")
    }
  }

  @Test func devicesAreListed() throws {
    _ = try #require(PlugIns.shared)
    // What a machine has is its own affair; that each can be named is ours.
    for device in SoundDeviceDescription.microphones() + SoundDeviceDescription.speakers() {
      #expect(!device.name.isEmpty && !device.description.contains("\n"))
    }
    for camera in CameraDescription.all() { #expect(camera.path.hasPrefix("/dev/video")) }
  }
}
