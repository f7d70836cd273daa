import Frames
import Media
import NIOConcurrencyHelpers
import NIOCore
import PeerConnection
import RTP

/// What the media threads of one call tell the rest. Called on those threads.
protocol MediaOutlet: Sendable {
  func send(video frame: EncodedVideoFrame)
  func send(audio frame: EncodedAudioFrame)
  /// The peer's picture cannot be decoded any further without a key frame.
  func needKeyFrame()
  /// The sound with this timestamp is heard at that time: the picture is held to it.
  func heard(timestamp: UInt32, at time: NIODeadline)
  /// A device or codec gave up. The call goes on without it.
  func mediaFailed(_ text: String)
}

/// The media threads of one call: camera, microphone, picture, speaker. They are joined to the network by bounded
/// mailboxes and share no frame under a lock.
final class MediaPipeline: Sendable {
  let devices: MediaDevices
  private let sending: CameraPath.Control
  private let sound: MicrophonePath.Control
  private let pictures: PicturePath
  private let speaker: SpeakerPath
  private let counters = MediaCounters()
  private let threads: NIOLockedValueBox<[MediaThread]>

  /// Starts the threads. The camera is shown at once; nothing is sent before ``startSending()``.
  init(devices: MediaDevices, sink: any PictureSink, outlet: any MediaOutlet) {
    self.devices = devices
    sending = CameraPath.Control()
    sound = MicrophonePath.Control()
    pictures = PicturePath(sink: sink, counters: counters, outlet: outlet)
    speaker = SpeakerPath(device: devices.speaker, counters: counters, outlet: outlet)
    var threads = [
      MediaThread(name: "picture") { [pictures] in pictures.run() },
      MediaThread(name: "speaker") { [speaker] in speaker.run() },
    ]
    if let camera = devices.camera {
      let path = CameraPath(camera: camera, control: sending, sink: sink, counters: counters, outlet: outlet)
      threads.append(MediaThread(name: "camera") { path.run() })
    }
    if let microphone = devices.microphone {
      let path = MicrophonePath(microphone: microphone, control: sound, counters: counters, outlet: outlet)
      threads.append(MediaThread(name: "microphone") { path.run() })
    }
    self.threads = NIOLockedValueBox(threads)
  }

  /// The connection is up: from now on pictures and sound are sent, beginning with a key frame.
  func startSending() {
    sending.update {
      $0.isConnected = true
      $0.wantsKeyFrame = true
    }
    sound.update { $0.isConnected = true }
  }

  func setCameraOff(_ off: Bool) { sending.update { $0.isOff = off } }

  func setMuted(_ muted: Bool) { sound.update { $0.isMuted = muted } }

  func requestKeyFrame() { sending.update { $0.wantsKeyFrame = true } }

  /// - Parameter bitrate: what the network takes, sound and picture together, in bits a second.
  func setBitrate(_ bitrate: Int) {
    sending.update { $0.bitrate = max(bitrate - MicrophonePath.bitrate, CameraPath.lowestBitrate) }
  }

  /// Counts since the beginning; sizes as of now.
  var statistics: MediaCounters.Values { counters.values }

  /// Ends all threads and closes the devices. Blocks until it is done: never call it on an event loop.
  func stop() {
    devices.camera?.stop()
    devices.microphone?.stop()
    devices.speaker.stop()
    pictures.stop()
    speaker.stop()
    for thread in threads.withLockedValue({ $0 }) { thread.join() }
    threads.withLockedValue { $0.removeAll() }
  }
}

extension MediaPipeline: MediaReceiver {
  func receive(video frame: EncodedVideoFrame) { pictures.receive(frame) }
  func receive(audio packet: ReceivedAudioPacket) { speaker.receive(packet) }
}
