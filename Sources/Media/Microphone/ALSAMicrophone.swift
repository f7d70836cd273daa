import CALSA
public import Frames
import NIOCore

/// An ALSA capture device. Lost sound (the program was too slow) is skipped; a device that goes away is an error.
public final class ALSAMicrophone: AudioSource, @unchecked Sendable {
  // @unchecked: all but the stop signal belongs to the one thread that calls next().

  public let name: String
  private let device: ALSADevice
  private let signal: StopSignal
  private let samples: UnsafeMutableBufferPointer<Int16>

  /// Opens the device and starts recording.
  /// - Parameter device: an ALSA PCM's name.
  /// - Throws: MDN's three cases.
  public init(device name: String) throws(MediaError) {
    self.name = name
    signal = try StopSignal(for: name)
    device = try ALSADevice(name, .capture, bufferMilliseconds: 200, signal: signal)
    samples = .allocate(capacity: AudioFormat.periodSamples)
    try device.setThresholds(available: AudioFormat.periodSamples, start: 1)
    try device.check(snd_pcm_start(device.pcm), "start")
  }

  deinit { samples.deallocate() }

  public func next(into period: inout AudioPeriod) throws(MediaError) -> Bool {
    if signal.isStopped { return false }
    var filled = 0
    while filled < samples.count {
      let wanted = UnsafeMutableBufferPointer(rebasing: samples[filled...])
      let count = snd_pcm_readi(device.pcm, wanted.baseAddress, snd_pcm_uframes_t(wanted.count))
      if count > 0 {
        filled += count
        device.noteProgress()
      } else if count == 0 || count == -Int(EAGAIN) {
        guard try device.wait() else { return false }
      } else {
        try device.recover(count)
      }
    }
    for index in 0..<filled { period.samples[index] = samples[index] }
    period.time = .now() - ALSADevice.duration(of: device.queuedSamples + filled)
    return true
  }

  public func stop() { signal.stop() }
}
