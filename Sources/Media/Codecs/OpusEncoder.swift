import COpus
public import Frames
import NIOCore

/// Compresses sound as Opus (RFC 6716) for speech: 48 kHz, mono, 20 ms, with in-band error correction. Used by one thread
/// at a time.
public final class OpusEncoder {
  /// Bit rates that the encoder takes; others are moved to the nearer end.
  public static let bitrates = 6_000...256_000
  /// The most bytes that one packet of 20 ms takes (RFC 6716 §3.2.1).
  static let largestPacket = 1275

  /// The RTP timestamp of the next period, in units of 1/48000 s. Grows by one period with each; set it to leave a gap.
  public var timestamp: UInt32 = 0

  private let encoder: OpaquePointer
  private let scratch: UnsafeMutablePointer<UInt8>
  private var packets = ByteBufferRing()

  /// - Parameters:
  ///   - bitrate: in bit/s, kept within ``bitrates``.
  ///   - expectedLoss: lost packets in percent, 0...100, that the error correction shall be ready for.
  /// - Throws: ``MediaError/failed(device:detail:)`` when libopus refuses.
  public init(bitrate: Int = 32_000, expectedLoss: Int = 10) throws(MediaError) {
    var code: Int32 = 0
    guard let encoder = opus_encoder_create(Int32(AudioFormat.sampleRate), 1, OPUS_APPLICATION_VOIP, &code) else {
      throw Opus.error(code, "encoder", "open")
    }
    self.encoder = encoder
    scratch = .allocate(capacity: Self.largestPacket)
    try set(OPUS_SET_SIGNAL_REQUEST, OPUS_SIGNAL_VOICE)
    try set(OPUS_SET_COMPLEXITY_REQUEST, 5)
    try set(OPUS_SET_INBAND_FEC_REQUEST, 1)
    try setBitrate(bitrate)
    try setExpectedLoss(expectedLoss)
  }

  deinit {
    opus_encoder_destroy(encoder)
    scratch.deallocate()
  }

  /// Changes the target, in bit/s; kept within ``bitrates``.
  public func setBitrate(_ bitsPerSecond: Int) throws(MediaError) {
    let bitrate = min(max(bitsPerSecond, Self.bitrates.lowerBound), Self.bitrates.upperBound)
    try set(OPUS_SET_BITRATE_REQUEST, Int32(bitrate))
  }

  /// Says how many packets in a hundred are lost, 0...100: the more, the more bits go into error correction.
  public func setExpectedLoss(_ percent: Int) throws(MediaError) {
    try set(OPUS_SET_PACKET_LOSS_PERC_REQUEST, Int32(min(max(percent, 0), 100)))
  }

  /// Encodes one period and measures its level.
  /// - Throws: ``MediaError/failed(device:detail:)`` when libopus refuses.
  public func encode(_ period: borrowing AudioPeriod) throws(MediaError) -> EncodedAudioFrame {
    precondition(period.samples.count == AudioFormat.periodSamples, "a period of \(period.samples.count) samples")
    let size = period.samples.withUnsafeBufferPointer { samples in
      samples.baseAddress.map { opus_encode(encoder, $0, Int32(samples.count), scratch, Int32(Self.largestPacket)) }
        ?? 0
    }
    guard size > 0 else { throw Opus.error(size, "encoder", "encode") }
    defer { timestamp &+= UInt32(AudioFormat.periodSamples) }
    return EncodedAudioFrame(
      payload: packets.buffer(holding: UnsafeRawBufferPointer(start: scratch, count: Int(size))),
      timestamp: timestamp, level: AudioLevel.measure(period.samples), time: period.time)
  }

  private func set(_ request: Int32, _ value: Int32) throws(MediaError) {
    let code = opus_encoder_set(encoder, request, value)
    if code != OPUS_OK { throw Opus.error(code, "encoder", "set \(request)") }
  }
}

enum Opus {
  /// libopus's own words for what it did not like.
  static func error(_ code: Int32, _ part: String, _ doing: String) -> MediaError {
    let words = opus_strerror(code).map { String(cString: $0) } ?? "error \(code)"
    return .failed(device: "Opus \(part)", detail: "\(doing): \(words)")
  }
}
