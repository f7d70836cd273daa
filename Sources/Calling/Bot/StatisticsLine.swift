import Foundation
import Frames

/// One line of `--stats-json` and of a bot's output: where the call stands and its figures, as a JSON object.
public struct StatisticsLine: Sendable, Equatable {
  public var status: CallStatus
  public var figures: CallStatistics
  /// Why the call ended, in the line that says so.
  public var ended: String?

  public init(_ status: CallStatus, _ figures: CallStatistics) {
    self.status = status
    self.figures = figures
  }

  /// The line, without an end of line.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}

/// Says which events are worth a line, and what is in it.
struct StatisticsReporter {
  private var status = CallStatus()
  private var figures = CallStatistics()

  mutating func line(for event: CallEvent) -> StatisticsLine? {
    switch event {
    case .call(let new):
      let isNews = new.phase != status.phase
      // A call's last figures stay in its last line.
      if status.phase == .idle { figures = CallStatistics() }
      status = new
      guard isNews else { return nil }
    case .statistics(let new): figures = new
    default: return nil
    }
    var line = StatisticsLine(status, figures)
    if case .ended(let reason) = status.phase { line.ended = "\(reason)" }
    return line
  }
}

extension StatisticsLine: Encodable {
  private enum Key: String, CodingKey {
    case phase, peer, ended, seconds, framesSent, framesDecoded, framesDropped, audioFramesSent, audioFramesDecoded
    case audioFramesConcealed, sentSize, receivedSize, sentFramesPerSecond, receivedFramesPerSecond
    case sentKilobitsPerSecond, receivedKilobitsPerSecond, receivedLossPercent, sentLossPercent, roundTripMilliseconds
    case setUpMilliseconds, path
  }

  public func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: Key.self)
    try line.encode(status.phase.word, forKey: .phase)
    try line.encode(status.peer, forKey: .peer)
    try line.encodeIfPresent(ended, forKey: .ended)
    try line.encode(Self.rounded(figures.seconds), forKey: .seconds)
    try line.encode(figures.framesSent, forKey: .framesSent)
    try line.encode(figures.framesDecoded, forKey: .framesDecoded)
    try line.encode(figures.framesDropped, forKey: .framesDropped)
    try line.encode(figures.audioFramesSent, forKey: .audioFramesSent)
    try line.encode(figures.audioFramesDecoded, forKey: .audioFramesDecoded)
    try line.encode(figures.audioFramesConcealed, forKey: .audioFramesConcealed)
    try line.encode("\(figures.sentSize)", forKey: .sentSize)
    try line.encode("\(figures.receivedSize)", forKey: .receivedSize)
    try line.encode(Self.rounded(figures.sentFramesPerSecond), forKey: .sentFramesPerSecond)
    try line.encode(Self.rounded(figures.receivedFramesPerSecond), forKey: .receivedFramesPerSecond)
    try line.encode(Self.rounded(figures.sentKilobitsPerSecond), forKey: .sentKilobitsPerSecond)
    try line.encode(Self.rounded(figures.receivedKilobitsPerSecond), forKey: .receivedKilobitsPerSecond)
    try line.encode(Self.rounded(figures.receivedLossPercent), forKey: .receivedLossPercent)
    try line.encode(Self.rounded(figures.sentLossPercent), forKey: .sentLossPercent)
    try line.encodeIfPresent(figures.roundTripMilliseconds.map(Self.rounded), forKey: .roundTripMilliseconds)
    try line.encodeIfPresent(figures.setUpMilliseconds.map(Self.rounded), forKey: .setUpMilliseconds)
    try line.encode(figures.path, forKey: .path)
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

extension CallStatus.Phase {
  /// One lower-case word for logs and statistics.
  public var word: String {
    switch self {
    case .idle: "idle"
    case .calling: "calling"
    case .ringing: "ringing"
    case .incoming: "incoming"
    case .connecting: "connecting"
    case .active: "active"
    case .interrupted: "interrupted"
    case .ended: "ended"
    }
  }
}

extension CallStatistics {
  /// Whether picture and sound went both ways.
  var carriedBothWays: Bool {
    framesSent > 0 && framesDecoded > 0 && audioFramesSent > 0 && audioFramesDecoded > 0
  }
}
