import CALSA
import Frames
import Glibc
import NIOCore

/// An open ALSA PCM in the one format of Glyphone, not blocking; waiting is by poll(2), so that it can be ended.
final class ALSADevice {
  enum Direction { case capture, playback }

  let name: String
  let pcm: OpaquePointer
  /// Size of the device's buffer in samples.
  private(set) var bufferSamples = 0

  private let signal: StopSignal
  private let direction: Direction
  /// The stop signal first, then those of the device.
  private var descriptors: [pollfd] = []
  /// Recoveries since sound last went through.
  private var recoveries = 0

  /// A device that gives or takes no sound for so long has failed.
  static let patience = TimeAmount.seconds(3)
  private static let mostRecoveries = 20

  /// Opens the device as it is, or behind ALSA's converter where it does not do 48 kHz, mono, 16 bits itself.
  /// - Parameter bufferMilliseconds: what is wanted; the device has the last word.
  init(
    _ name: String, _ direction: Direction, bufferMilliseconds: Int, signal: StopSignal
  ) throws(MediaError) {
    Self.beQuiet
    self.name = name
    self.direction = direction
    self.signal = signal
    pcm = try Self.open(name, direction, bufferMilliseconds: bufferMilliseconds)
    var buffer: snd_pcm_uframes_t = 0
    var period: snd_pcm_uframes_t = 0
    guard snd_pcm_get_params(pcm, &buffer, &period) >= 0, buffer >= snd_pcm_uframes_t(2 * AudioFormat.periodSamples)
    else {
      throw .failed(device: name, detail: "its buffer holds less than two periods of 20 ms")
    }
    bufferSamples = Int(buffer)
    descriptors = Self.descriptors(of: pcm, signal: signal)
  }

  deinit {
    snd_pcm_drop(pcm)
    snd_pcm_close(pcm)
  }

  // MARK: Software parameters

  /// - Parameters:
  ///   - available: samples to be read or room to be written that end a wait.
  ///   - start: samples queued at which playback begins by itself.
  func setThresholds(available: Int, start: Int) throws(MediaError) {
    var parameters: OpaquePointer?
    try check(snd_pcm_sw_params_malloc(&parameters), "set up")
    defer { snd_pcm_sw_params_free(parameters) }
    try check(snd_pcm_sw_params_current(pcm, parameters), "set up")
    try check(snd_pcm_sw_params_set_avail_min(pcm, parameters, snd_pcm_uframes_t(available)), "set up")
    try check(snd_pcm_sw_params_set_start_threshold(pcm, parameters, snd_pcm_uframes_t(start)), "set up")
    try check(snd_pcm_sw_params(pcm, parameters), "set up")
  }

  // MARK: While running

  /// Waits until the device has something to say.
  /// - Returns: false when stopped.
  /// - Throws: when nothing happens for too long.
  func wait() throws(MediaError) -> Bool {
    switch signal.wait(for: &descriptors, until: .now() + Self.patience) {
    case .stopped: return false
    case .timedOut: throw stalled()
    case .ready:
      // Some plug-ins need to look at their descriptors, or poll would return at once for ever.
      var events: UInt16 = 0
      descriptors.withUnsafeMutableBufferPointer { all in
        _ = snd_pcm_poll_descriptors_revents(pcm, all.baseAddress.map { $0 + 1 }, UInt32(all.count - 1), &events)
      }
      return true
    }
  }

  /// Sets the device going again after what a call returned: an overrun or underrun, or a suspended machine.
  /// - Throws: when it cannot be helped.
  func recover(_ code: Int) throws(MediaError) {
    recoveries += 1
    let result = snd_pcm_recover(pcm, Int32(code), 1)
    guard result >= 0, recoveries <= Self.mostRecoveries else {
      throw .using(-Int32(code), device: name, doing: direction == .capture ? "recording" : "playing")
    }
    if direction == .capture { try check(snd_pcm_start(pcm), "start") }
  }

  /// Nothing has happened for ``patience``.
  func stalled() -> MediaError {
    let word = direction == .capture ? "gives" : "takes"
    return .failed(
      device: name, detail: "it \(word) no sound (for \(Self.patience.nanoseconds / 1_000_000_000) seconds)")
  }

  /// Sound has gone through.
  func noteProgress() { recoveries = 0 }

  /// Samples between here and the loudspeaker or microphone; 0 when the device does not know.
  var queuedSamples: Int {
    var samples: snd_pcm_sframes_t = 0
    guard snd_pcm_delay(pcm, &samples) >= 0 else { return 0 }
    // A device that makes this up shall not send times into another year.
    return min(max(samples, 0), AudioFormat.sampleRate)
  }

  /// How long so many samples last.
  static func duration(of samples: Int) -> TimeAmount {
    .nanoseconds(Int64(samples) * 1_000_000_000 / Int64(AudioFormat.sampleRate))
  }

  func check(_ code: Int32, _ doing: @autoclosure () -> String) throws(MediaError) {
    if code < 0 { throw .using(-code, device: name, doing: doing()) }
  }

  // MARK: Opening

  private static let beQuiet: Void = snd_lib_be_quiet()

  private static func open(
    _ name: String, _ direction: Direction, bufferMilliseconds: Int
  ) throws(MediaError) -> OpaquePointer {
    let stream = direction == .capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK
    var last: Int32 = 0
    for candidate in [name, "plug:'\(name)'"] {
      var pcm: OpaquePointer?
      let code = snd_pcm_open(&pcm, candidate, stream, SND_PCM_NONBLOCK)
      guard code >= 0, let pcm else { throw .opening(-code, device: name) }
      last = configure(pcm, bufferMilliseconds: bufferMilliseconds)
      if last >= 0 { return pcm }
      snd_pcm_close(pcm)
    }
    throw .failed(
      device: name, detail: "it does not do 48 kHz sound with 16 bits (\(String(cString: snd_strerror(last))))")
  }

  private static func configure(_ pcm: OpaquePointer, bufferMilliseconds: Int) -> Int32 {
    var parameters: OpaquePointer?
    guard snd_pcm_hw_params_malloc(&parameters) >= 0 else { return -ENOMEM }
    defer { snd_pcm_hw_params_free(parameters) }
    var period = snd_pcm_uframes_t(AudioFormat.periodSamples)
    var buffer = snd_pcm_uframes_t(AudioFormat.sampleRate / 1000 * bufferMilliseconds)
    let steps: [() -> Int32] = [
      { snd_pcm_hw_params_any(pcm, parameters) },
      { snd_pcm_hw_params_set_access(pcm, parameters, SND_PCM_ACCESS_RW_INTERLEAVED) },
      { snd_pcm_hw_params_set_format(pcm, parameters, SND_PCM_FORMAT_S16) },
      { snd_pcm_hw_params_set_channels(pcm, parameters, 1) },
      { snd_pcm_hw_params_set_rate(pcm, parameters, UInt32(AudioFormat.sampleRate), 0) },
      { snd_pcm_hw_params_set_period_size_near(pcm, parameters, &period, nil) },
      { snd_pcm_hw_params_set_buffer_size_near(pcm, parameters, &buffer) },
      { snd_pcm_hw_params(pcm, parameters) },
    ]
    for step in steps {
      let code = step()
      if code < 0 { return code }
    }
    return 0
  }

  private static func descriptors(of pcm: OpaquePointer, signal: StopSignal) -> [pollfd] {
    let count = max(snd_pcm_poll_descriptors_count(pcm), 0)
    var own = [pollfd](repeating: pollfd(), count: Int(count))
    let filled = snd_pcm_poll_descriptors(pcm, &own, UInt32(count))
    return [signal.descriptor] + own.prefix(Int(max(filled, 0)))
  }
}
