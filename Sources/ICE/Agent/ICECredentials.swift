/// What one agent's checks are addressed and authenticated with, for one generation (RFC 8839 section 5.4).
public struct ICECredentials: Hashable, Sendable {
  /// 4...256 ice-chars.
  public let usernameFragment: String
  /// 22...256 ice-chars.
  public let password: String

  /// Credentials out of a peer's description.
  /// - Throws: ``ICECredentialsError`` if a length or a character is not of RFC 8839.
  public init(usernameFragment: String, password: String) throws(ICECredentialsError) {
    guard (4...256).contains(usernameFragment.utf8.count), usernameFragment.utf8.allSatisfy(\.isICECharacter) else {
      throw .badUsernameFragment(String(usernameFragment.prefix(64)))
    }
    guard (22...256).contains(password.utf8.count), password.utf8.allSatisfy(\.isICECharacter) else {
      throw .badPassword(bytes: password.utf8.count)
    }
    self.usernameFragment = usernameFragment
    self.password = password
  }

  /// New ones: 48 bits of user name fragment, 144 bits of password (RFC 8445 section 5.3 asks for 24 and 128).
  init(using random: inout some RandomNumberGenerator) {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    func text(_ length: Int) -> String {
      String((0..<length).map { _ in alphabet[Int(random.next(upperBound: UInt(alphabet.count)))] })
    }
    usernameFragment = text(8)
    password = text(24)
  }
}

/// Why a peer's ICE credentials can't be used.
public enum ICECredentialsError: Error, Hashable, CustomStringConvertible {
  case badUsernameFragment(String)
  case badPassword(bytes: Int)

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .badUsernameFragment(let text): "ice-ufrag has to be 4...256 ice-chars, not \(text.debugDescription)"
    case .badPassword(let bytes): "ice-pwd has to be 22...256 ice-chars; this one has \(bytes) bytes"
    }
  }
}
