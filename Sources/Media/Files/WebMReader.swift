import Frames
import NIOCore

/// The frames of the first VP8 or VP9 track of a WebM (Matroska) file, RFC 9559.
///
/// An element that holds others is entered by simply reading on, so a file whose lengths are not known (a live recording)
/// needs no second way. Everything that is not needed is skipped by its length.
struct WebMReader: MovieContainer {
  let codec: MovieCodec
  let frameTime: TimeAmount?
  private let file: InputFile
  private let track: UInt64
  private var timeScale: (numerator: Int64, denominator: Int64)
  private var clusterTime: Int64 = 0

  static let magic: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3]
  /// A file with more tracks, or more elements before its first frame, is refused.
  private static let mostTracks = 64
  private static let mostElements = 100_000

  /// Reads up to the first cluster of frames.
  /// - Parameter file: at its begin.
  /// - Throws: ``MediaError/badFile(path:position:detail:)`` when it is none, or has no track that is understood.
  init(_ file: InputFile) throws(MediaError) {
    self.file = file
    var tracks: [Track] = []
    var nanosecondsPerTick: UInt64 = 1_000_000
    search: for _ in 0..<Self.mostElements {
      guard let element = try EBMLElement(file) else { break }
      switch element.id {
      case EBMLElement.trackEntry:
        if tracks.count >= Self.mostTracks { break search }
        tracks.append(Track())
      case EBMLElement.segment, EBMLElement.info, EBMLElement.tracks: break
      case EBMLElement.cluster: break search
      case EBMLElement.timestampScale: nanosecondsPerTick = try element.number(file)
      default:
        guard !tracks.isEmpty, try tracks[tracks.count - 1].take(element, file) else {
          try element.skip(file)
          continue
        }
      }
    }
    guard let found = tracks.first(where: { $0.codec != nil }), let codec = found.codec else {
      let names = tracks.map(\.codecName).joined(separator: ", ")
      let detail =
        names.isEmpty ? "it has no tracks" : "its tracks are \(names), and only V_VP8 and V_VP9 are understood"
      throw .badFile(path: file.path, position: file.position, detail: detail)
    }
    if found.isEncoded {
      throw .badFile(
        path: file.path, position: file.position, detail: "its video track is compressed or encrypted once more")
    }
    self.codec = codec
    track = found.number
    let duration = TimeAmount.nanoseconds(Int64(clamping: found.frameNanoseconds))
    frameTime = MovieTime.frameTimes.contains(duration) ? duration : nil
    timeScale = (Int64(clamping: nanosecondsPerTick), 1_000_000_000)
  }

  mutating func next(into payload: inout ByteBuffer) throws(MediaError) -> TimeAmount? {
    while let element = try EBMLElement(file) {
      switch element.id {
      case EBMLElement.segment, EBMLElement.cluster, EBMLElement.blockGroup: break
      case EBMLElement.timestamp: clusterTime = Int64(clamping: try element.number(file))
      case EBMLElement.simpleBlock, EBMLElement.block:
        if let time = try block(element, into: &payload) { return time }
      default: try element.skip(file)
      }
    }
    return nil
  }

  /// Reads a block of our track; nil for one of another.
  private func block(_ element: EBMLElement, into payload: inout ByteBuffer) throws(MediaError) -> TimeAmount? {
    let size = try element.knownSize(file)
    let start = file.position
    guard let number = try EBMLElement.variableNumber(file), let head = try file.read(count: 3) else {
      throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of a frame")
    }
    let headSize = file.position - start
    guard size >= headSize else {
      throw .badFile(path: file.path, position: start, detail: "a block here is shorter than its own head")
    }
    guard number == track else {
      try file.skip(size - headSize)
      return nil
    }
    guard head[2] & 0x06 == 0 else {
      throw .badFile(
        path: file.path, position: start, detail: "several frames in one block (lacing) are not understood")
    }
    try file.readFrame(size - headSize, into: &payload)
    let offset = Int64(Int16(bitPattern: UInt16(head[0]) << 8 | UInt16(head[1])))
    return MovieTime.scaled(clusterTime.addingReportingOverflow(offset).partialValue, by: timeScale)
  }

  /// What is told of a track.
  private struct Track {
    var number: UInt64 = 0
    var codecName = "without a codec"
    var frameNanoseconds: UInt64 = 0
    var isEncoded = false

    var codec: MovieCodec? {
      switch codecName {
      case "V_VP8": .vp8
      case "V_VP9": .vp9
      default: nil
      }
    }

    /// Takes an element if it is one of a track's; otherwise it is still to be skipped.
    mutating func take(_ element: EBMLElement, _ file: InputFile) throws(MediaError) -> Bool {
      switch element.id {
      case EBMLElement.trackNumber: number = try element.number(file)
      case EBMLElement.codecID: codecName = try element.text(file)
      case EBMLElement.defaultDuration: frameNanoseconds = try element.number(file)
      case EBMLElement.contentEncodings:
        isEncoded = true
        try element.skip(file)
      default: return false
      }
      return true
    }
  }
}

/// The head of an element of EBML (RFC 8794): what it is, and how long.
struct EBMLElement {
  static let segment: UInt64 = 0x1853_8067
  static let info: UInt64 = 0x1549_A966
  static let timestampScale: UInt64 = 0x2A_D7B1
  static let tracks: UInt64 = 0x1654_AE6B
  static let trackEntry: UInt64 = 0xAE
  static let trackNumber: UInt64 = 0xD7
  static let codecID: UInt64 = 0x86
  static let defaultDuration: UInt64 = 0x23_E383
  static let contentEncodings: UInt64 = 0x6D80
  static let cluster: UInt64 = 0x1F43_B675
  static let timestamp: UInt64 = 0xE7
  static let simpleBlock: UInt64 = 0xA3
  static let blockGroup: UInt64 = 0xA0
  static let block: UInt64 = 0xA1

  let id: UInt64
  /// Bytes of its contents; nil when unknown.
  let size: Int?

  /// Reads the head of the next element; nil where the file ends.
  init?(_ file: InputFile) throws(MediaError) {
    let start = file.position
    guard let first = try file.readByte() else { return nil }
    let length = first.leadingZeroBitCount + 1
    guard length <= 4 else {
      throw .badFile(path: file.path, position: start, detail: "an element should begin here, and does not")
    }
    guard let rest = try file.read(count: length - 1), let size = try Self.variableNumber(file) else {
      throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of an element")
    }
    id = rest.reduce(UInt64(first)) { $0 << 8 | UInt64($1) }
    self.size = size == .max ? nil : Int(clamping: size)
  }

  /// Reads a number of one to eight bytes whose first bit set tells how many; `UInt64.max` for "unknown", nil where the
  /// file ends.
  static func variableNumber(_ file: InputFile) throws(MediaError) -> UInt64? {
    let start = file.position
    guard let first = try file.readByte() else { return nil }
    let length = first.leadingZeroBitCount + 1
    guard length <= 8 else {
      throw .badFile(path: file.path, position: start, detail: "a length should be here, and is not")
    }
    guard let rest = try file.read(count: length - 1) else { return nil }
    // The marker bit is not part of it.
    let begin = length == 8 ? 0 : UInt64(first) & (0xFF >> UInt64(length))
    let value = rest.reduce(begin) { $0 << 8 | UInt64($1) }
    return value == UInt64(1) << UInt64(7 * length) - 1 ? .max : value
  }

  /// - Throws: when the element's length is left open, which only those that are entered may do.
  func knownSize(_ file: InputFile) throws(MediaError) -> Int {
    guard let size else {
      throw .badFile(path: file.path, position: file.position, detail: "an element's length is missing here")
    }
    return size
  }

  func skip(_ file: InputFile) throws(MediaError) {
    try file.skip(try knownSize(file))
  }

  /// Reads the contents as an unsigned number.
  func number(_ file: InputFile) throws(MediaError) -> UInt64 {
    guard (0...8).contains(try knownSize(file)) else {
      throw .badFile(path: file.path, position: file.position, detail: "a number here has \(size ?? 0) bytes")
    }
    return try contents(file).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Reads the contents as text, the first 64 bytes of it.
  func text(_ file: InputFile) throws(MediaError) -> String {
    let kept = min(try knownSize(file), 64)
    guard let bytes = try file.read(count: kept) else {
      throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of an element")
    }
    try file.skip(try knownSize(file) - kept)
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private func contents(_ file: InputFile) throws(MediaError) -> [UInt8] {
    guard let bytes = try file.read(count: try knownSize(file)) else {
      throw .badFile(path: file.path, position: file.position, detail: "it is cut short in the middle of an element")
    }
    return bytes
  }
}
