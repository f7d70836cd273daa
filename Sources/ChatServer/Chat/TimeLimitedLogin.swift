internal import COpenSSL
internal import Foundation

/// Credentials for a TURN server that shares a secret with us: it knows nobody's name, but can tell that we made them and
/// until when they are good (draft-uberti-behave-turn-rest, as coturn has it).
struct TimeLimitedLogin: Equatable {
  let username: String
  let credential: String

  /// - Parameters:
  ///   - name: whose it is, for the TURN server's log and quotas.
  ///   - expires: seconds since 1970.
  init(name: String, expires: Int64, secret: String) {
    // Names may hold spaces, colons and other scripts; this one passes every server's string preparation unchanged.
    let safe = name.addingPercentEncoding(withAllowedCharacters: Self.unreserved) ?? "user"
    username = "\(expires):\(safe.prefix(Self.maximumName))"
    let (key, text) = (Array(secret.utf8), Array(username.utf8))
    var digest = [UInt8](repeating: 0, count: 20)
    HMAC(EVP_sha1(), key, Int32(clamping: key.count), text, text.count, &digest, nil)
    credential = Data(digest).base64EncodedString()
  }

  private static let maximumName = 96
  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
