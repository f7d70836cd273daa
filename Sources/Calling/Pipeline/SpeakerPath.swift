import Frames
import Media
import NIOCore
import RTP
import Synchronization

/// The speaker thread: puts the peer's packets in order, decodes or conceals, and plays. The device sets the pace.
final class SpeakerPath: Sendable {
  /// Two seconds of packets: more would be heard far too late anyway.
  private static let capacity = 100
  /// How often the picture is told where the sound is, in periods.
  private static let reportInterval = 10

  private let mailbox = Mailbox<ReceivedAudioPacket>(capacity: capacity, whenFull: .dropOldest)
  private let device: any AudioSink
  private let counters: MediaCounters
  private let outlet: any MediaOutlet
  private let isStopped = Atomic(false)

  init(device: any AudioSink, counters: MediaCounters, outlet: any MediaOutlet) {
    self.device = device
    self.counters = counters
    self.outlet = outlet
  }

  /// Called on the event loop.
  func receive(_ packet: ReceivedAudioPacket) { mailbox.put(packet) }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    mailbox.close()
  }

  func run() {
    do {
      var player = try Player(path: self)
      var period = AudioPeriod()
      while !isStopped.load(ordering: .relaxed) {
        while let packet = mailbox.poll() { try player.take(packet) }
        try player.next(into: &period)
        try device.play(period)
        player.report(delay: device.delay)
      }
    } catch {
      outlet.mediaFailed("The speaker gave up: \(error). The call goes on without sound.")
    }
  }

  /// Loop state: the jitter buffer and decoder of the present stream.
  private struct Player {
    let path: SpeakerPath
    private var decoder: OpusDecoder
    private var buffer = AudioJitterBuffer()
    private var stream: SSRC?
    private var periods = 0

    init(path: SpeakerPath) throws(MediaError) {
      self.path = path
      decoder = try OpusDecoder()
    }

    mutating func take(_ packet: ReceivedAudioPacket) throws(MediaError) {
      if packet.ssrc != stream {
        stream = packet.ssrc
        buffer = AudioJitterBuffer()
        decoder = try OpusDecoder()
      }
      buffer.insert(packet)
    }

    /// Fills a period with what is to be heard next.
    mutating func next(into period: inout AudioPeriod) throws(MediaError) {
      while !decoder.take(into: &period) {
        switch buffer.next(now: .now()) {
        case .packet(let payload, let samples): try play(payload, samples)
        case .fec(let payload, let samples):
          try decoder.decodeFEC(payload, samples: samples)
          path.counters.count { $0.audioFramesConcealed += 1 }
        case .conceal(let samples):
          try decoder.conceal(samples: samples)
          path.counters.count { $0.audioFramesConcealed += 1 }
        case .silence:
          for index in period.samples.indices { period.samples[index] = 0 }
          return
        }
      }
    }

    private func play(_ payload: ByteBuffer, _ samples: Int) throws(MediaError) {
      do {
        try decoder.decode(payload)
        path.counters.count { $0.audioFramesDecoded += 1 }
      } catch {
        // What is no Opus packet is as good as lost.
        try decoder.conceal(samples: samples)
        path.counters.count { $0.audioFramesConcealed += 1 }
      }
    }

    mutating func report(delay: TimeAmount) {
      periods += 1
      guard periods % SpeakerPath.reportInterval == 0, let timestamp = buffer.playoutTimestamp else { return }
      path.outlet.heard(timestamp: timestamp.rawValue, at: .now() + delay)
    }
  }
}
