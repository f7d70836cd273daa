public import NIOCore

/// What one server takes, and from one user.
public struct ChatLimits: Sendable {
  /// Connections at a time; further ones are closed with 1013.
  public var maximumConnections = 5000
  /// How long a connection may stay without a name.
  public var loginTimeout = TimeAmount.seconds(10)
  /// How long a change of the user list may wait for others, to go out in one list.
  public var userListDelay = TimeAmount.milliseconds(20)
  /// Messages a second that a user may send for long, and at once. Past it the server reads more slowly from this user;
  /// nothing is lost. A message counts once for every 4 KiB.
  public var messageRate = 1000.0
  public var messageBurst = 2000.0
  /// Refused messages that a user may send at once, and those a second for long, before the connection is closed with 1008.
  public var refusalBurst = 16.0
  public var refusalRate = 0.2

  public init() {}
}
