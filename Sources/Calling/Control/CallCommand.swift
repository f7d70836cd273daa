/// What a face (the terminal UI, a bot) asks of the call controller. None of them fails on the spot: whatever cannot be
/// done comes back as a ``CallEvent/notice(_:)`` with words that help.
public enum CallCommand: Sendable, Equatable {
  /// Send a line of chat to everybody.
  case chat(String)
  /// Ask for another name.
  case rename(String)
  /// Ring a user.
  case invite(String)
  /// Take the call that is ringing.
  case answer
  /// Decline the call that is ringing.
  case reject
  /// End the call, or stop calling.
  case hangUp
  /// Stop or start sending sound.
  case muteMicrophone(Bool)
  /// Stop or start sending pictures.
  case turnCameraOff(Bool)
  /// Say what to do about a device that could not be opened (``CallEvent/deviceQuestion(_:)``).
  case deviceAnswer(DeviceAnswer)
  /// Leave the chat and release everything.
  case quit
}

/// How a call goes on without a device.
public enum DeviceAnswer: Sendable, Equatable {
  /// Send nothing of that kind, only receive.
  case receiveOnly
  /// Send the test pattern or the tone in its place.
  case synthetic
  /// Do not call.
  case cancel
}
