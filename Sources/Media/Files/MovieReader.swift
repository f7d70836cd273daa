public import Frames
public import NIOCore

/// The pictures of a file, one after the other: Y4M, or VP8 or VP9 in IVF or WebM (Matroska). Used by one thread at a time.
///
/// A file that is cut short or damaged gives the pictures before that place, and then an error that names it.
public final class MovieReader {
  /// How long a picture is shown where the file tells; otherwise their times do.
  public let frameTime: TimeAmount?
  private let source: Source

  private enum Source {
    case pictures(Y4MReader)
    case coded(CodedPictures)
  }

  /// - Parameter path: a file or a pipe; `-` is standard input.
  /// - Throws: ``MediaError`` when it cannot be opened or is of no kind that is understood.
  public init(path: String) throws(MediaError) {
    let file = try InputFile(path: path, allowsStreams: true)
    let magic = try file.peek(count: 4)
    if magic.starts(with: Y4MHeader.magic.utf8.prefix(4)) {
      let reader = try Y4MReader(file)
      let rate = reader.header.rate
      frameTime = .nanoseconds(Int64(1_000_000_000) * Int64(rate.denominator) / Int64(rate.numerator))
      source = .pictures(reader)
    } else if magic == IVFReader.magic {
      let container = try IVFReader(file)
      frameTime = container.frameTime
      source = .coded(try CodedPictures(container))
    } else if magic == WebMReader.magic {
      let container = try WebMReader(file)
      frameTime = container.frameTime
      source = .coded(try CodedPictures(container))
    } else {
      throw .badFile(
        path: path, position: 0, detail: "neither Y4M, IVF nor WebM: those are the files that can be played")
    }
  }

  /// The next picture; its ``VideoFrame/time`` counts from the begin of the file. Nil where that ends.
  public func next() throws(MediaError) -> VideoFrame? {
    switch source {
    case .pictures(let reader):
      guard let frame = try reader.next() else { return nil }
      frame.time = .uptimeNanoseconds(UInt64(count) &* UInt64(frameTime?.nanoseconds ?? 0))
      count += 1
      return frame
    case .coded(let pictures):
      return try pictures.next()
    }
  }

  private var count = 0
}

/// How the pictures of a file are compressed.
enum MovieCodec {
  case vp8, vp9

  init?(fourCC: String) {
    switch fourCC {
    case "VP80": self = .vp8
    case "VP90": self = .vp9
    default: return nil
    }
  }
}

/// A file format that holds compressed frames.
protocol MovieContainer {
  var codec: MovieCodec { get }
  /// How long a frame is shown, where the file tells.
  var frameTime: TimeAmount? { get }
  /// Reads the next frame and returns its time from the begin; nil where the file ends.
  mutating func next(into payload: inout ByteBuffer) throws(MediaError) -> TimeAmount?
}

enum MovieTime {
  /// Times of a frame that are believed.
  static let frameTimes = TimeAmount.milliseconds(2)...TimeAmount.seconds(10)

  /// Ticks as time, where one is `numerator/denominator` seconds; 0 for what is before the begin or beyond belief.
  static func scaled(_ ticks: Int64, by scale: (numerator: Int64, denominator: Int64)) -> TimeAmount {
    let wide = ticks.multipliedFullWidth(by: scale.numerator)
    let seconds = Double(wide.high) * 18_446_744_073_709_551_616 + Double(wide.low)
    let nanoseconds = seconds / Double(scale.denominator) * 1_000_000_000
    guard (0...1e15).contains(nanoseconds) else { return .zero }
    return .nanoseconds(Int64(nanoseconds.rounded()))
  }
}

/// Frames out of a container and through the decoder.
private final class CodedPictures {
  private enum Decoder {
    case vp8(VP8Decoder)
    case vp9(VP9Decoder)
  }

  private var container: any MovieContainer
  private let decoder: Decoder
  private var payload = ByteBuffer()

  init(_ container: any MovieContainer) throws(MediaError) {
    self.container = container
    switch container.codec {
    case .vp8: decoder = .vp8(try VP8Decoder())
    case .vp9: decoder = .vp9(try VP9Decoder())
    }
  }

  /// The next frame that is to be shown.
  func next() throws(MediaError) -> VideoFrame? {
    while let offset = try container.next(into: &payload) {
      let time = NIODeadline.uptimeNanoseconds(UInt64(max(offset.nanoseconds, 0)))
      let frame =
        switch decoder {
        case .vp8(let decoder): try decoder.decode(payload, time: time)
        case .vp9(let decoder): try decoder.decode(payload, time: time)
        }
      if let frame { return frame }
    }
    return nil
  }
}

extension InputFile {
  /// No compressed frame is larger, in bytes.
  static let largestFrame = 1 << 24

  /// Reads a compressed frame.
  /// - Throws: ``MediaError/badFile(path:position:detail:)`` when it is larger than any, or the file ends in it.
  func readFrame(_ size: Int, into payload: inout ByteBuffer) throws(MediaError) {
    guard (0...Self.largestFrame).contains(size) else {
      throw .badFile(path: path, position: position, detail: "a frame of \(size) bytes is not believable")
    }
    payload.clear(minimumCapacity: size)
    var failure: MediaError?
    let count = payload.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
      do throws(MediaError) { return try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(size))) } catch
      {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard count == size else {
      throw .badFile(path: path, position: position, detail: "it is cut short in the middle of a frame")
    }
  }
}
