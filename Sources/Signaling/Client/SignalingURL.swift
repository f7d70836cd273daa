/// Where a chat server is: `ws://HOST[:PORT][/PATH]` or `wss://...`.
public struct SignalingURL: Sendable, Equatable, CustomStringConvertible {
  /// Where MDN's sample and our server listen unless told otherwise.
  public static let defaultPort = 6503

  public var isSecure: Bool
  /// A name or an address; IPv6 addresses without their brackets.
  public var host: String
  /// 1 to 65535.
  public var port: Int
  /// With its query; begins with a slash.
  public var path: String

  /// - Parameter text: a URL, or just `HOST[:PORT]`, which means `ws://`.
  /// - Throws: ``SignalingURLError`` naming what is wrong.
  public init(_ text: String) throws(SignalingURLError) {
    var rest = Substring(text)
    isSecure = false
    if let scheme = text.firstRange(of: "://") {
      switch text[..<scheme.lowerBound].lowercased() {
      case "ws": isSecure = false
      case "wss": isSecure = true
      default: throw SignalingURLError(text: text, problem: "the scheme must be ws or wss")
      }
      rest = text[scheme.upperBound...]
    }
    guard rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7f }) else {
      throw SignalingURLError(text: text, problem: "only printable ASCII without spaces is allowed")
    }
    rest = rest.prefix { $0 != "#" }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let suffix = rest[authority.endIndex...]
    path = suffix.hasPrefix("/") ? String(suffix) : "/" + suffix
    guard !authority.contains("@") else {
      throw SignalingURLError(text: text, problem: "user names and passwords are not supported")
    }
    guard let (host, port) = Self.split(authority) else {
      throw SignalingURLError(text: text, problem: "an IPv6 address is written in brackets, [::1] for instance")
    }
    guard !host.isEmpty else { throw SignalingURLError(text: text, problem: "the host is missing") }
    self.host = String(host)
    guard let port else {
      self.port = Self.defaultPort
      return
    }
    guard port.allSatisfy(\.isNumber), let number = Int(port), (1...65535).contains(number) else {
      throw SignalingURLError(text: text, problem: "the port must be a number from 1 to 65535")
    }
    self.port = number
  }

  /// Host, and port if there is one; nil if the brackets do not match.
  private static func split(_ authority: Substring) -> (host: Substring, port: Substring?)? {
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      let after = authority[authority.index(after: end)...]
      guard after.isEmpty || after.first == ":" else { return nil }
      return (authority[authority.index(after: authority.startIndex)..<end], after.isEmpty ? nil : after.dropFirst())
    }
    guard let colon = authority.firstIndex(of: ":") else { return (authority, nil) }
    let port = authority[authority.index(after: colon)...]
    return port.contains(":") ? nil : (authority[..<colon], port)
  }

  public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(path == "/" ? "" : path)" }

  /// `HOST:PORT`, as the HTTP Host field wants it.
  var authority: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// A URL that does not say where a chat server is.
public struct SignalingURLError: Error, Sendable, Equatable, CustomStringConvertible {
  public var text: String
  public var problem: String

  public var description: String {
    "\"\(TextSafety.singleLine(text))\" is no server address such as ws://localhost:6503: \(problem)"
  }
}
