import CALSA
public import Frames
public import NIOCore

/// An ALSA playback device. Keeps at most 60 ms queued, however large the device's buffer is; when sound comes too late
/// there is a gap, and it goes on.
public final class ALSASpeaker: AudioSink, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls play(_:).

  public let name: String
  private let device: ALSADevice
  private let signal: StopSignal

  /// Samples that may be queued before a period is added.
  private static let queue = 2 * AudioFormat.periodSamples

  /// - Parameter device: an ALSA PCM's name.
  /// - Throws: MDN's three cases.
  public init(device name: String) throws(MediaError) {
    self.name = name
    signal = try StopSignal(for: name)
    device = try ALSADevice(name, .playback, bufferMilliseconds: 100, signal: signal)
    // Playback begins when the queue is full, so that the first periods do not trip over the machine's jitter.
    try device.setThresholds(available: AudioFormat.periodSamples, start: Self.queue)
  }

  public var delay: TimeAmount { ALSADevice.duration(of: device.queuedSamples) }

  public func play(_ period: borrowing AudioPeriod) throws(MediaError) {
    guard try waitForRoom() else { return }
    var written = 0
    while written < period.samples.count {
      let count = period.samples.withUnsafeBufferPointer { samples in
        let rest = samples[written...]
        return snd_pcm_writei(
          device.pcm, UnsafeBufferPointer(rebasing: rest).baseAddress, snd_pcm_uframes_t(rest.count))
      }
      if count > 0 {
        written += count
        device.noteProgress()
      } else if count == 0 || count == -Int(EAGAIN) {
        guard try device.wait() else { return }
      } else {
        try device.recover(count)
      }
    }
  }

  public func stop() { signal.stop() }

  /// Waits by the clock: what poll(2) makes of a threshold for a device's buffer differs from plug-in to plug-in.
  /// - Returns: false when stopped.
  private func waitForRoom() throws(MediaError) -> Bool {
    let deadline = NIODeadline.now() + ALSADevice.patience
    while !signal.isStopped {
      let free = snd_pcm_avail_update(device.pcm)
      let excess = device.bufferSamples - max(free, 0) - Self.queue
      if free < 0 {
        try device.recover(free)
      } else if excess <= 0 || snd_pcm_state(device.pcm) != SND_PCM_STATE_RUNNING {
        return true
      } else if deadline <= .now() {
        throw device.stalled()
      } else if signal.wait(until: .now() + ALSADevice.duration(of: excess)) {
        return false
      }
    }
    return false
  }
}
