import Foundation

extension ICEServerOffer.Login {
  /// The shared secret in a file's first line.
  /// - Throws: ``ChatServerError/badCredentials(file:detail:)``.
  public static func timeLimited(secretFile: String, lifetime: Int64) throws(ChatServerError) -> Self {
    .timeLimited(secret: try firstLine(of: secretFile), lifetime: lifetime)
  }

  /// `USERNAME:PASSWORD` in a file's first line.
  /// - Throws: ``ChatServerError/badCredentials(file:detail:)``.
  public static func fixed(loginFile: String) throws(ChatServerError) -> Self {
    let parts = try firstLine(of: loginFile).split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else {
      throw .badCredentials(file: loginFile, detail: "its first line is not USERNAME:PASSWORD")
    }
    return .fixed(username: String(parts[0]), credential: String(parts[1]))
  }

  private static func firstLine(of file: String) throws(ChatServerError) -> String {
    let text: String
    do {
      text = try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      throw .badCredentials(file: file, detail: error.localizedDescription)
    }
    let line = text.prefix { !$0.isNewline }.trimmingCharacters(in: .whitespaces)
    guard !line.isEmpty else { throw .badCredentials(file: file, detail: "its first line is empty") }
    return line
  }
}
