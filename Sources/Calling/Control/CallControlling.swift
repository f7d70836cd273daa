public import Frames

/// The call controller as its faces see it: commands go in, events come out, pictures go to a ``PictureSink``.
public protocol CallControlling: Sendable {
  /// Takes a command. Returns at once; callable from any thread.
  func perform(_ command: CallCommand)
  /// Everything there is to show, in order. One consumer.
  var events: AsyncStream<CallEvent> { get }
}

/// Takes the pictures of a call. Called on media threads, which wait for it: draw or store, and return soon.
public protocol PictureSink: Sendable {
  /// A decoded picture of the peer, at the time it is to be shown. Called on the picture thread only.
  func showRemote(_ frame: VideoFrame)
  /// A picture of our own camera, for the self view. Called on the camera thread only.
  func showLocal(_ frame: VideoFrame)
  /// The call is over: no further picture until the next call.
  func clear()
}

/// For faces that show no pictures.
public struct NoPictures: PictureSink {
  public init() {}
  public func showRemote(_ frame: VideoFrame) {}
  public func showLocal(_ frame: VideoFrame) {}
  public func clear() {}
}
