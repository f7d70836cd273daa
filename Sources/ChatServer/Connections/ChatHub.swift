import Logging
import NIOCore
import Signaling

/// Joins the ``Chat`` to its connections. Lives on one event loop, as they all do.
final class ChatHub {
  let limits: ChatLimits
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var chat: Chat
  private var connections: [ConnectionID: ChatConnection] = [:]
  /// Connections that were written to since the last flush.
  private var unflushed: [ChatConnection] = []
  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var isShuttingDown = false

  init(chat: Chat, eventLoop: any EventLoop, logger: Logger) {
    self.chat = chat
    limits = chat.limits
    self.eventLoop = eventLoop
    self.logger = logger
  }

  // MARK: - From the connections

  /// - Returns: the connection's identity; nil if it cannot stay and was told so.
  func opened(_ connection: ChatConnection) -> ConnectionID? {
    guard !isShuttingDown else {
      connection.close(Self.goingAway)
      return nil
    }
    guard let (id, actions) = chat.connected(now: eventLoop.now) else {
      logger.warning("full", metadata: ["connections": "\(connections.count)"])
      connection.close(WebSocketClose(code: WebSocketClose.tryAgainLater, reason: "the server is full"))
      return nil
    }
    connections[id] = connection
    logger.debug("connected", metadata: ["id": "\(id.number)"])
    perform(actions)
    return id
  }

  func received(_ text: ByteBuffer, from id: ConnectionID) {
    perform(chat.received(text, from: id, now: eventLoop.now))
  }

  func closed(_ id: ConnectionID, reason: String) {
    guard connections.removeValue(forKey: id) != nil else { return }
    let name = chat.name(of: id).map { "\($0)" } ?? ""
    logger.debug("disconnected", metadata: ["id": "\(id.number)", "name": "\(name)", "reason": "\(reason)"])
    perform(chat.disconnected(id, now: eventLoop.now))
  }

  /// Closes all connections with 1001 and takes no new ones.
  func shutDown() {
    isShuttingDown = true
    timer?.task.cancel()
    for connection in connections.values { connection.close(Self.goingAway) }
  }

  private static let goingAway = WebSocketClose(code: WebSocketClose.goingAway, reason: "the server is going down")

  // MARK: - To the connections

  private func perform(_ actions: [Chat.Action]) {
    for action in actions {
      switch action {
      case .send(let id, let json):
        if let connection = connections[id] { write(WebSocketFrames.encode(.text(json)), to: connection) }
      case .broadcast(let json):
        // Encoded once for all of them.
        let frames = WebSocketFrames.encode(.text(json))
        for id in chat.members {
          if let connection = connections[id] { write(frames, to: connection) }
        }
      case .close(let id, let close):
        logger.info("closing", metadata: ["id": "\(id.number)", "reason": "\(close.reason)"])
        connections[id]?.close(close)
      }
    }
    schedule()
  }

  /// One flush for all that is written to a connection in one turn of the event loop: system calls are what serving costs.
  private func write(_ frames: ByteBuffer, to connection: ChatConnection) {
    guard connection.write(frames) else { return }
    if unflushed.isEmpty { eventLoop.assumeIsolated().execute { self.flush() } }
    unflushed.append(connection)
  }

  private func flush() {
    let connections = unflushed
    unflushed.removeAll(keepingCapacity: true)
    for connection in connections { connection.flush() }
  }

  private func schedule() {
    guard let deadline = chat.deadline, !isShuttingDown else { return }
    if let timer, timer.deadline <= deadline { return }
    timer?.task.cancel()
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.timer = nil
      self.perform(self.chat.elapsed(now: self.eventLoop.now))
    }
    timer = (deadline, task)
  }
}
