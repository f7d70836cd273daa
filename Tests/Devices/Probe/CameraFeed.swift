import Glibc
import Media

/// What a camera made of a program shows, and what there is to choose from.
enum CameraFeed {
  /// `feed DEVICE SECONDS FILE...`: writes the files in turn as pictures, 15 a second.
  static func run(_ arguments: [String]) throws -> String {
    let device = open(try arguments.text(0), O_WRONLY)
    guard device >= 0 else { throw Failure("cannot open \(try arguments.text(0))") }
    defer { close(device) }
    let pictures = try arguments.dropFirst(2).map { path in
      guard let file = fopen(path, "rb") else { throw Failure("cannot open \(path)") }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }
    guard !pictures.isEmpty else { throw Failure("no pictures") }
    for index in 0..<Int(try arguments.number(1)) * 15 {
      let picture = pictures[index % pictures.count]
      guard write(device, picture, picture.count) == picture.count else { throw Failure("cannot write a picture") }
      if index == 0 { say("ready") }
      usleep(66_667)
    }
    return "fed"
  }
}

enum Listing {
  /// `list`: what `glyphone devices` shows.
  static func run(_ arguments: [String]) throws -> String {
    var lines: [String] = []
    for camera in CameraDescription.all() {
      lines.append("camera \(camera.path) \(camera.name): \(camera.modes.prefix(6).joined(separator: ", "))")
    }
    for device in SoundDeviceDescription.microphones() {
      lines.append("microphone \(device.name): \(device.description)")
    }
    for device in SoundDeviceDescription.speakers() { lines.append("speaker \(device.name): \(device.description)") }
    return lines.joined(separator: "\n")
  }
}
