internal import COpenSSL

/// Which attribute makes a message authentic (RFC 8489 sections 14.5 and 14.6).
public enum STUNIntegrity: Sendable, Hashable {
  /// MESSAGE-INTEGRITY, HMAC-SHA1.
  case sha1
  /// MESSAGE-INTEGRITY-SHA256.
  case sha256

  /// Of the value as we write it, in bytes.
  var length: Int { self == .sha1 ? 20 : 32 }
  var attribute: STUNAttributeType { self == .sha1 ? .messageIntegrity : .messageIntegritySHA256 }
}

/// How the key is made of a password (RFC 8489 section 18.5).
public enum STUNPasswordAlgorithm: UInt16, Sendable, Hashable {
  case md5 = 1
  case sha256 = 2
}

/// What the long-term credential mechanism makes of user name, realm and password (RFC 8489 section 9.2). Texts are taken
/// as they are: those of the servers' configurations are ASCII.
public enum STUNLongTermKey {
  /// The key of MESSAGE-INTEGRITY (section 9.2.2): 16 bytes for MD5, 32 for SHA-256.
  public static func make(
    username: String, realm: String, password: String, _ algorithm: STUNPasswordAlgorithm = .md5
  ) -> [UInt8] {
    digest("\(username):\(realm):\(password)", algorithm)
  }

  /// USERHASH (section 14.4), 32 bytes.
  public static func userhash(username: String, realm: String) -> [UInt8] {
    digest("\(username):\(realm)", .sha256)
  }

  private static func digest(_ text: String, _ algorithm: STUNPasswordAlgorithm) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: algorithm == .md5 ? 16 : 32)
    let text = Array(text.utf8)
    // Without the hash (MD5 in a FIPS build of OpenSSL) the key stays zero, and the server refuses it.
    EVP_Digest(text, text.count, &digest, nil, algorithm == .md5 ? EVP_md5() : EVP_sha256(), nil)
    return digest
  }
}
