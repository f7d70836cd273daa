import CVPX
public import Frames
public import NIOCore

/// Decompresses VP9, for files that are played. Used by one thread at a time.
public final class VP9Decoder {
  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private let pool = VideoFramePool(keep: 6)
  private static let name = "VP9 decoder"

  /// - Throws: ``MediaError/failed(device:detail:)`` when libvpx refuses.
  public init() throws(MediaError) {
    context = .allocate(capacity: 1)
    context.initialize(to: vpx_codec_ctx_t())
    var configuration = vpx_codec_dec_cfg_t(threads: 1, w: 0, h: 0)
    let result = vp9_decoder_open(context, &configuration)
    if result != VPX_CODEC_OK { throw VPX.error(result, context, Self.name, "open") }
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  /// Decodes one whole frame or superframe.
  /// - Returns: the picture, or nil when there is none to be shown.
  /// - Throws: ``MediaError/failed(device:detail:)`` when it cannot be decoded, or is larger than ``VideoSize/largest``,
  ///   or of another profile than 0.
  public func decode(_ payload: ByteBuffer, time: NIODeadline) throws(MediaError) -> VideoFrame? {
    let (result, stated) = payload.withUnsafeReadableBytes { bytes -> (vpx_codec_err_t, VideoSize?) in
      let start = bytes.bindMemory(to: UInt8.self).baseAddress
      // Asked before libvpx allocates what a key frame wants.
      var information = vpx_codec_stream_info_t()
      information.sz = UInt32(MemoryLayout<vpx_codec_stream_info_t>.size)
      if vp9_peek(start, UInt32(bytes.count), &information) == VPX_CODEC_OK, information.w > 0 {
        let size = VideoSize(width: Int(information.w), height: Int(information.h))
        guard size.isValid else { return (VPX_CODEC_OK, size) }
      }
      return (vpx_codec_decode(context, start, UInt32(bytes.count), nil, 0), nil)
    }
    if let stated { throw .failed(device: Self.name, detail: "refused a picture of \(stated)") }
    guard result == VPX_CODEC_OK else { throw VPX.error(result, context, Self.name, "decode") }
    var iterator: vpx_codec_iter_t?
    guard let image = vpx_codec_get_frame(context, &iterator) else { return nil }
    return try VPX.copy(image.pointee, to: pool, time: time, device: Self.name)
  }
}
