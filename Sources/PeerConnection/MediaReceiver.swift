public import Frames
public import RTP

/// Takes the media of a peer connection. Called on its event loop: hand over and return, never wait.
public protocol MediaReceiver: Sendable {
  /// A whole picture, in decoding order, when it is time to show it.
  func receive(video frame: EncodedVideoFrame)
  /// A sound packet, as soon as it came in, in order of arrival: `RTP.AudioJitterBuffer` of the audio thread orders and
  /// conceals.
  func receive(audio packet: ReceivedAudioPacket)
}
