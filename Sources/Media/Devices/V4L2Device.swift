import CV4L2
import Frames
import Glibc

/// An open V4L2 device and the requests made of it.
final class V4L2Device {
  let path: String
  let descriptor: Int32
  /// What the driver calls the camera.
  let card: String

  /// - Throws: MDN's three cases; ``MediaError/failed(device:detail:)`` when it is something else than a camera.
  init(path: String) throws(MediaError) {
    Self.beQuiet
    self.path = path
    descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw .opening(errno, device: path) }
    // Until libv4l2 is told of the descriptor it passes requests on as they are. It gets to see cameras only: about
    // others its plug-ins complain on the terminal.
    var capability = v4l2_capability()
    guard Self.request(descriptor, V4L2_QUERYCAP, &capability) else {
      let code = errno
      v4l2_close(descriptor)
      throw .failed(device: path, detail: "not a camera (\(MediaError.words(code)))")
    }
    // From here on all properties are set, and deinit closes the descriptor.
    card = Self.text(capability.card)
    let all = capability.capabilities
    let own = all & UInt32(V4L2_CAP_DEVICE_CAPS) != 0 ? capability.device_caps : all
    guard own & UInt32(V4L2_CAP_VIDEO_CAPTURE) != 0 else {
      throw .failed(device: path, detail: "not a camera (\(card) captures no pictures here)")
    }
    guard own & UInt32(V4L2_CAP_STREAMING) != 0 else {
      throw .failed(device: path, detail: "\(card) cannot stream")
    }
    guard v4l2_fd_open(descriptor, 0) == descriptor else { throw .opening(errno, device: path) }
  }

  deinit { v4l2_close(descriptor) }

  /// Makes a request; `errno` says why when it fails.
  func request<Argument>(_ code: UInt, _ argument: inout Argument) -> Bool {
    Self.request(descriptor, code, &argument)
  }

  /// Makes a request that has to succeed.
  func require<Argument>(_ code: UInt, _ argument: inout Argument, _ doing: String) throws(MediaError) {
    guard request(code, &argument) else { throw .using(errno, device: path, doing: doing) }
  }

  private static let beQuiet: Void = v4l2_be_quiet()

  private static func request<Argument>(_ descriptor: Int32, _ code: UInt, _ argument: inout Argument) -> Bool {
    while true {
      if withUnsafeMutablePointer(to: &argument, { v4l2_request(descriptor, code, $0) }) >= 0 { return true }
      if errno != EINTR { return false }
    }
  }

  /// A fixed-size C string.
  static func text<Tuple>(_ tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension V4L2Device {
  /// What an enumeration may list at most; a driver could go on for ever.
  private static let longestList: UInt32 = 256

  /// The pixel formats that the camera says it has.
  func pixelFormats() -> [(code: UInt32, isEmulated: Bool)] {
    var formats: [(code: UInt32, isEmulated: Bool)] = []
    for index in 0..<Self.longestList {
      var entry = v4l2_fmtdesc()
      entry.index = index
      entry.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
      guard request(V4L2_ENUM_FMT, &entry) else { break }
      formats.append((entry.pixelformat, entry.flags & UInt32(V4L2_FMT_FLAG_EMULATED) != 0))
    }
    return formats
  }

  /// The sizes it says it has in a format; with a range of sizes, the one nearest to `wanted`.
  func sizes(of format: UInt32, near wanted: VideoSize) -> [VideoSize] {
    var sizes: [VideoSize] = []
    for index in 0..<Self.longestList {
      var entry = v4l2_frmsizeenum()
      entry.index = index
      entry.pixel_format = format
      guard request(V4L2_ENUM_FRAMESIZES, &entry) else { break }
      if entry.type == V4L2_FRMSIZE_TYPE_DISCRETE.rawValue {
        sizes.append(VideoSize(width: Int(entry.discrete.width), height: Int(entry.discrete.height)))
      } else {
        let range = entry.stepwise
        sizes.append(
          VideoSize(
            width: Self.nearest(wanted.width, range.min_width, range.max_width, range.step_width),
            height: Self.nearest(wanted.height, range.min_height, range.max_height, range.step_height)))
        break
      }
    }
    return sizes.filter(\.isValid)
  }

  /// The frame rates it says it has in a format and size; with a range of rates, the one nearest to `wanted`.
  func frameRates(of format: UInt32, size: VideoSize, near wanted: Double) -> [Double] {
    var rates: [Double] = []
    for index in 0..<Self.longestList {
      var entry = v4l2_frmivalenum()
      entry.index = index
      entry.pixel_format = format
      entry.width = UInt32(size.width)
      entry.height = UInt32(size.height)
      guard request(V4L2_ENUM_FRAMEINTERVALS, &entry) else { break }
      if entry.type == V4L2_FRMIVAL_TYPE_DISCRETE.rawValue {
        rates.append(Self.rate(entry.discrete))
      } else {
        let slowest = Self.rate(entry.stepwise.max)
        rates.append(min(max(wanted, slowest), max(Self.rate(entry.stepwise.min), slowest)))
        break
      }
    }
    return rates.filter { $0 > 0 }
  }

  private static func nearest(_ wanted: Int, _ least: UInt32, _ most: UInt32, _ step: UInt32) -> Int {
    let bounded = min(max(wanted, Int(least)), max(Int(most), Int(least)))
    return Int(least) + (bounded - Int(least)) / max(Int(step), 1) * max(Int(step), 1)
  }

  private static func rate(_ interval: v4l2_fract) -> Double {
    interval.numerator == 0 ? 0 : Double(interval.denominator) / Double(interval.numerator)
  }
}
