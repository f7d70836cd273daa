import ArgumentParser
import Foundation
import ICE
import Testing

@testable import glyphone

@Suite("The configuration file")
struct ConfigurationFileTests {
  private func file(_ text: String) throws -> ConfigurationFile {
    try ConfigurationFile(text: text, path: "config")
  }

  @Test("gives options as if they were typed before the others")
  func options() throws {
    let file = try file(
      """
      # a comment

      name = alice
        server=wss://chat.example.org
      stun = stun:s.example.org
      ice-server = turns:t.example.org:443 alice pw#1
      """)
    #expect(
      file.arguments(for: ChatCommand.self, given: []) == [
        "--name", "alice", "--server", "wss://chat.example.org", "--ice-server", "stun:s.example.org", "--ice-server",
        "turns:t.example.org:443 alice pw#1",
      ])
    let chat = try ChatCommand.parse(file.arguments(for: ChatCommand.self, given: []))
    #expect(chat.network.iceServers.last?.credential == "pw#1")
  }

  @Test("the command line wins", arguments: [["--name", "bob"], ["--name=bob"]])
  func commandLine(_ given: [String]) throws {
    #expect(try file("name = alice").arguments(for: ChatCommand.self, given: given) == [])
    let own = try file("stun = stun:a\nloopback = yes").arguments(
      for: ChatCommand.self, given: ["--ice-server", "stun:b", "--no-loopback"])
    #expect(own == [])
  }

  @Test("commands get what they know")
  func commands() throws {
    let file = try file("name = alice\nrender = half\nice-policy = relay")
    #expect(file.arguments(for: BotCommand.self, given: []) == ["--name", "alice", "--ice-policy", "relay"])
    #expect(file.arguments(for: DevicesCommand.self, given: []) == [])
  }

  @Test("yes and no for options without a value")
  func switches() throws {
    #expect(try file("hide-addresses = yes").arguments(for: ChatCommand.self, given: []) == ["--hide-addresses"])
    #expect(try file("hide-addresses = no").arguments(for: ChatCommand.self, given: []) == ["--no-hide-addresses"])
  }

  @Test(
    "a bad line is named by its number",
    arguments: [
      "nonsense", "= 5", "colour = red", "port-range = 9", "port-range = 0-5", "ring-time = never", "loopback = maybe",
      "ice-server = http://x", "ice-server = turn:t alice", "ice-policy = some", "camera",
    ])
  func badLines(_ line: String) {
    do {
      _ = try file("name = alice\n\n\(line)\n")
      Issue.record("taken: \(line)")
    } catch {
      #expect("\(error)".hasPrefix("config:3: "), "\(error)")
    }
  }

  @Test("is found where XDG says, and may be missing")
  func place() throws {
    #expect(ConfigurationFile.standardPath(["HOME": "/h"]) == "/h/.config/glyphone/config")
    #expect(ConfigurationFile.standardPath(["HOME": "/h", "XDG_CONFIG_HOME": "/x"]) == "/x/glyphone/config")
    #expect(ConfigurationFile.standardPath(["HOME": "/h", "XDG_CONFIG_HOME": "x"]) == "/h/.config/glyphone/config")
    #expect(try ConfigurationFile(path: "/nowhere/config").lines.isEmpty)
  }

  @Test("says when others can read passwords")
  func permissions() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("config-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("ice-server = turn:t alice secret\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    #expect(try ConfigurationFile(path: path).showsPasswords)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    #expect(try !ConfigurationFile(path: path).showsPasswords)
  }
}
