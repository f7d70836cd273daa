import CVPX
public import Frames
import NIOCore

/// Compresses pictures as VP8 (RFC 6386) for a live call: no look-ahead, constant bit rate, pictures dropped rather than
/// queued. Used by one thread at a time.
public final class VP8Encoder {
  /// Bit rates that the encoder takes; others are moved to the nearer end.
  public static let bitrates = 30_000...20_000_000

  /// The size of the pictures being encoded. Follows the pictures given to ``encode(_:forceKeyFrame:)``.
  public private(set) var size: VideoSize
  /// The target in bit/s.
  public private(set) var bitrate: Int
  /// The rate that the encoder plans with, in pictures a second.
  public let framesPerSecond: Int

  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private var configuration = vpx_codec_enc_cfg_t()
  private var packets = ByteBufferRing()
  private var lastTime: vpx_codec_pts_t = -1
  /// A key frame that was asked for stays wanted when the rate control drops the picture.
  private var keyFrameWanted = true

  /// - Parameters:
  ///   - size: of the first picture.
  ///   - bitrate: in bit/s, kept within ``bitrates``.
  ///   - framesPerSecond: 1...240.
  /// - Throws: ``MediaError/failed(device:detail:)`` when libvpx refuses.
  public init(size: VideoSize, bitrate: Int, framesPerSecond: Int = 30) throws(MediaError) {
    self.size = size
    self.bitrate = Self.clamp(bitrate)
    self.framesPerSecond = min(max(framesPerSecond, 1), 240)
    context = .allocate(capacity: 1)
    context.initialize(to: vpx_codec_ctx_t())
    try open()
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  /// Changes the target while running; no key frame follows from it.
  public func setBitrate(_ bitsPerSecond: Int) throws(MediaError) {
    let wanted = Self.clamp(bitsPerSecond)
    guard wanted != bitrate else { return }
    bitrate = wanted
    configuration.rc_target_bitrate = UInt32(bitrate / 1000)
    try check(vpx_codec_enc_config_set(context, &configuration), "set the bit rate")
  }

  /// Encodes one picture. The first one, and the first of another size, becomes a key frame.
  /// - Parameters:
  ///   - frame: its `time` gives the RTP timestamp, and should grow from picture to picture.
  ///   - forceKeyFrame: make this one, or the next that is not dropped, a key frame.
  /// - Returns: nil when the rate control dropped the picture.
  /// - Throws: ``MediaError/failed(device:detail:)`` when libvpx refuses.
  public func encode(_ frame: VideoFrame, forceKeyFrame: Bool = false) throws(MediaError) -> EncodedVideoFrame? {
    let frameSize = VideoSize(width: frame.width, height: frame.height)
    if frameSize != size {
      size = frameSize
      vpx_codec_destroy(context)
      try open()
    }
    keyFrameWanted = keyFrameWanted || forceKeyFrame

    let ticks = RTPClock.videoTicks(frame.time)
    lastTime = max(lastTime + 1, vpx_codec_pts_t(ticks))
    var image = Self.image(of: frame)
    let flags = keyFrameWanted ? vpx_enc_frame_flags_t(VPX_EFLAG_FORCE_KF) : 0
    let duration = UInt(RTPClock.videoRate / framesPerSecond)
    try check(vpx_codec_encode(context, &image, lastTime, duration, flags, UInt(VPX_DL_REALTIME)), "encode")

    var iterator: vpx_codec_iter_t?
    while let packet = vpx_codec_get_cx_data(context, &iterator) {
      guard packet.pointee.kind == VPX_CODEC_CX_FRAME_PKT, let bytes = vpx_packet_bytes(packet) else { continue }
      let isKeyFrame = vpx_packet_is_key(packet) != 0
      if isKeyFrame { keyFrameWanted = false }
      let payload = packets.buffer(holding: UnsafeRawBufferPointer(start: bytes, count: vpx_packet_size(packet)))
      return EncodedVideoFrame(
        payload: payload, isKeyFrame: isKeyFrame, timestamp: UInt32(truncatingIfNeeded: ticks), time: frame.time)
    }
    return nil
  }

  private func open() throws(MediaError) {
    guard size.isValid else { throw .failed(device: Self.name, detail: "cannot encode a picture of \(size)") }
    context.pointee = vpx_codec_ctx_t()
    try check(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &configuration, 0), "configure")
    configuration.g_w = UInt32(size.width)
    configuration.g_h = UInt32(size.height)
    configuration.g_timebase = vpx_rational_t(num: 1, den: Int32(RTPClock.videoRate))
    configuration.g_threads = size.width * size.height > 640 * 480 ? 2 : 1
    configuration.g_lag_in_frames = 0
    configuration.g_error_resilient = vpx_codec_er_flags_t(VPX_ERROR_RESILIENT_DEFAULT)
    configuration.g_pass = VPX_RC_ONE_PASS
    configuration.rc_end_usage = VPX_CBR
    configuration.rc_target_bitrate = UInt32(bitrate / 1000)
    // The quantizer may go as coarse as it likes before pictures are dropped, but not as fine as to waste bits on noise.
    configuration.rc_min_quantizer = 4
    configuration.rc_max_quantizer = 56
    configuration.rc_undershoot_pct = 100
    configuration.rc_overshoot_pct = 15
    // Milliseconds of the target rate that a network queue may hold: the encoder's own model of it.
    configuration.rc_buf_initial_sz = 300
    configuration.rc_buf_optimal_sz = 400
    configuration.rc_buf_sz = 600
    configuration.rc_dropframe_thresh = 25
    // Key frames come when a receiver asks for one, not by the clock.
    configuration.kf_mode = VPX_KF_DISABLED
    try check(vp8_encoder_open(context, &configuration), "open")
    // Negative: a fixed speed rather than one that follows the machine's load, so that quality does not wander.
    try set(VP8E_SET_CPUUSED, size.width * size.height > 352 * 288 ? -8 : -5)
    try set(VP8E_SET_STATIC_THRESHOLD, 1)
    try set(VP8E_SET_TOKEN_PARTITIONS, 0)
    // A key frame may cost as much as half the buffer drains in: percent of an average picture's bits.
    try set(VP8E_SET_MAX_INTRA_BITRATE_PCT, max(300, 400 * framesPerSecond / 20))
    keyFrameWanted = true
  }

  private func set(_ control: vp8e_enc_control_id, _ value: Int32) throws(MediaError) {
    try check(vp8_control(context, Int32(control.rawValue), value), "set control \(control.rawValue)")
  }

  private func set(_ control: vp8e_enc_control_id, _ value: Int) throws(MediaError) {
    try set(control, Int32(clamping: value))
  }

  private func check(_ result: vpx_codec_err_t, _ doing: @autoclosure () -> String) throws(MediaError) {
    if result != VPX_CODEC_OK { throw VPX.error(result, context, Self.name, doing()) }
  }

  private static let name = "VP8 encoder"

  private static func clamp(_ bitrate: Int) -> Int {
    min(max(bitrate, bitrates.lowerBound), bitrates.upperBound)
  }

  /// libvpx's view of the frame, without a copy.
  private static func image(of frame: VideoFrame) -> vpx_image_t {
    var image = vpx_image_t()
    vpx_img_wrap(&image, VPX_IMG_FMT_I420, UInt32(frame.width), UInt32(frame.height), 1, frame.y)
    image.planes = (frame.y, frame.u, frame.v, nil)
    image.stride = (Int32(frame.yStride), Int32(frame.uvStride), Int32(frame.uvStride), 0)
    return image
  }
}
