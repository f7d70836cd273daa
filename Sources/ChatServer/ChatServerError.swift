import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Why a server cannot start.
public enum ChatServerError: Error, Sendable, Equatable, CustomStringConvertible {
  case portInUse(host: String, port: Int)
  case cannotListen(host: String, port: Int, detail: String)
  case badCertificate(file: String, detail: String)
  case badKey(file: String, detail: String)
  /// A file with a secret or a login for TURN cannot be read, or holds none.
  case badCredentials(file: String, detail: String)
  /// The ICE servers cannot be handed out as they were given.
  case badICEServers(detail: String)
  /// The certificate and the key do not belong together, or cannot be used for TLS.
  case badTLS(detail: String)

  public var description: String {
    switch self {
    case .portInUse(let host, let port):
      "port \(port) on \(host) is in use by another program; choose one with --port"
    case .cannotListen(let host, let port, let detail): "cannot listen on \(host), port \(port): \(detail)"
    case .badCertificate(let file, let detail): "cannot use the certificate \(file): \(detail)"
    case .badKey(let file, let detail): "cannot use the key \(file): \(detail)"
    case .badCredentials(let file, let detail): "cannot use the credentials in \(file): \(detail)"
    case .badICEServers(let detail): detail
    case .badTLS(let detail): "cannot use this certificate with this key: \(detail)"
    }
  }

  init(_ error: any Error, host: String, port: Int) {
    switch error {
    case let error as ChatServerError: self = error
    case let error as IOError where error.errnoCode == EADDRINUSE: self = .portInUse(host: host, port: port)
    case let error as IOError:
      self = .cannotListen(host: host, port: port, detail: String(cString: strerror(error.errnoCode)))
    case is SocketAddressError: self = .cannotListen(host: host, port: port, detail: "unknown host")
    case let error as NIOSSLError: self = .badTLS(detail: "\(error)")
    default: self = .cannotListen(host: host, port: port, detail: "\(error)")
    }
  }
}
