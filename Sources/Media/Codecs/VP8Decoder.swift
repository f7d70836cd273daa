import CVPX
public import Frames
public import NIOCore

/// Decompresses VP8 (RFC 6386). Whatever a peer sends gives a picture, nil or an error, and the decoder goes on with the
/// next key frame. Used by one thread at a time.
public final class VP8Decoder {
  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private let pool = VideoFramePool(keep: 6)
  /// Without a key frame there is nothing that a delta frame could refer to.
  private var hasReference = false

  /// - Throws: ``MediaError/failed(device:detail:)`` when libvpx refuses.
  public init() throws(MediaError) {
    context = .allocate(capacity: 1)
    context.initialize(to: vpx_codec_ctx_t())
    var configuration = vpx_codec_dec_cfg_t(threads: 1, w: 0, h: 0)
    let result = vp8_decoder_open(context, &configuration)
    if result != VPX_CODEC_OK { throw VPX.error(result, context, Self.name, "open") }
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  /// Decodes one whole frame.
  /// - Parameters:
  ///   - payload: the readable bytes are the frame.
  ///   - time: given to the picture, as when it is to be shown.
  /// - Returns: the picture, or nil for a frame that is not to be shown.
  /// - Throws: ``MediaError/failed(device:detail:)`` when the frame cannot be decoded, is larger than
  ///   ``VideoSize/largest``, or comes before any key frame. A key frame should then be requested.
  public func decode(_ payload: ByteBuffer, time: NIODeadline) throws(MediaError) -> VideoFrame? {
    // Read from the frame header (RFC 6386 §9.1) before libvpx allocates what a key frame asks for.
    guard let header = VP8FrameHeader(payload) else {
      throw .failed(device: Self.name, detail: "not a VP8 frame (\(payload.readableBytes) bytes)")
    }
    if let size = header.keyFrameSize {
      guard size.isValid else { throw .failed(device: Self.name, detail: "refused a picture of \(size)") }
    } else if !hasReference {
      throw .failed(device: Self.name, detail: "no key frame yet")
    }

    let result = payload.withUnsafeReadableBytes { bytes in
      vpx_codec_decode(context, bytes.bindMemory(to: UInt8.self).baseAddress, UInt32(bytes.count), nil, 0)
    }
    guard result == VPX_CODEC_OK else {
      hasReference = false
      throw VPX.error(result, context, Self.name, "decode")
    }
    hasReference = true

    var iterator: vpx_codec_iter_t?
    guard let image = vpx_codec_get_frame(context, &iterator) else { return nil }
    var corrupted: Int32 = 0
    if vp8_control_read(context, Int32(VP8D_GET_FRAME_CORRUPTED.rawValue), &corrupted) == VPX_CODEC_OK, corrupted != 0 {
      hasReference = false
      throw .failed(device: Self.name, detail: "damaged frame")
    }
    return try VPX.copy(image.pointee, to: pool, time: time, device: Self.name)
  }

  private static let name = "VP8 decoder"
}

/// The first bytes of a VP8 frame (RFC 6386 §9.1).
struct VP8FrameHeader: Equatable {
  /// The size that a key frame states; nil for a delta frame.
  var keyFrameSize: VideoSize?

  /// Nil when the bytes cannot begin a frame.
  init?(_ payload: ByteBuffer) {
    let start = payload.readerIndex
    guard payload.readableBytes >= 3, let tag = payload.getInteger(at: start, as: UInt8.self) else { return nil }
    guard tag & 1 == 0 else { return }
    guard let startCode = payload.getBytes(at: start + 3, length: 3), startCode == [0x9d, 0x01, 0x2a],
      let width = payload.getInteger(at: start + 6, endianness: .little, as: UInt16.self),
      let height = payload.getInteger(at: start + 8, endianness: .little, as: UInt16.self)
    else { return nil }
    // The two top bits are a scaling hint for the display, not part of the size.
    keyFrameSize = VideoSize(width: Int(width & 0x3fff), height: Int(height & 0x3fff))
  }
}
