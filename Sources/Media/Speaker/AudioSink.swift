public import Frames
public import NIOCore

/// A speaker: one thread gives it periods of 20 ms, and is held back to the pace of real time.
///
/// Opened by ``SpeakerChoice/open()``; the device is closed when the last reference goes away.
public protocol AudioSink: AnyObject, Sendable {
  /// What a person knows it by: "default", "none", "call.wav".
  var name: String { get }
  /// Waits until there is room for a period, and queues it. Called by one thread only. Allocates nothing once running.
  /// Sound that comes late leaves a gap, not an error. Once stopped it returns at once.
  /// - Throws: why nothing more can be played; calling again is allowed and fails again.
  func play(_ period: borrowing AudioPeriod) throws(MediaError)
  /// Sound queued ahead: what is given to ``play(_:)`` next is heard so much later. For the playing thread only.
  var delay: TimeAmount { get }
  /// Ends a waiting ``play(_:)`` and all that come. May be called from any thread, more than once.
  func stop()
}

/// Where to play the peer's sound, as `--speaker` says it.
public enum SpeakerChoice: Sendable, Equatable {
  /// ALSA's "default".
  case preferred
  /// Nowhere, though at the pace of real time.
  case off
  /// An ALSA playback device by name, such as "hw:1" or "plughw:1,0".
  case device(String)
  /// A WAV file, which is overwritten.
  case file(String)

  /// Reads "default", "none", a file's path ending in ".wav", or else takes the text as an ALSA device's name.
  /// - Throws: ``MediaError/notFound(device:detail:)`` for an empty text.
  public static func parse(_ text: String) throws(MediaError) -> SpeakerChoice {
    switch text {
    case "default": return .preferred
    case "none": return .off
    case "":
      throw .notFound(
        device: "speaker \"\"", detail: "give an ALSA device such as \"default\", \"none\", or a .wav file")
    case _ where text.lowercased().hasSuffix(".wav"): return .file(text)
    default: return .device(text)
    }
  }

  /// Opens the speaker. Unlike a camera or microphone there is always one: ``off`` is a sink that keeps time.
  /// - Throws: why it cannot be had, ``MediaError/notFound(device:detail:)`` and so on.
  public func open() throws(MediaError) -> any AudioSink {
    switch self {
    case .off: try NullSink()
    case .file(let path): try WAVSink(path: path)
    case .device(let name): try ALSASpeaker(device: name)
    case .preferred: try ALSASpeaker(device: "default")
    }
  }
}

extension SpeakerChoice: CustomStringConvertible {
  public var description: String {
    switch self {
    case .preferred: "default"
    case .off: "none"
    case .device(let name), .file(let name): name
    }
  }
}
