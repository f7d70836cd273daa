import Frames
import Glibc
import Media
import NIOCore

enum CameraChecks {
  /// The middles of vivid's eight 75 % colour bars as (Y, U, V), within one.
  private static let bars: [[Int]] = [
    [180, 128, 128], [161, 44, 141], [131, 156, 44], [112, 72, 58], [83, 183, 197], [65, 99, 211], [34, 211, 114],
    [16, 128, 128],
  ]

  private static func open(_ arguments: [String]) throws -> V4L2Camera {
    let sides = try arguments.text(1).split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2 else { throw Failure("\(try arguments.text(1)) is not a size") }
    let name = arguments.count > 3 ? arguments[3] : "any"
    return try V4L2Camera(
      path: arguments.text(0), size: VideoSize(width: sides[0], height: sides[1]),
      framesPerSecond: Int(arguments.number(2)), only: name == "any" ? nil : PixelFormat(rawValue: name))
  }

  /// `picture DEVICE WxH FPS FORMAT|any TOLERANCE`: size, colour bars and frame rate are as they should be.
  static func picture(_ arguments: [String]) throws -> String {
    let camera = try open(arguments)
    let tolerance = Int(try arguments.number(4))
    guard "\(camera.size)" == (try arguments.text(1)) else { throw Failure("pictures of \(camera.size)") }
    guard let first = try camera.next() else { throw Failure("no first picture") }
    try checkBars(first, tolerance)

    let wanted = try arguments.number(2)
    var times: [NIODeadline] = []
    while times.count < 40, let frame = try camera.next() { times.append(frame.time) }
    guard let start = times.first, let end = times.last, times.count == 40 else { throw Failure("pictures ended") }
    guard zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) else { throw Failure("times go backwards") }
    let rate = Double(times.count - 1) * 1e9 / Double((end - start).nanoseconds)
    // The machine is emulated: now and then a picture is late.
    guard rate > wanted * 0.6, rate < wanted * 1.1 else { throw Failure("\(rate) pictures a second, not \(wanted)") }
    return "\(camera.size), \(Int(rate.rounded())) pictures a second, colours right"
  }

  private static func checkBars(_ frame: VideoFrame, _ tolerance: Int) throws {
    for (index, wanted) in bars.enumerated() {
      let x = frame.width * (2 * index + 1) / 16
      let y = frame.height * 3 / 4
      let seen = [
        Int(frame.y[y * frame.yStride + x]), Int(frame.u[y / 2 * frame.uvStride + x / 2]),
        Int(frame.v[y / 2 * frame.uvStride + x / 2]),
      ]
      guard zip(seen, wanted).allSatisfy({ abs($0 - $1) <= tolerance }) else {
        throw Failure("bar \(index) is \(seen) and should be \(wanted)")
      }
    }
  }

  /// `watch DEVICE WxH FPS FORMAT|any SECONDS`: prints "ready" at the first picture, then how many there were or the error
  /// that ended them.
  static func watch(_ arguments: [String]) throws -> String {
    let camera = try open(arguments)
    let end = NIODeadline.now() + .seconds(Int64(try arguments.number(4)))
    var count = 0
    var lastSecond = 0
    do {
      while NIODeadline.now() < end, try camera.next() != nil {
        if count == 0 { say("ready") }
        count += 1
        if end - .now() < .seconds(1) { lastSecond += 1 }
      }
    } catch {
      return "ended after \(count > 0 ? "some" : "no") pictures: \(error)"
    }
    return lastSecond > 0 ? "pictures to the end" : "pictures stopped"
  }

  /// `refuse camera|microphone|speaker DEVICE [unprivileged]`: opening fails; prints the error.
  static func refuse(_ arguments: [String]) throws -> String {
    let device = try arguments.text(1)
    if arguments.count > 2 { guard setuid(65534) == 0 else { throw Failure("cannot give up root") } }
    do throws(MediaError) {
      switch arguments[0] {
      case "camera": _ = try CameraChoice.device(device).open()
      case "microphone": _ = try MicrophoneChoice.device(device).open()
      default: _ = try SpeakerChoice.device(device).open()
      }
    } catch {
      return "\(error)"
    }
    throw Failure("\(device) was opened")
  }

  /// `stop-camera DEVICE WxH FPS`: a wait for a picture that does not come ends when another thread says so.
  static func stop(_ arguments: [String]) throws -> String {
    let camera = try open(arguments)
    return try StopCheck.run(stop: camera.stop) { while try camera.next() != nil {} }
  }
}

/// Stops something that waits on a thread of its own.
enum StopCheck {
  /// - Parameter wait: returns when stopped.
  static func run(stop: @escaping @Sendable () -> Void, wait: () throws -> Void) throws -> String {
    let stopper = Stopper(stop)
    var thread = pthread_t()
    pthread_create(&thread, nil, Stopper.main, Unmanaged.passRetained(stopper).toOpaque())
    try wait()
    let returned = NIODeadline.now()
    pthread_join(thread, nil)
    let late = returned - stopper.stopped
    guard late < .milliseconds(500) else { throw Failure("it took \(late.nanoseconds / 1_000_000) ms to stop") }
    return "stopped at once"
  }

  /// Says stop after a second, and when that was.
  private final class Stopper: @unchecked Sendable {
    // @unchecked: `stopped` is written by the thread and read after it was joined.
    private let stop: @Sendable () -> Void
    private(set) var stopped = NIODeadline.uptimeNanoseconds(0)

    init(_ stop: @escaping @Sendable () -> Void) { self.stop = stop }

    static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      guard let argument else { return nil }
      let stopper = Unmanaged<Stopper>.fromOpaque(argument).takeRetainedValue()
      sleep(1)
      stopper.stopped = .now()
      stopper.stop()
      return nil
    }
  }
}
