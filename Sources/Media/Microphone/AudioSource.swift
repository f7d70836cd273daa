public import Frames

/// A microphone: periods of 20 ms are pulled from it by one thread, at the pace of the source.
///
/// Opened by ``MicrophoneChoice/open()``; the device is closed when the last reference goes away.
public protocol AudioSource: AnyObject, Sendable {
  /// What a person knows it by: "default", "tone", "voice.wav".
  var name: String { get }
  /// Waits for the next period and writes it into the given one, time included. Called by one thread only. Allocates
  /// nothing once running.
  /// - Returns: false when the source was stopped, for ever after; `period` is then as it was.
  /// - Throws: the first time, why there will be no more sound; calling again is allowed and fails again.
  func next(into period: inout AudioPeriod) throws(MediaError) -> Bool
  /// Ends a waiting ``next(into:)`` and all that come. May be called from any thread, more than once.
  func stop()
}

/// What to send as sound, as `--microphone` says it.
public enum MicrophoneChoice: Sendable, Equatable {
  /// ALSA's "default".
  case preferred
  /// A gentle tone that comes and goes.
  case tone
  /// No sound.
  case off
  /// An ALSA capture device by name, such as "hw:1" or "plughw:1,0".
  case device(String)
  /// A WAV file, played in a loop.
  case file(String)

  /// Reads "default", "tone", "none", a file's path ending in ".wav", or else takes the text as an ALSA device's name.
  /// - Throws: ``MediaError/notFound(device:detail:)`` for an empty text.
  public static func parse(_ text: String) throws(MediaError) -> MicrophoneChoice {
    switch text {
    case "default": return .preferred
    case "tone": return .tone
    case "none": return .off
    case "":
      throw .notFound(
        device: "microphone \"\"", detail: "give an ALSA device such as \"default\", \"tone\", \"none\", or a .wav file"
      )
    case _ where text.lowercased().hasSuffix(".wav"): return .file(text)
    default: return .device(text)
    }
  }

  /// Opens the microphone.
  /// - Returns: nil for ``off``.
  /// - Throws: why it cannot be had, ``MediaError/notFound(device:detail:)`` and so on.
  public func open() throws(MediaError) -> (any AudioSource)? {
    switch self {
    case .off: nil
    case .tone: try ToneSource()
    case .file(let path): try WAVSource(path: path)
    case .device(let name): try ALSAMicrophone(device: name)
    case .preferred: try ALSAMicrophone(device: "default")
    }
  }
}

extension MicrophoneChoice: CustomStringConvertible {
  public var description: String {
    switch self {
    case .preferred: "default"
    case .tone: "tone"
    case .off: "none"
    case .device(let name), .file(let name): name
    }
  }
}
