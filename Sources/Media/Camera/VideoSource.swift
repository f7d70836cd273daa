public import Frames

/// A camera: pictures are pulled from it by one thread, at the pace of the source.
///
/// Opened by ``CameraChoice/open(size:framesPerSecond:)``; the device is closed when the last reference goes away.
public protocol VideoSource: AnyObject, Sendable {
  /// What a person knows it by: "/dev/video0", "test pattern", "clip.y4m".
  var name: String { get }
  /// The size of its pictures. A camera that lies about it may deliver another: each frame carries its own.
  var size: VideoSize { get }
  /// Waits for the next picture. Called by one thread only. `VideoFrame.time` says when it was taken.
  /// - Returns: nil when the source was stopped, for ever after.
  /// - Throws: the first time, why there will be no more pictures; calling again is allowed and fails again.
  func next() throws(MediaError) -> VideoFrame?
  /// Ends a waiting ``next()`` and all that come. May be called from any thread, more than once.
  func stop()
}

/// What to send as picture, as `--camera` says it.
public enum CameraChoice: Sendable, Equatable {
  /// The first camera of this machine.
  case preferred
  /// The test pattern with its clock.
  case testPattern
  /// No picture.
  case off
  /// A V4L2 device, by path.
  case device(String)
  /// A Y4M file, played in a loop.
  case file(String)

  /// Reads "default", "test", "none", a number N (for /dev/videoN), a device's path, or a file's path ending in ".y4m".
  /// - Throws: ``MediaError/notFound(device:detail:)`` for anything else, saying what would be understood.
  public static func parse(_ text: String) throws(MediaError) -> CameraChoice {
    switch text {
    case "default": return .preferred
    case "test": return .testPattern
    case "none": return .off
    case _ where text.lowercased().hasSuffix(".y4m"): return .file(text)
    case _ where text.hasPrefix("/"): return .device(text)
    default:
      guard let number = UInt8(text) else {
        throw .notFound(
          device: "camera \"\(text)\"", detail: "give a device such as /dev/video0, \"test\", \"none\", or a .y4m file")
      }
      return .device("/dev/video\(number)")
    }
  }

  /// Opens the camera.
  /// - Parameters:
  ///   - size: what is wanted; a device gives the nearest it has, a file its own.
  ///   - framesPerSecond: what is wanted, 1...240; a device gives the nearest it has, a file its own.
  /// - Returns: nil for ``off``.
  /// - Throws: why it cannot be had, ``MediaError/notFound(device:detail:)`` and so on.
  public func open(
    size: VideoSize = VideoSize(width: 640, height: 480), framesPerSecond: Int = 30
  ) throws(MediaError) -> (any VideoSource)? {
    switch self {
    case .off: nil
    case .testPattern: try TestPatternCamera(size: size, framesPerSecond: framesPerSecond)
    case .file(let path): try Y4MCamera(path: path)
    case .device(let path): try V4L2Camera(path: path, size: size, framesPerSecond: framesPerSecond)
    case .preferred:
      try V4L2Camera(path: CameraDescription.firstPath(), size: size, framesPerSecond: framesPerSecond)
    }
  }
}

extension CameraChoice: CustomStringConvertible {
  public var description: String {
    switch self {
    case .preferred: "default"
    case .testPattern: "test"
    case .off: "none"
    case .device(let path), .file(let path): path
    }
  }
}
