import Glibc
import Picture
import TerminalUI

enum Demo {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var mode: RenderMode?
    if let index = arguments.firstIndex(of: "--render"), index + 1 < arguments.count {
      mode = RenderMode(rawValue: arguments[index + 1])
      arguments.removeSubrange(index...(index + 1))
    }
    let journalPath = arguments.count > 1 ? arguments[1] : "/dev/null"
    let pictures = PicturePane()
    let controller = FakeController(name: "anna", pictures: pictures) { line in
      guard let file = fopen(journalPath, "a") else { return }
      fputs(line + "\n", file)
      fclose(file)
    }
    if let script = arguments.first {
      Task.detached {
        guard let file = fopen(script, "r+") else { return }
        while let line = readLine(from: file) { controller.play(line) }
      }
    } else {
      for line in ["online", "users anna bert carla dörte", "chat bert Hello anna, do you see me? Enter calls me."] {
        controller.play(line)
      }
    }
    let ui = TerminalUI(
      controller: controller, pictures: pictures,
      options: TerminalUI.Options(name: "anna", server: "ws://localhost:6503", renderMode: mode))
    do {
      let reason = try ui.run()
      print("bye: \(reason)")
    } catch {
      let words = Array("ui-demo: \(error)\n".utf8)
      write(STDERR_FILENO, words, words.count)
      exit(1)
    }
  }

  private static func readLine(from file: UnsafeMutablePointer<FILE>) -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, file) > 0, let line else { return nil }
    return String(cString: line).split(separator: "\n").first.map(String.init) ?? ""
  }
}
