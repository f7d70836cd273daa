/// The text of a chat message on the wire: MDN's page puts it into `innerHTML`, so it is HTML.
public enum HTMLText {
  /// Plain text as HTML that shows just that. A server that strips tags as MDN's does leaves it whole.
  public static func encode(_ text: String) -> String {
    var html = ""
    html.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": html += "&lt;"
      case "&": html += "&amp;"
      default: html.unicodeScalars.append(scalar)
      }
    }
    return html
  }

  /// What a page would show for the references that chat text holds; anything else stays as it is.
  public static func decode(_ html: String) -> String {
    guard html.utf8.contains(UInt8(ascii: "&")) else { return html }
    var text: [UInt8] = []
    var rest = Array(html.utf8)[...]
    while let ampersand = rest.firstIndex(of: UInt8(ascii: "&")) {
      text.append(contentsOf: rest[..<ampersand])
      rest = rest[ampersand...]
      if let reference = references.first(where: { rest.starts(with: $0.name.utf8) }) {
        text.append(contentsOf: reference.character.utf8)
        rest = rest.dropFirst(reference.name.utf8.count)
      } else {
        text.append(rest.removeFirst())
      }
    }
    return String(decoding: text + rest, as: UTF8.self)
  }

  /// Makes HTML from a client harmless: what looks like a tag goes, as on MDN's server (`<[^>]+>`), and each `<` that is
  /// left becomes a character reference, so that an unclosed tag cannot be closed by what the page adds.
  public static func withoutTags(_ html: String) -> String {
    guard html.utf8.contains(UInt8(ascii: "<")) else { return html }
    var result: [UInt8] = []
    var rest = Array(html.utf8)[...]
    // Nothing after the last closing bracket can be a tag; looking for one again and again would be quadratic.
    let lastClose = rest.lastIndex(of: UInt8(ascii: ">")) ?? rest.startIndex
    while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
      result.append(contentsOf: rest[..<open])
      rest = rest[(open + 1)...]
      if open < lastClose, let close = rest.firstIndex(of: UInt8(ascii: ">")), close > rest.startIndex {
        rest = rest[(close + 1)...]
      } else {
        result.append(contentsOf: "&lt;".utf8)
      }
    }
    return String(decoding: result + rest, as: UTF8.self)
  }

  private static let references = [
    (name: "&lt;", character: "<"), (name: "&gt;", character: ">"), (name: "&amp;", character: "&"),
    (name: "&quot;", character: "\""), (name: "&#39;", character: "'"), (name: "&nbsp;", character: "\u{a0}"),
  ]
}
