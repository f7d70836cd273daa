import Foundation
import NIOCore
import NIOPosix
import NIOSSL

extension SignalingError {
  /// What an error of the connection attempt means to a person.
  init(_ error: any Error, url: SignalingURL) {
    let server = url.description
    switch error {
    case let error as SignalingError:
      self = error
    case let error as NIOConnectionError:
      self.init(error, server: server, host: url.host)
    case let error as WebSocketHandshakeError:
      self = .notASignalingServer(server: server, detail: error.problem)
    case ChannelError.connectTimeout:
      self = .timedOut(server: server)
    case let error as IOError:
      self = .unreachable(server: server, detail: Self.words(error))
    case let error as NIOSSLError:
      self = .tls(server: server, detail: Self.words(error))
    case let error as BoringSSLError:
      self = .tls(server: server, detail: "\(error)")
    case let error as NIOSSLExtraError:
      self = .tls(server: server, detail: error.description)
    default:
      // Closed without an answer: what a TLS server does when spoken to in plain text, and the other way round.
      self = .notASignalingServer(server: server, detail: "it closed the connection without an answer")
    }
  }

  private init(_ error: NIOConnectionError, server: String, host: String) {
    guard let last = error.connectionErrors.last else {
      self = .unknownHost(host)
      return
    }
    switch last.error {
    case let error as IOError: self = .unreachable(server: server, detail: Self.words(error))
    case ChannelError.connectTimeout: self = .timedOut(server: server)
    default: self = .unreachable(server: server, detail: "\(last.error)")
    }
  }

  /// The system's words alone ("Connection refused"), without the function that failed.
  private static func words(_ error: IOError) -> String { String(cString: strerror(error.errnoCode)) }

  private static func words(_ error: NIOSSLError) -> String {
    switch error {
    case .handshakeFailed(let cause): "the TLS handshake failed: \(cause)"
    case .uncleanShutdown: "it closed the connection in the middle of TLS"
    default: "\(error)"
    }
  }
}
