import ArgumentParser
import Foundation

/// `~/.config/glyphone/config`: options that need not be typed each time. A line is the name of an option of
/// `glyphone chat` without its dashes, `=`, and its value; `#` begins a comment. The command line wins.
struct ConfigurationFile {
  struct Line {
    var number: Int
    var option: String
    /// As they would be typed.
    var arguments: [String]
  }

  let path: String
  private(set) var lines: [Line] = []

  /// Options without a value: `yes` or `no` in the file.
  private static let switches: Set<String> = ["loopback", "hide-addresses"]
  private static let otherNames = ["stun": "ice-server"]

  /// Where it is looked for (XDG Base Directory Specification).
  static func standardPath(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
    let home = environment["HOME"] ?? NSHomeDirectory()
    let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.config"
    return base + "/glyphone/config"
  }

  /// Reads the file; one that is not there counts as empty.
  /// - Throws: ``ConfigurationFileError``.
  init(path: String) throws {
    let isThere = FileManager.default.fileExists(atPath: path)
    try self.init(text: isThere ? try String(contentsOfFile: path, encoding: .utf8) : "", path: path)
  }

  /// - Throws: ``ConfigurationFileError`` naming the first line that means nothing.
  init(text: String, path: String) throws {
    self.path = path
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      lines.append(try read(line, number: index + 1))
    }
  }

  private func read(_ line: String, number: Int) throws -> Line {
    let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    guard parts.count == 2, !parts[0].isEmpty else {
      throw ConfigurationFileError(path: path, line: number, problem: "expected OPTION = VALUE")
    }
    let option = Self.otherNames[parts[0]] ?? parts[0]
    var value = parts[1]
    if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = String(value.dropFirst().dropLast()) }
    let arguments: [String]
    switch (Self.switches.contains(option), value) {
    case (false, _): arguments = ["--\(option)", value]
    case (true, "yes"), (true, "true"): arguments = ["--\(option)"]
    case (true, "no"), (true, "false"): arguments = ["--no-\(option)"]
    default: throw ConfigurationFileError(path: path, line: number, problem: "\(option) takes yes or no")
    }
    do {
      _ = try ChatCommand.parse(arguments)
    } catch {
      throw ConfigurationFileError(path: path, line: number, problem: ChatCommand.message(for: error))
    }
    return Line(number: number, option: option, arguments: arguments)
  }

  /// Whether others on this machine can read passwords in it.
  var showsPasswords: Bool {
    let mode = (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int ?? 0
    return mode & 0o077 != 0 && lines.contains { $0.option == "ice-server" && $0.arguments[1].contains(" ") }
  }

  /// The file's lines as arguments of a command, without those that it does not know, and those given to it.
  /// - Parameter given: the command's own arguments. With them a line is tried, for some are required.
  func arguments(for command: any ParsableCommand.Type, given: [String]) -> [String] {
    lines.filter { line in
      let isGiven = given.contains { argument in
        let name = argument.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
        let option = name.hasPrefix("--no-") ? String(name.dropFirst(5)) : String(name.dropFirst(2))
        return name.hasPrefix("--") && (Self.otherNames[option] ?? option) == line.option
      }
      return !isGiven && (try? command.parse(line.arguments + given)) != nil
    }.flatMap(\.arguments)
  }
}

/// A line of the configuration file that cannot be used.
struct ConfigurationFileError: Error, Equatable, CustomStringConvertible {
  var path: String
  var line: Int
  var problem: String

  var description: String { "\(path):\(line): \(problem)" }
}
