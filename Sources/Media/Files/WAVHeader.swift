import Frames

/// What a WAV file says about its samples: the chunks before the sound itself.
struct WAVHeader: Equatable {
  enum Encoding: Equatable { case unsigned8, signed16, signed24, signed32, float32, float64 }

  var encoding: Encoding
  var channels: Int
  /// Samples a second and channel.
  var sampleRate: Int
  /// Where the samples are in the file, in bytes.
  var dataOffset: Int
  /// Bytes of samples as the header states it; nil when it leaves that open, as a recorder does that is still at work.
  var dataLength: Int?

  static let sampleRates = 1000...384_000
  static let channelCounts = 1...32
  /// A file with more chunks before its samples is refused.
  static let mostChunks = 1000

  var bytesPerSample: Int {
    switch encoding {
    case .unsigned8: 1
    case .signed16: 2
    case .signed24: 3
    case .signed32, .float32: 4
    case .float64: 8
    }
  }

  /// Bytes of one sample of every channel.
  var bytesPerFrame: Int { bytesPerSample * channels }

  /// Reads the header and leaves the file at its first sample.
  /// - Throws: ``MediaError/badFile(path:position:detail:)``, naming what is wrong.
  init(_ file: InputFile) throws(MediaError) {
    guard let riff = try file.read(count: 12), riff.starts(with: "RIFF".utf8), riff[8...].starts(with: "WAVE".utf8)
    else {
      throw .badFile(path: file.path, position: 0, detail: "not a WAV file: no RIFF and WAVE at its begin")
    }
    var format: Format?
    for _ in 0..<Self.mostChunks {
      let start = file.position
      guard let chunk = try file.read(count: 8) else {
        throw .badFile(path: file.path, position: start, detail: "it ends before its sound")
      }
      let size = Int(Self.integer(chunk[4...], bytes: 4))
      if chunk.starts(with: "data".utf8) {
        guard let format else {
          throw .badFile(path: file.path, position: start, detail: "the sound comes before its format")
        }
        self.init(format, dataOffset: file.position, statedLength: size)
        return
      }
      if chunk.starts(with: "fmt ".utf8) {
        format = try Format(file, size: size)
      }
      // Chunks begin at even offsets.
      try file.seek(to: start + 8 + size + size % 2)
    }
    throw .badFile(path: file.path, position: file.position, detail: "it has too many chunks")
  }

  private init(_ format: Format, dataOffset: Int, statedLength: Int) {
    encoding = format.encoding
    channels = format.channels
    sampleRate = format.sampleRate
    self.dataOffset = dataOffset
    // Recorders that cannot seek back, or were killed, leave one of these.
    let isOpen = statedLength == 0 || statedLength >= 0x7fff_f000
    dataLength = isOpen ? nil : statedLength
  }

  /// The "fmt " chunk.
  private struct Format {
    var encoding: Encoding
    var channels: Int
    var sampleRate: Int

    init(_ file: InputFile, size: Int) throws(MediaError) {
      let start = file.position
      guard size >= 16, let bytes = try file.read(count: min(size, 40)) else {
        throw .badFile(path: file.path, position: start, detail: "its format chunk is cut short")
      }
      func field(_ offset: Int, _ count: Int) -> Int { Int(WAVHeader.integer(bytes[offset...], bytes: count)) }
      var tag = field(0, 2)
      channels = field(2, 2)
      sampleRate = field(4, 4)
      let blockAlign = field(12, 2)
      let bits = field(14, 2)
      // WAVE_FORMAT_EXTENSIBLE has the real tag at the begin of its GUID.
      if tag == 0xfffe, bytes.count >= 26 { tag = field(24, 2) }
      switch (tag, bits) {
      case (1, 8): encoding = .unsigned8
      case (1, 16): encoding = .signed16
      case (1, 24): encoding = .signed24
      case (1, 32): encoding = .signed32
      case (3, 32): encoding = .float32
      case (3, 64): encoding = .float64
      default:
        throw .badFile(
          path: file.path, position: start,
          detail:
            "its samples are of format \(tag) with \(bits) bits; PCM of 8, 16, 24 and 32 bits and float are understood")
      }
      guard channelCounts.contains(channels), sampleRates.contains(sampleRate), blockAlign == channels * bits / 8 else {
        throw .badFile(
          path: file.path, position: start,
          detail: "impossible format: \(channels) channels, \(sampleRate) Hz, \(blockAlign) bytes a frame")
      }
    }
  }

  private static func integer(_ bytes: ArraySlice<UInt8>, bytes count: Int) -> UInt32 {
    bytes.prefix(count).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension WAVHeader.Encoding {
  /// One sample as -1...1 (float files may go beyond, or be no number at all; that reads as silence).
  func sample(_ bytes: UnsafeRawPointer) -> Float {
    switch self {
    case .unsigned8: (Float(bytes.load(as: UInt8.self)) - 128) / 128
    case .signed16: Float(Int16(littleEndian: bytes.loadUnaligned(as: Int16.self))) / 32768
    case .signed24:
      Float(
        Int32(bytes.load(fromByteOffset: 2, as: Int8.self)) << 16
          | Int32(bytes.load(fromByteOffset: 1, as: UInt8.self)) << 8 | Int32(bytes.load(as: UInt8.self))) / 8_388_608
    case .signed32: Float(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))) / 2_147_483_648
    case .float32: Self.finite(Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))))
    case .float64: Self.finite(Float(Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)))))
    }
  }

  private static func finite(_ value: Float) -> Float { value.isFinite ? min(max(value, -4), 4) : 0 }
}
