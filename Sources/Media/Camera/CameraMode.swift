import Frames
import Glibc

/// One way in which a camera can be run.
struct CameraMode: Equatable {
  var format: PixelFormat
  /// Whether libv4l2 makes the format out of one that we do not know.
  var isEmulated: Bool
  var size: VideoSize
  /// Frames a second; nil when the camera does not say.
  var rate: Double?

  /// The mode that serves best.
  /// - Parameter wanted: size and rate to be near to.
  static func best(of modes: [CameraMode], size: VideoSize, rate: Double) -> CameraMode? {
    modes.map { ($0, $0.cost(size: size, rate: rate)) }.min { $0.1 < $1.1 }?.0
  }

  /// How far the mode is from what is wanted: a picture of half the area costs as much as a third of the frame rate.
  private func cost(size wanted: VideoSize, rate wantedRate: Double) -> Double {
    let area = Double(size.width * size.height) / Double(wanted.width * wanted.height)
    let shape = Double(size.width * wanted.height) / Double(size.height * wanted.width)
    var cost = abs(log2(area)) + 2 * abs(log2(shape))
    if let rate {
      // Too many frames only cost processor time.
      cost += rate < wantedRate ? 3 * (1 - rate / wantedRate) : 0.05 * (rate / wantedRate - 1)
    }
    switch format {
    case .yuyv, .uyvy, .nv12, .nv21, .i420, .yv12, .i422: break
    case .mjpeg, .jpeg: cost += 0.3
    case .grey: cost += 3
    }
    return cost + (isEmulated ? 1 : 0)
  }
}

extension V4L2Device {
  /// Everything that the camera offers and we understand. Where it is silent on sizes, the wanted one is assumed.
  func modes(near wanted: VideoSize, rate: Double) -> [CameraMode] {
    var modes: [CameraMode] = []
    for entry in pixelFormats() {
      guard let format = PixelFormat(code: entry.code) else { continue }
      let sizes = sizes(of: entry.code, near: wanted)
      for size in sizes.isEmpty ? [wanted] : sizes {
        let rates = frameRates(of: entry.code, size: size, near: rate)
        if rates.isEmpty {
          modes.append(CameraMode(format: format, isEmulated: entry.isEmulated, size: size, rate: nil))
        }
        for rate in rates {
          modes.append(CameraMode(format: format, isEmulated: entry.isEmulated, size: size, rate: rate))
        }
      }
    }
    return modes
  }
}
