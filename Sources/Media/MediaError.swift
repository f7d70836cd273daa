import Glibc

/// What can go wrong with a device, a media file or a codec, told so that a person can act on it. The first three are
/// the cases of MDN's `getUserMedia` error handling: not found, permission refused, anything else.
public enum MediaError: Error, Sendable, Equatable {
  /// There is no such device. `device` is its name, `detail` what was looked for.
  case notFound(device: String, detail: String)
  /// The system does not let this user open the device.
  case permissionDenied(device: String)
  /// Anything else a device or codec did: `detail` holds the system's or the library's words.
  case failed(device: String, detail: String)
  /// A file that cannot be read as what it should be. `position` is the byte offset where it went wrong.
  case badFile(path: String, position: Int, detail: String)
}

extension MediaError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound(let device, let detail): "\(device): not found (\(detail))"
    case .permissionDenied(let device): "\(device): permission denied"
    case .failed(let device, let detail): "\(device): \(detail)"
    case .badFile(let path, let position, let detail): "\(path): \(detail) (at byte \(position))"
    }
  }
}

extension MediaError {
  /// The case that an `errno` of opening a device or file means.
  static func opening(_ code: Int32, device: String) -> MediaError {
    switch code {
    case ENOENT, ENODEV, ENXIO, ENOTDIR: .notFound(device: device, detail: words(code))
    case EACCES, EPERM: .permissionDenied(device: device)
    case EBUSY: .failed(device: device, detail: "in use by another program (\(words(code)))")
    default: .failed(device: device, detail: "cannot be opened: \(words(code))")
    }
  }

  /// What an `errno` means for a device that was open already.
  static func using(_ code: Int32, device: String, doing: String) -> MediaError {
    switch code {
    case ENODEV, ENXIO: .failed(device: device, detail: "it was unplugged (\(words(code)))")
    case EBUSY: .failed(device: device, detail: "in use by another program (\(words(code)))")
    default: .failed(device: device, detail: "\(doing): \(words(code))")
    }
  }

  /// The system's words for an `errno`.
  static func words(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}
