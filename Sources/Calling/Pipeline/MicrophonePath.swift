import Frames
import Media
import NIOConcurrencyHelpers

/// The microphone thread: takes periods of sound, encodes and hands them on.
struct MicrophonePath: Sendable {
  struct Wishes: Sendable {
    var isConnected = false
    var isMuted = false
  }

  final class Control: Sendable {
    private let wishes = NIOLockedValueBox(Wishes())

    func update(_ change: (inout Wishes) -> Void) { wishes.withLockedValue(change) }

    var current: Wishes { wishes.withLockedValue { $0 } }
  }

  /// Bits a second of encoded sound.
  static let bitrate = 32_000

  let microphone: any AudioSource
  let control: Control
  let counters: MediaCounters
  let outlet: any MediaOutlet

  func run() {
    do {
      let encoder = try OpusEncoder(bitrate: Self.bitrate)
      var period = AudioPeriod()
      while try microphone.next(into: &period) {
        let wishes = control.current
        guard wishes.isConnected else { continue }
        // Muted is silence, not absence: the peer's clock and the path stay alive.
        if wishes.isMuted { for index in period.samples.indices { period.samples[index] = 0 } }
        outlet.send(audio: try encoder.encode(period))
        counters.count { $0.audioFramesSent += 1 }
      }
    } catch {
      outlet.mediaFailed("The microphone gave up: \(error). The call goes on without your sound.")
    }
  }
}
