import Foundation
import NIOCore

/// What the script asks for; see ../peers/README.md.
struct Command: Decodable, Sendable {
  struct Server: Decodable, Sendable {
    var url: String
    var username: String?
    var credential: String?
  }

  var `do`: String
  var role: String?
  var servers: [Server]?
  var policy: String?
  var ufrag: String?
  var pwd: String?
  var candidate: String?
  var count: Int?
  /// Milliseconds.
  var interval: Double?
  var size: Int?
  /// Whether host candidates of TCP are offered, too.
  var tcp: Bool?
  /// Whether names are told in place of addresses.
  var hides: Bool?
  /// A PEM file of authorities to trust.
  var roots: String?
}

/// What the script is told: a line of JSON each.
enum Report {
  typealias Fields = [String: any Encodable & Sendable]

  private struct Line: Encodable {
    struct Name: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    var fields: Fields

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Name.self)
      for (name, value) in fields { try container.encode(value, forKey: Name(stringValue: name)) }
    }
  }

  // JSONSerialization would take as long as a connectivity check.
  private static let encoder = JSONEncoder()

  static func write(_ kind: String, _ fields: Fields = [:]) {
    var line = Line(fields: fields)
    line.fields["is"] = kind
    line.fields["at"] = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
    guard let data = try? encoder.encode(line) else { return }
    try? FileHandle.standardOutput.write(contentsOf: data + [UInt8(ascii: "\n")])
  }

  static func problem(_ text: some CustomStringConvertible) { write("problem", ["text": "\(text)"]) }
}
