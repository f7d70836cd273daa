import CV4L2
import Frames
import Glibc
import NIOCore

/// A camera's stream of pictures in buffers that the driver shares with us.
final class V4L2Stream {
  /// A picture that the driver has lent.
  struct Picture {
    /// Valid until given back.
    var bytes: UnsafeBufferPointer<UInt8>
    /// When it was taken.
    var time: NIODeadline
    /// The driver says that the picture is damaged.
    var isMarkedBad: Bool
    fileprivate var index: UInt32
  }

  enum Dequeued {
    case picture(Picture)
    /// Nothing just now.
    case nothing
    /// The stream is broken, for the given `errno`; a restart may help.
    case broken(Int32)
  }

  let device: V4L2Device
  let format: PixelFormat
  let size: VideoSize
  /// Bytes from one row of the first plane to the next.
  let stride: Int
  /// Whether samples use 0...255.
  let isFullRange: Bool

  private var buffers: [UnsafeMutableRawBufferPointer] = []
  private var type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue

  private static let wantedBuffers: UInt32 = 4
  private static let mostBuffers: UInt32 = 32

  /// Puts the camera into the mode nearest to what is wanted, and maps its buffers.
  init(_ device: V4L2Device, size wanted: VideoSize, rate: Int, only: PixelFormat?) throws(MediaError) {
    self.device = device
    let modes = device.modes(near: wanted, rate: Double(rate)).filter { only == nil || $0.format == only }
    // libv4l2 can make I420 of everything that it knows itself.
    let mode =
      CameraMode.best(of: modes, size: wanted, rate: Double(rate))
      ?? CameraMode(format: only ?? .i420, isEmulated: true, size: wanted, rate: nil)

    var request = v4l2_format()
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    request.fmt.pix.width = UInt32(mode.size.width)
    request.fmt.pix.height = UInt32(mode.size.height)
    request.fmt.pix.pixelformat = mode.format.code
    request.fmt.pix.field = V4L2_FIELD_NONE.rawValue
    try device.require(V4L2_S_FMT, &request, "cannot be set to \(mode.format.rawValue) \(mode.size)")

    // The driver changes what it cannot do, and the answer is what counts.
    let answer = request.fmt.pix
    size = VideoSize(width: Int(answer.width), height: Int(answer.height))
    guard let format = PixelFormat(code: answer.pixelformat), size.isValid else {
      let name = PixelFormat.name(of: answer.pixelformat)
      throw .failed(device: device.path, detail: "its pictures are \(size) in format \(name), which is not understood")
    }
    self.format = format
    stride = max(Int(answer.bytesperline), format.leastStride(width: size.width))
    isFullRange =
      answer.quantization == V4L2_QUANTIZATION_FULL_RANGE.rawValue
      || answer.quantization == V4L2_QUANTIZATION_DEFAULT.rawValue && answer.colorspace == V4L2_COLORSPACE_JPEG.rawValue
    setRate(mode.rate ?? Double(rate))
    try map()
  }

  deinit {
    stopStreaming()
    for buffer in buffers { v4l2_munmap(buffer.baseAddress, buffer.count) }
  }

  func start() throws(MediaError) {
    for index in buffers.indices { try queue(UInt32(index)) }
    try device.require(V4L2_STREAMON, &type, "cannot be started")
  }

  func restart() throws(MediaError) {
    stopStreaming()
    try start()
  }

  func dequeue() throws(MediaError) -> Dequeued {
    var buffer = Self.buffer(0)
    guard device.request(V4L2_DQBUF, &buffer) else {
      switch errno {
      case EAGAIN: return .nothing
      case EIO, EPIPE, EINVAL: return .broken(errno)
      default: throw .using(errno, device: device.path, doing: "taking a picture")
      }
    }
    guard buffers.indices.contains(Int(buffer.index)) else {
      throw .failed(device: device.path, detail: "it gave buffer \(buffer.index) of \(buffers.count)")
    }
    let memory = buffers[Int(buffer.index)]
    let used = min(Int(buffer.bytesused), memory.count)
    return .picture(
      Picture(
        bytes: UnsafeBufferPointer(start: memory.bindMemory(to: UInt8.self).baseAddress, count: used),
        time: Self.time(of: buffer), isMarkedBad: buffer.flags & UInt32(V4L2_BUF_FLAG_ERROR) != 0, index: buffer.index))
  }

  func giveBack(_ picture: Picture) throws(MediaError) { try queue(picture.index) }

  // MARK: Setting up

  /// A camera that cannot is left at its own rate.
  private func setRate(_ rate: Double) {
    var request = v4l2_streamparm()
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    request.parm.capture.timeperframe = v4l2_fract(numerator: 1000, denominator: UInt32((rate * 1000).rounded()))
    _ = device.request(V4L2_S_PARM, &request)
  }

  private func map() throws(MediaError) {
    var request = v4l2_requestbuffers()
    request.count = Self.wantedBuffers
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    request.memory = V4L2_MEMORY_MMAP.rawValue
    try device.require(V4L2_REQBUFS, &request, "has no memory for pictures")
    guard (2...Self.mostBuffers).contains(request.count) else {
      throw .failed(device: device.path, detail: "it has memory for \(request.count) pictures")
    }
    for index in 0..<request.count {
      var buffer = Self.buffer(index)
      try device.require(V4L2_QUERYBUF, &buffer, "has no memory for pictures")
      let length = Int(buffer.length)
      let memory = v4l2_mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, device.descriptor, Int64(buffer.m.offset))
      guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else {
        throw .using(errno, device: device.path, doing: "has no memory for pictures")
      }
      buffers.append(UnsafeMutableRawBufferPointer(start: memory, count: length))
      let needed = format.bytes(stride: stride, height: size.height)
      guard length >= needed else {
        throw .failed(
          device: device.path,
          detail: "its buffers hold \(length) bytes, and a picture of \(size) in \(format.rawValue) takes \(needed)")
      }
    }
  }

  private func queue(_ index: UInt32) throws(MediaError) {
    var buffer = Self.buffer(index)
    try device.require(V4L2_QBUF, &buffer, "giving a picture back")
  }

  private func stopStreaming() { _ = device.request(V4L2_STREAMOFF, &type) }

  private static func buffer(_ index: UInt32) -> v4l2_buffer {
    var buffer = v4l2_buffer()
    buffer.index = index
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    buffer.memory = V4L2_MEMORY_MMAP.rawValue
    return buffer
  }

  /// The driver's time where it is of our clock and believable, else the present.
  private static func time(of buffer: v4l2_buffer) -> NIODeadline {
    let now = NIODeadline.now()
    guard buffer.flags & UInt32(V4L2_BUF_FLAG_TIMESTAMP_MASK) == UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC),
      let seconds = UInt64(exactly: buffer.timestamp.tv_sec), let micro = UInt64(exactly: buffer.timestamp.tv_usec),
      seconds < 1 << 33, micro < 1_000_000
    else { return now }
    let time = NIODeadline.uptimeNanoseconds(seconds * 1_000_000_000 + micro * 1000)
    return time <= now && now - time < .seconds(1) ? time : now
  }
}
