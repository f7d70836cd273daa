import NIOCore
import NIOSSL
import Signaling

/// The server's sockets from accept to close. Lives on one event loop, as they all do.
final class ClientChannels {
  /// Sockets in the handshake, or closing, that may exist besides the connections of the chat.
  static let maximumInPassing = 1000

  private let hub: ChatHub
  private var channels: [ObjectIdentifier: any Channel] = [:]
  /// Those of them that have not finished the handshake.
  private var handshaking: Set<ObjectIdentifier> = []

  init(hub: ChatHub) { self.hub = hub }

  /// Takes a channel that was just accepted.
  func add(_ channel: any Channel, tls: NIOSSLContext?, limits: WebSocketLimits) throws {
    guard channels.count < hub.limits.maximumConnections + Self.maximumInPassing else {
      return channel.close(promise: nil)
    }
    let key = ObjectIdentifier(channel)
    channels[key] = channel
    handshaking.insert(key)
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    channel.closeFuture.whenComplete { _ in bound.value.remove(key) }
    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
    try channel.configureWebSocketServer(subprotocol: "json", limits: limits) { channel in
      try bound.value.opened(channel, key)
    }
  }

  /// Closes all of them: with 1001 after the handshake, at once before.
  /// - Returns: when the last one is gone.
  func shutDown(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    let closing = channels.values.map(\.closeFuture)
    hub.shutDown()
    for key in handshaking { channels[key]?.close(promise: nil) }
    return .andAllComplete(closing, on: eventLoop)
  }

  private func opened(_ channel: any Channel, _ key: ObjectIdentifier) throws {
    handshaking.remove(key)
    let connection = ChatConnection(hub: hub, now: channel.eventLoop.now)
    try channel.pipeline.syncOperations.addHandler(connection)
  }

  private func remove(_ key: ObjectIdentifier) {
    channels[key] = nil
    handshaking.remove(key)
  }
}
