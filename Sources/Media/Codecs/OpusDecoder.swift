import COpus
public import Frames
public import NIOCore

/// Decompresses Opus (RFC 6716) to mono, whatever the peer sends: mono or stereo, packets of 2.5 ms to 120 ms. Used by one
/// thread at a time.
///
/// What is decoded queues up inside, and is taken out period by period, so that packets need not be as long as periods:
///
///     try decoder.decode(packet)                  // or decodeFEC(_:), or conceal()
///     while decoder.take(into: &period) { ... }
public final class OpusDecoder {
  /// Samples in the longest packet, 120 ms (RFC 6716 §2.1.4).
  static let longestPacket = 5760

  /// Samples decoded and not yet taken. At most 240 ms; beyond that the oldest are dropped.
  public private(set) var queuedSamples = 0

  private let decoder: OpaquePointer
  private let queue: UnsafeMutablePointer<Int16>

  /// - Throws: ``MediaError/failed(device:detail:)`` when libopus refuses.
  public init() throws(MediaError) {
    var code: Int32 = 0
    guard let decoder = opus_decoder_create(Int32(AudioFormat.sampleRate), 1, &code) else {
      throw Opus.error(code, "decoder", "open")
    }
    self.decoder = decoder
    queue = .allocate(capacity: 2 * Self.longestPacket)
  }

  deinit {
    opus_decoder_destroy(decoder)
    queue.deallocate()
  }

  /// How much sound a packet holds, in samples at 48 kHz; nil when it is not an Opus packet. The bytes are only looked at.
  public static func samples(in packet: ByteBuffer) -> Int? {
    guard packet.readableBytes > 0 else { return nil }
    let count = packet.withUnsafeReadableBytes { bytes in
      bytes.bindMemory(to: UInt8.self).baseAddress.map {
        opus_packet_get_nb_samples($0, Int32(clamping: bytes.count), Int32(AudioFormat.sampleRate))
      } ?? 0
    }
    return (1...longestPacket).contains(Int(count)) ? Int(count) : nil
  }

  /// Decodes a packet and queues its sound.
  /// - Returns: how many samples it held.
  /// - Throws: ``MediaError/failed(device:detail:)`` when it is not an Opus packet; nothing is queued then.
  @discardableResult
  public func decode(_ packet: ByteBuffer) throws(MediaError) -> Int {
    guard packet.readableBytes > 0 else { throw .failed(device: "Opus decoder", detail: "an empty packet") }
    return try run("decode", packet: packet, samples: Self.longestPacket, useFEC: false)
  }

  /// Queues the sound of a lost packet as the packet after it holds it in its error correction, or concealment where it
  /// holds none. Then ``decode(_:)`` that next packet.
  /// - Parameter samples: the length of what was lost.
  public func decodeFEC(_ next: ByteBuffer, samples: Int = AudioFormat.periodSamples) throws(MediaError) {
    guard next.readableBytes > 0 else { return try conceal(samples: samples) }
    try run("decode the error correction", packet: next, samples: samples, useFEC: true)
  }

  /// Queues sound that fills the hole of a lost packet, fading out when there are several.
  /// - Parameter samples: how much, at most ``AudioFormat/sampleRate`` / 8; rounded to a multiple of 2.5 ms.
  public func conceal(samples: Int = AudioFormat.periodSamples) throws(MediaError) {
    try run("conceal", packet: nil, samples: samples, useFEC: false)
  }

  /// Moves one period of sound out of the queue. Leaves `period.time` alone.
  /// - Returns: false when less than one period is queued; `period` is then as it was.
  public func take(into period: inout AudioPeriod) -> Bool {
    let count = AudioFormat.periodSamples
    guard queuedSamples >= count, period.samples.count == count else { return false }
    let queue = queue
    period.samples.withUnsafeMutableBufferPointer { samples in
      samples.baseAddress?.update(from: queue, count: count)
    }
    discard(count)
    return true
  }

  @discardableResult
  private func run(_ doing: String, packet: ByteBuffer?, samples: Int, useFEC: Bool) throws(MediaError) -> Int {
    // libopus takes multiples of 2.5 ms for what is to be made up.
    let wanted = min(max(samples / 120, 1) * 120, Self.longestPacket)
    discard(queuedSamples + wanted - 2 * Self.longestPacket)
    let output = queue + queuedSamples
    let count: Int32
    if let packet {
      count = packet.withUnsafeReadableBytes { bytes in
        opus_decode(
          decoder, bytes.bindMemory(to: UInt8.self).baseAddress, Int32(clamping: bytes.count), output, Int32(wanted),
          useFEC ? 1 : 0)
      }
    } else {
      count = opus_decode(decoder, nil, 0, output, Int32(wanted), 0)
    }
    guard count > 0 else { throw Opus.error(count, "decoder", doing) }
    queuedSamples += Int(count)
    return Int(count)
  }

  /// Forgets the oldest samples; none if `count` is not positive.
  private func discard(_ count: Int) {
    guard count > 0 else { return }
    let rest = max(queuedSamples - count, 0)
    queue.update(from: queue + (queuedSamples - rest), count: rest)
    queuedSamples = rest
  }
}
