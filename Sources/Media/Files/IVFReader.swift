import Frames
import NIOCore

/// The frames of an IVF file: a header of 32 bytes, and before each frame its size and time.
struct IVFReader: MovieContainer {
  let codec: MovieCodec
  let frameTime: TimeAmount?
  private let file: InputFile
  private let timeScale: (numerator: Int64, denominator: Int64)

  static let magic = Array("DKIF".utf8)

  /// Reads the header.
  /// - Parameter file: at its begin.
  /// - Throws: ``MediaError/badFile(path:position:detail:)`` when it is none, or of a codec that is not understood.
  init(_ file: InputFile) throws(MediaError) {
    self.file = file
    guard let header = try file.read(count: 32), header.starts(with: Self.magic) else {
      throw .badFile(path: file.path, position: 0, detail: "not an IVF file: no header of 32 bytes")
    }
    let bytes = ByteBuffer(bytes: header)
    let name = String(decoding: header[8..<12], as: UTF8.self)
    guard let codec = MovieCodec(fourCC: name) else {
      throw .badFile(path: file.path, position: 8, detail: "its codec is \(name), and only VP8 and VP9 are understood")
    }
    self.codec = codec
    let length = Int(bytes.getInteger(at: 6, endianness: .little, as: UInt16.self) ?? 32)
    let rate = Int64(bytes.getInteger(at: 16, endianness: .little, as: UInt32.self) ?? 0)
    let scale = Int64(bytes.getInteger(at: 20, endianness: .little, as: UInt32.self) ?? 0)
    guard rate > 0, scale > 0 else {
      throw .badFile(path: file.path, position: 16, detail: "the header gives no frame rate")
    }
    timeScale = (scale, rate)
    let frame = MovieTime.scaled(1, by: timeScale)
    frameTime = MovieTime.frameTimes.contains(frame) ? frame : nil
    try file.skip(max(length - 32, 0))
  }

  mutating func next(into payload: inout ByteBuffer) throws(MediaError) -> TimeAmount? {
    let start = file.position
    guard let header = try file.read(count: 12) else {
      if file.position == start { return nil }
      throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of a frame")
    }
    let bytes = ByteBuffer(bytes: header)
    let size = Int(bytes.getInteger(at: 0, endianness: .little, as: UInt32.self) ?? 0)
    let time = bytes.getInteger(at: 4, endianness: .little, as: UInt64.self) ?? 0
    try file.readFrame(size, into: &payload)
    return MovieTime.scaled(Int64(clamping: time), by: timeScale)
  }
}
