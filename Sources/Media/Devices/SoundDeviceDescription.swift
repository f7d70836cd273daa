import CALSA
import Glibc

/// An ALSA PCM, for a person to choose from.
public struct SoundDeviceDescription: Sendable, Equatable {
  /// What `--microphone` or `--speaker` takes.
  public var name: String
  /// The system's words for it, on one line.
  public var description: String

  /// The PCMs of this machine that sound can be recorded from.
  public static func microphones() -> [SoundDeviceDescription] { list(without: "Output") }

  /// The PCMs of this machine that sound can be played on.
  public static func speakers() -> [SoundDeviceDescription] { list(without: "Input") }

  /// - Parameter without: the direction, in ALSA's words, of those to leave out; a PCM for both states none.
  private static func list(without direction: String) -> [SoundDeviceDescription] {
    snd_lib_be_quiet()
    var hints: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    guard snd_device_name_hint(-1, "pcm", &hints) >= 0, let hints else { return [] }
    defer { snd_device_name_free_hint(hints) }
    var found: [SoundDeviceDescription] = []
    var index = 0
    while let hint = hints[index] {
      index += 1
      guard let name = text(hint, "NAME"), text(hint, "IOID") != direction else { continue }
      guard servers.contains(name) || name.hasPrefix("plughw:") else { continue }
      let words = text(hint, "DESC")?.split(separator: "\n").joined(separator: ", ") ?? ""
      found.append(SoundDeviceDescription(name: name, description: words))
    }
    return found
  }

  /// What stands before the cards. Each card is listed once, by "plughw", which always works; the rest of what ALSA
  /// names are other ways to the same cards and converters, for special uses.
  private static let servers: Set = ["default", "pipewire", "pulse", "jack"]

  private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
    guard let value = snd_device_name_get_hint(hint, key) else { return nil }
    defer { free(value) }
    return String(cString: value)
  }
}
