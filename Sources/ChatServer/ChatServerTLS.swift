import Foundation
import NIOCore
public import NIOSSL

extension ChatServer {
  /// The TLS settings of a server with a certificate of its own.
  /// - Parameters:
  ///   - certificateFile: PEM, the server's certificate first, then those between it and the root.
  ///   - keyFile: PEM.
  /// - Throws: ``ChatServerError`` naming the file.
  public static func tls(certificateFile: String, keyFile: String) throws(ChatServerError) -> TLSConfiguration {
    let certificates: [NIOSSLCertificate]
    do {
      try checkReadable(certificateFile)
      certificates = try NIOSSLCertificate.fromPEMFile(certificateFile)
    } catch {
      throw .badCertificate(file: certificateFile, detail: words(error))
    }
    let key: NIOSSLPrivateKey
    do {
      try checkReadable(keyFile)
      key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
    } catch {
      throw .badKey(file: keyFile, detail: words(error))
    }
    let chain = certificates.map { NIOSSLCertificateSource.certificate($0) }
    return .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
  }
}

private func checkReadable(_ file: String) throws {
  guard let stream = fopen(file, "r") else { throw IOError(errnoCode: errno, reason: "open") }
  fclose(stream)
}

private func words(_ error: any Error) -> String {
  switch error {
  case let error as IOError: String(cString: strerror(error.errnoCode))
  default: "it does not hold what it should in PEM form (\(error))"
  }
}
