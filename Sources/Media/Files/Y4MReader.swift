import Frames

/// The frames of a Y4M file, one after the other.
final class Y4MReader {
  let header: Y4MHeader
  private let file: InputFile
  private let pool = VideoFramePool(keep: 6)

  /// Reads the header.
  /// - Parameter file: at its begin.
  /// - Throws: ``MediaError/badFile(path:position:detail:)`` when it is not a Y4M file that is understood.
  init(_ file: InputFile) throws(MediaError) {
    self.file = file
    let start = file.position
    guard let line = try Self.line(of: file) else {
      throw .badFile(path: file.path, position: start, detail: "it is cut short: there is nothing in it")
    }
    do throws(Y4MHeader.Problem) { header = try Y4MHeader(line: line) } catch {
      throw .badFile(path: file.path, position: start, detail: error.words)
    }
  }

  /// The next frame; nil where the file ends.
  func next() throws(MediaError) -> VideoFrame? {
    let start = file.position
    guard let line = try Self.line(of: file) else { return nil }
    guard line.starts(with: "FRAME".utf8), line.count == 5 || line[5] == UInt8(ascii: " ") else {
      throw .badFile(path: file.path, position: start, detail: "a frame should begin here, and does not")
    }
    let frame = pool.take(header.size)
    try readPlane(frame.y, width: frame.width, height: frame.height, stride: frame.yStride)
    try readPlane(frame.u, width: frame.chromaWidth, height: frame.chromaHeight, stride: frame.uvStride)
    try readPlane(frame.v, width: frame.chromaWidth, height: frame.chromaHeight, stride: frame.uvStride)
    if header.isFullRange { frame.limitRange() }
    return frame
  }

  private func readPlane(
    _ plane: UnsafeMutablePointer<UInt8>, width: Int, height: Int, stride: Int
  ) throws(MediaError) {
    for row in 0..<height {
      let line = UnsafeMutableRawBufferPointer(start: plane + row * stride, count: width)
      guard try file.read(into: line) == width else {
        throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of a frame")
      }
    }
  }

  /// Reads to the next line feed and leaves that out; nil when the file ends here.
  private static func line(of file: InputFile) throws(MediaError) -> [UInt8]? {
    let start = file.position
    var line: [UInt8] = []
    while line.count <= Y4MHeader.longestLine {
      guard let byte = try file.readByte() else {
        if line.isEmpty { return nil }
        throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of a line")
      }
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
    throw .badFile(path: file.path, position: start, detail: "a line here is longer than any of a Y4M file")
  }
}
