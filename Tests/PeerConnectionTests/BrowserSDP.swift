import Foundation

/// An offer and the answer to it as a browser wrote them, from the captures in the folder `shared` beside the repository.
struct BrowserSDP {
  var offer = ""
  var answer = ""

  struct Missing: Error, CustomStringConvertible {
    var path: String
    var description: String { "there is no capture of a browser's descriptions at \(path)" }
  }

  init(_ browser: String) throws {
    let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
      .deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/reference/browser-sdp")
    let file = folder.appendingPathComponent("\(browser).txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { throw Missing(path: file.path) }
    offer = Self.section("OFFER", of: text)
    answer = Self.section("ANSWER", of: text)
  }

  private static func section(_ title: String, of text: String) -> String {
    let lines = text.components(separatedBy: "\n")
    guard let start = lines.firstIndex(of: title) else { return "" }
    let body = lines[(start + 1)...].prefix { !$0.isEmpty && $0.dropFirst().first == "=" }
    return body.map { $0 + "\r\n" }.joined()
  }
}

extension String {
  /// The description with every line that is `line` replaced.
  func replacingLines(_ line: String, with other: String) -> String {
    components(separatedBy: "\r\n").map { $0 == line ? other : $0 }.joined(separator: "\r\n")
  }
}
