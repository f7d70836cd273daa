/// What is known of a terminal by the name it gives itself.
struct KnownTerminal {
  let hasTrueColor: Bool
  let isMultiplexer: Bool

  init(_ name: String) {
    let lowered = name.lowercased()
    func isOne(of names: [String]) -> Bool { names.contains { lowered.hasPrefix($0) } }
    hasTrueColor =
      isOne(of: [
        "xterm(", "foot", "kitty", "wezterm", "konsole", "vte", "mintty", "contour", "iterm2", "ghostty", "alacritty",
        "mlterm", "rio",
      ]) && Self.version(lowered, of: "xterm(") ?? .max >= 331
    isMultiplexer = lowered.hasPrefix("tmux")
  }

  /// The number right after a prefix.
  private static func version(_ name: String, of prefix: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0.isNumber })
  }
}
