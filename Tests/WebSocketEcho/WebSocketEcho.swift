import Foundation
import NIOCore
import NIOPosix
import Signaling

/// Sends every message back: the WebSocket layer of this package as conformance tests want to see it.
@main
enum WebSocketEcho {
  static func main() async throws {
    guard let port = port(from: CommandLine.arguments.dropFirst()) else {
      print("usage: websocket-echo --port N")
      return
    }
    let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.configureWebSocketServer(subprotocol: nil, limits: WebSocketLimits()) { channel in
            try channel.pipeline.syncOperations.addHandler(EchoHandler())
          }
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    print("listening on port \(listener.localAddress?.port ?? 0)")
    fflush(nil)  // A program that reads this from a pipe gets it now.
    try await listener.closeFuture.get()
  }

  private static func port(from arguments: ArraySlice<String>) -> Int? {
    guard arguments.count == 2, arguments.first == "--port" else { return nil }
    return arguments.last.flatMap(Int.init)
  }
}

private final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketMessage
  typealias OutboundOut = WebSocketOutput

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(Self.wrapOutboundOut(.message(Self.unwrapInboundIn(data))), promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}
