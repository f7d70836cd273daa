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
      if name == "null" || variants.contains(where: { name.hasPrefix($0 + ":") }) { continue }
      let words = text(hint, "DESC")?.split(separator: "\n").joined(separator: ", ") ?? ""
      found.append(SoundDeviceDescription(name: name, description: words))
    }
    return found
  }

  /// Other ways to the same cards, which are for special uses; "plughw" is the one that always works.
  private static let variants = [
    "hw", "dmix", "dsnoop", "default", "sysdefault", "front", "rear", "center_lfe", "side", "surround21", "surround40",
    "surround41", "surround50", "surround51", "surround71", "modem", "phoneline", "usbstream",
  ]

  private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
    guard let value = snd_device_name_get_hint(hint, key) else { return nil }
    defer { free(value) }
    return String(cString: value)
  }
}
