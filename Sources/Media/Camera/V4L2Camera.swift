import CV4L2
public import Frames
import Glibc
import NIOCore

/// A V4L2 camera, through libv4l2: pictures are taken from the driver's own memory, converted once, and given back.
///
/// Cameras lie. Pictures that are short, damaged or marked as such are skipped; when no good one comes for some seconds,
/// or the device goes away, ``next()`` says so.
public final class V4L2Camera: VideoSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name: String
  public let size: VideoSize

  private let stream: V4L2Stream
  private let pool = VideoFramePool(keep: 6)
  private let signal: StopSignal
  private var descriptors: [pollfd]
  /// Pictures that follow the last one sooner are left out: some cameras have only rates that are too high.
  private let shortestInterval: TimeAmount
  private var lastTime: NIODeadline?
  private var restarts = 0
  /// What was wrong with the last bad picture.
  private var complaint: String?

  /// The first picture may take long: cameras measure the light before.
  private static let patience = TimeAmount.seconds(5)
  private static let mostRestarts = 3

  /// Opens the camera in the mode nearest to what is wanted, and starts it.
  /// - Throws: MDN's three cases.
  public convenience init(path: String, size: VideoSize, framesPerSecond: Int) throws(MediaError) {
    try self.init(path: path, size: size, framesPerSecond: framesPerSecond, only: nil)
  }

  /// - Parameter format: the only one to be used, for tests of each.
  package init(
    path: String, size wanted: VideoSize, framesPerSecond: Int, only format: PixelFormat?
  ) throws(MediaError) {
    name = path
    signal = try StopSignal(for: path)
    stream = try V4L2Stream(V4L2Device(path: path), size: wanted, rate: framesPerSecond, only: format)
    size = stream.size
    descriptors = [signal.descriptor, pollfd(fd: stream.device.descriptor, events: Int16(POLLIN), revents: 0)]
    shortestInterval = .nanoseconds(1_000_000_000 * 3 / 4 / Int64(max(framesPerSecond, 1)))
    try stream.start()
  }

  public func next() throws(MediaError) -> VideoFrame? {
    let deadline = NIODeadline.now() + Self.patience
    while true {
      switch signal.wait(for: &descriptors, until: deadline) {
      case .stopped: return nil
      case .timedOut: throw failure()
      case .ready: break
      }
      if let frame = try take() { return frame }
      // A camera that always has something, but never anything good, does not time out by itself.
      if deadline <= .now() { throw failure() }
    }
  }

  public func stop() { signal.stop() }

  private func failure() -> MediaError {
    let seconds = Self.patience.nanoseconds / 1_000_000_000
    let why = complaint.map { "only damaged pictures (\($0))" } ?? "no picture"
    return .failed(device: name, detail: "\(why) for \(seconds) seconds")
  }

  /// Takes a picture from the driver; nil when there is none, or none to be shown.
  private func take() throws(MediaError) -> VideoFrame? {
    switch try stream.dequeue() {
    case .nothing: return nil
    case .broken(let code):
      // EIO ends many streams that a restart brings back.
      guard restarts < Self.mostRestarts else { throw .using(code, device: name, doing: "taking a picture") }
      restarts += 1
      try stream.restart()
      return nil
    case .picture(let picture):
      let frame = convert(picture)
      try stream.giveBack(picture)
      if frame != nil {
        restarts = 0
        complaint = nil
      }
      return frame
    }
  }

  private func convert(_ picture: V4L2Stream.Picture) -> VideoFrame? {
    if picture.isMarkedBad {
      complaint = "marked by its driver"
      return nil
    }
    var frameSize = size
    if stream.format.isCompressed {
      guard let stated = PixelFormat.jpegSize(picture.bytes) else {
        complaint = "no JPEG"
        return nil
      }
      frameSize = stated
    }
    if let lastTime, picture.time - lastTime < shortestInterval, picture.time >= lastTime { return nil }
    let frame = pool.take(frameSize)
    guard stream.format.convert(picture.bytes, stride: stream.stride, into: frame) else {
      complaint =
        stream.format.isCompressed
        ? "a JPEG of \(picture.bytes.count) bytes that cannot be decoded"
        : "\(picture.bytes.count) bytes instead of \(stream.format.bytes(stride: stream.stride, height: size.height))"
      return nil
    }
    if stream.isFullRange, !stream.format.isCompressed { frame.limitRange() }
    frame.time = picture.time
    lastTime = picture.time
    return frame
  }
}
