public import Frames
public import NIOCore

/// What the call controller tells its face. Text from other people in it is already free of control characters.
public enum CallEvent: Sendable, Equatable {
  /// The state of the connection to the chat server.
  case connection(ServerConnection)
  /// The name the server knows us by.
  case ownName(String)
  /// Everybody in the chat in order of login, ourselves included.
  case users([String])
  /// A line of chat.
  case chat(ChatLine)
  /// Something to tell the person: errors, missed calls, what a device said.
  case notice(Notice)
  /// The state of the call, whenever any of it changes.
  case call(CallStatus)
  /// A device could not be opened and the person may choose how to go on.
  case deviceQuestion(DeviceQuestion)
  /// Once a second in a call.
  case statistics(CallStatistics)
  /// The controller has shut down; nothing follows.
  case finished
}

/// The connection to the chat server.
public enum ServerConnection: Sendable, Equatable {
  case connecting
  case online
  /// Lost; the next attempt comes after the given time.
  case offline(reason: String, retryIn: TimeAmount)
}

/// One line of chat.
public struct ChatLine: Sendable, Equatable {
  public var from: String
  public var text: String
  /// Milliseconds since 1970, as the sender's clock had it.
  public var date: Int64
  /// Whether we wrote it.
  public var isOwn: Bool

  public init(from: String, text: String, date: Int64, isOwn: Bool) {
    self.from = from
    self.text = text
    self.date = date
    self.isOwn = isOwn
  }
}

/// Something worth telling the person at the terminal.
public struct Notice: Sendable, Equatable {
  public enum Severity: Sendable, Equatable { case information, warning, error }
  public var severity: Severity
  public var text: String

  public init(_ severity: Severity, _ text: String) {
    self.severity = severity
    self.text = text
  }
}

/// Where a call stands, from the side of this program.
public struct CallStatus: Sendable, Equatable {
  public enum Phase: Sendable, Equatable {
    /// No call.
    case idle
    /// We called; the peer has not been heard of yet.
    case calling
    /// We called; the peer's program says that it rings.
    case ringing
    /// We are being called: answer or reject.
    case incoming
    /// Answered; the connection is being made.
    case connecting
    /// Media flow.
    case active
    /// Nothing has come from the peer for some seconds; the call goes on by itself when something does.
    case interrupted
    /// Over. Goes back to idle with the next event.
    case ended(EndReason)
  }

  public var phase: Phase
  /// The other side's name; empty when idle.
  public var peer: String
  /// When the call became active, for the clock on the status line.
  public var since: NIODeadline?
  public var isMicrophoneMuted: Bool
  public var isCameraOff: Bool
  /// What is sent as picture and sound ("test pattern", "/dev/video0", "none"...).
  public var cameraName: String
  public var microphoneName: String

  public init(phase: Phase = .idle, peer: String = "") {
    self.phase = phase
    self.peer = peer
    since = nil
    isMicrophoneMuted = false
    isCameraOff = false
    cameraName = ""
    microphoneName = ""
  }
}

/// Why a call ended.
public enum EndReason: Sendable, Equatable {
  case hungUp, peerHungUp, declined, busy, noAnswer, unavailable, cancelled
  /// The connection could not be made or broke down; the text says what failed.
  case failed(String)
}

/// Asked when a device cannot be had: MDN's three cases, of which "permission refused" asks nothing.
public struct DeviceQuestion: Sendable, Equatable {
  /// "camera" or "microphone".
  public var device: String
  /// What is the matter, in words for a person.
  public var text: String

  public init(device: String, text: String) {
    self.device = device
    self.text = text
  }
}

/// Figures of the running call, taken once a second.
public struct CallStatistics: Sendable, Equatable {
  /// Seconds since the call became active.
  public var seconds: Double = 0
  public var framesSent = 0
  public var framesDecoded = 0
  public var framesDropped = 0
  public var audioFramesSent = 0
  public var audioFramesDecoded = 0
  public var audioFramesConcealed = 0
  public var sentSize = VideoSize(width: 0, height: 0)
  public var receivedSize = VideoSize(width: 0, height: 0)
  /// Of the last second.
  public var sentFramesPerSecond: Double = 0
  public var receivedFramesPerSecond: Double = 0
  public var sentKilobitsPerSecond: Double = 0
  public var receivedKilobitsPerSecond: Double = 0
  /// Lost packets in percent of those expected, last second, as seen here.
  public var receivedLossPercent: Double = 0
  /// The same as the peer reports it.
  public var sentLossPercent: Double = 0
  public var roundTripMilliseconds: Double?
  /// From the invitation, or the yes to one, to the first picture of the peer.
  public var setUpMilliseconds: Double?
  /// The selected candidate pair, as "host 192.0.2.1:5000 / srflx 198.51.100.7:6000".
  public var path = ""

  public init() {}
}
