internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
  import Glibc
#endif

/// Why a TCP connection could not be made or did not last, in words for people.
struct StreamProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// What an error of NIO means.
  init(_ error: any Error) {
    switch error {
    case let error as StreamProblem: self = error
    case ChannelError.connectTimeout: self.init("no answer: the connection attempt timed out")
    case let error as IOError: self.init(error)
    case let error as NIOConnectionError:
      self.init(error.connectionErrors.last?.error ?? StreamProblem("its name is not found"))
    case NIOSSLError.handshakeFailed(let cause), let cause as BoringSSLError: self.init(tls: "\(cause)")
    case NIOSSLError.uncleanShutdown: self.init("it closed the connection in the middle of TLS")
    default: self.init("\(error)")
    }
  }

  private init(_ error: IOError) {
    switch error.errnoCode {
    case ECONNREFUSED: self.init("connection refused: nothing listens on this port")
    case ETIMEDOUT: self.init("no answer: the connection attempt timed out")
    case ECONNRESET, EPIPE: self.init("it reset the connection")
    default: self.init(String(cString: strerror(error.errnoCode)))
    }
  }

  private init(tls cause: String) {
    self.init(
      cause.contains("WRONG_VERSION_NUMBER")
        ? "it does not speak TLS on this port" : "the TLS handshake failed: \(cause)")
  }
}
