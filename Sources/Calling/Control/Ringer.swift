import Frames
import Media
import NIOConcurrencyHelpers

/// Plays the ringing and the ringback tone on the loudspeaker while there is no call that needs it.
final class Ringer: Sendable {
  private struct State {
    var ring = CallMachine.Ring.silence
    var sink: (any AudioSink)?
  }

  private let speaker: SpeakerChoice
  private let state = NIOLockedValueBox(State())

  /// - Parameter speaker: where calls are heard. Without a device there is nothing to hear; a face may ring a bell.
  init(speaker: SpeakerChoice) {
    self.speaker = speaker
  }

  /// Changes to another tone or to silence; returns at once.
  func play(_ ring: CallMachine.Ring) {
    let changed = state.withLockedValue { state -> Bool in
      guard state.ring != ring else { return false }
      state.ring = ring
      state.sink?.stop()
      state.sink = nil
      return true
    }
    guard changed, let kind = ring.tone, speaker.isDevice else { return }
    _ = MediaThread(name: "ringer") { [self] in sound(ring, RingTone(kind)) }
  }

  private func sound(_ ring: CallMachine.Ring, _ tone: RingTone) {
    guard let sink = try? speaker.open() else { return }
    let isWanted = state.withLockedValue { state -> Bool in
      guard state.ring == ring, state.sink == nil else { return false }
      state.sink = sink
      return true
    }
    guard isWanted else { return }
    var tone = tone
    var period = AudioPeriod()
    while state.withLockedValue({ $0.sink === sink }) {
      tone.next(into: &period)
      guard (try? sink.play(period)) != nil else { return }
    }
  }
}

extension CallMachine.Ring {
  fileprivate var tone: RingTone.Kind? {
    switch self {
    case .incoming: .incoming
    case .ringback: .ringback
    case .silence: nil
    }
  }
}

extension SpeakerChoice {
  /// A recording shall hold the call only, and nowhere needs no tone.
  fileprivate var isDevice: Bool {
    switch self {
    case .preferred, .device: true
    case .off, .file: false
    }
  }
}
