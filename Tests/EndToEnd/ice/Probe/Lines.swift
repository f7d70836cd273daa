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
  static func write(_ kind: String, _ fields: [String: any Sendable] = [:]) {
    var line: [String: Any] = fields
    line["is"] = kind
    line["at"] = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
    guard let data = try? JSONSerialization.data(withJSONObject: line, options: .sortedKeys) else { return }
    try? FileHandle.standardOutput.write(contentsOf: data + [UInt8(ascii: "\n")])
  }

  static func problem(_ text: some CustomStringConvertible) { write("problem", ["text": "\(text)"]) }
}
