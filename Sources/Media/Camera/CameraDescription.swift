import Frames
import Glibc

/// A camera of this machine, for a person to choose from.
public struct CameraDescription: Sendable, Equatable {
  /// What `--camera` takes, such as "/dev/video0".
  public var path: String
  /// What its driver calls it; for one that cannot be opened, why not.
  public var name: String
  /// What it offers of that which is understood, such as "YUYV 640x480 at 30". Empty for one that cannot be opened.
  public var modes: [String]

  /// Every video device of this machine that is a camera, or may be one but cannot be opened.
  public static func all() -> [CameraDescription] {
    paths().compactMap { path in
      do throws(MediaError) {
        let device = try V4L2Device(path: path)
        return CameraDescription(path: path, name: device.card, modes: describe(device))
      } catch {
        // Metadata and output nodes open well and are no cameras: these are not listed.
        if case .failed = error { return nil }
        return CameraDescription(path: path, name: "\(error)", modes: [])
      }
    }
  }

  /// The first device that is a camera.
  /// - Throws: ``MediaError/notFound(device:detail:)`` when there is none, or why those there are cannot be opened.
  static func firstPath() throws(MediaError) -> String {
    var reason = MediaError.notFound(device: "camera", detail: "this machine has no /dev/video device")
    for path in paths() {
      do throws(MediaError) { return try V4L2Device(path: path).path } catch {
        if case .permissionDenied = reason { continue }
        reason = error
      }
    }
    throw reason
  }

  private static func paths() -> [String] {
    guard let folder = opendir("/dev") else { return [] }
    defer { closedir(folder) }
    var numbers: [Int] = []
    while let entry = readdir(folder) {
      let name = V4L2Device.text(entry.pointee.d_name)
      if name.hasPrefix("video"), let number = Int(name.dropFirst(5)) { numbers.append(number) }
    }
    return numbers.sorted().map { "/dev/video\($0)" }
  }

  private static func describe(_ device: V4L2Device) -> [String] {
    var lines: [String] = []
    let usual = VideoSize(width: 640, height: 480)
    var last: CameraMode?
    for mode in device.modes(near: usual, rate: 30) where !mode.isEmulated {
      // Of the rates of one size, which follow each other, the highest.
      if let before = last, before.format == mode.format, before.size == mode.size {
        if before.rate ?? 0 >= mode.rate ?? 0 { continue }
        lines.removeLast()
      }
      let rate = mode.rate.map { " at \(Int($0.rounded()))" } ?? ""
      lines.append("\(mode.format.rawValue) \(mode.size)\(rate)")
      last = mode
    }
    return lines
  }
}
