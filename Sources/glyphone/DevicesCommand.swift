import ArgumentParser
import Media

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "List the cameras, microphones and loudspeakers of this machine.")

  func run() {
    list(
      "Cameras (--camera)",
      CameraDescription.all().map { ($0.path, ([$0.name] + $0.modes).joined(separator: "\n      ")) })
    list("Microphones (--microphone)", SoundDeviceDescription.microphones().map { ($0.name, $0.description) })
    list("Loudspeakers (--speaker)", SoundDeviceDescription.speakers().map { ($0.name, $0.description) })
  }

  private func list(_ title: String, _ devices: [(name: String, detail: String)]) {
    print(title)
    if devices.isEmpty { print("  none found") }
    for device in devices { print("  \(device.name)  \(device.detail)") }
  }
}
