import Calling
import NIOCore

extension ScreenModel {
  /// Takes a key.
  /// - Parameter target: for a mouse press, what is under the pointer.
  mutating func key(_ key: KeyInput, target: Canvas.Target? = nil, now: NIODeadline) -> [Effect] {
    self.now = now
    defer { arrange() }
    switch key {
    case .control("c"): return quitKey()
    case .control("z"): return [.suspend]
    case .control("l"): return [.repaint]
    case .mouse(let mouse) where mouse.action == .press:
      if case .key(let stroke)? = target { return self.key(stroke, now: now) }
    default: break
    }
    if let prompt, !isGraceful(key) { return answer(prompt, key) }
    if isHelpOpen { return helpKey(key) }
    if let effects = globalKey(key) { return effects }
    return focus == .users ? listKey(key, target: target) : inputKey(key, target: target)
  }

  /// Whether a key still belongs to the line that was being typed when the prompt came up.
  private mutating func isGraceful(_ key: KeyInput) -> Bool {
    guard let until = promptGrace, now < until else { return false }
    switch key {
    case .character, .backspace:
      promptGrace = now + Self.typingGrace
      return true
    default: return false
    }
  }

  // MARK: - Prompts

  private mutating func answer(_ prompt: Prompt, _ key: KeyInput) -> [Effect] {
    guard case .character(let character) = key else { return dismiss(prompt, key) }
    switch (prompt, Character(character.lowercased())) {
    case (.incoming, "y"): return closeIncoming(.answer)
    case (.incoming, "n"): return closeIncoming(.reject)
    case (.device, "r"): return closeDevice(.receiveOnly)
    case (.device, "t"): return closeDevice(.synthetic)
    case (.device, "c"), (.device, "n"): return closeDevice(.cancel)
    case (.confirmQuit, "y"): return leave()
    case (.confirmQuit, "n"): confirmsQuit = false
    default: break
    }
    return []
  }

  private mutating func dismiss(_ prompt: Prompt, _ key: KeyInput) -> [Effect] {
    switch (prompt, key) {
    case (.incoming, .function(10)), (.incoming, .control("x")), (.incoming, .alt("h")): return closeIncoming(.reject)
    case (.device, .escape): return closeDevice(.cancel)
    case (.confirmQuit, .escape): confirmsQuit = false
    default: break
    }
    return []
  }

  private mutating func closeIncoming(_ command: CallCommand) -> [Effect] {
    incoming = nil
    nextBell = nil
    return [.command(command)]
  }

  private mutating func closeDevice(_ answer: DeviceAnswer) -> [Effect] {
    deviceQuestion = nil
    return [.command(.deviceAnswer(answer))]
  }

  private mutating func quitKey() -> [Effect] {
    guard isInCall, !confirmsQuit, !isLeaving else { return leave() }
    confirmsQuit = true
    return []
  }

  private mutating func leave() -> [Effect] {
    guard !isLeaving else { return [.leave] }
    isLeaving = true
    confirmsQuit = false
    return [.command(.quit)]
  }

  // MARK: - Help

  private mutating func helpKey(_ key: KeyInput) -> [Effect] {
    switch key {
    case .up, .character("k"): helpOffset = max(helpOffset - 1, 0)
    case .down, .character("j"): helpOffset += 1
    case .pageUp: helpOffset = max(helpOffset - rows / 2, 0)
    case .pageDown: helpOffset += rows / 2
    case .mouse(let mouse) where mouse.action == .wheelUp: helpOffset = max(helpOffset - 2, 0)
    case .mouse(let mouse) where mouse.action == .wheelDown: helpOffset += 2
    default: isHelpOpen = false
    }
    helpOffset = min(helpOffset, ScreenView.maximumHelpOffset(columns: columns, rows: rows))
    return []
  }

  private mutating func openHelp() {
    isHelpOpen = true
    helpOffset = 0
  }

  // MARK: - Keys that work everywhere

  private mutating func globalKey(_ key: KeyInput) -> [Effect]? {
    switch key {
    case .function(1), .alt("?"), .alt("/"): openHelp()
    case .function(4), .alt("m"): return [toggleMicrophone()]
    case .function(5), .alt("v"): return [toggleCamera()]
    case .function(6), .alt("r"): return [.render(nil)]
    case .function(7), .alt("s"): toggleStatistics()
    case .function(10), .alt("h"), .control("x"): return hangUp()
    case .alt("q"), .control("q"): return quitKey()
    case .pageUp: scroll(max(layout.chat.rows - 1, 1))
    case .pageDown: scroll(-max(layout.chat.rows - 1, 1))
    case .mouse(let mouse) where mouse.action == .wheelUp: scroll(3)
    case .mouse(let mouse) where mouse.action == .wheelDown: scroll(-3)
    case .paste(let text):
      focus = .input
      editor.insert(text)
    case .statusReport: break
    case _ where isInCall && look.take(key): break
    default: return nil
    }
    return []
  }

  private mutating func scroll(_ lines: Int) {
    if layout.chat.isEmpty {
      focus = .input
      arrange()
    }
    log.scroll(lines, rows: layout.chat.rows)
  }

  private func toggleMicrophone() -> Effect { .command(.muteMicrophone(!call.isMicrophoneMuted)) }
  private func toggleCamera() -> Effect { .command(.turnCameraOff(!call.isCameraOff)) }

  private mutating func toggleStatistics() {
    guard isInCall else { return add(.notice(.information), "There is no call, so there are no figures.") }
    showsStatistics.toggle()
  }

  private mutating func hangUp() -> [Effect] {
    guard isInCall else {
      add(.notice(.information), "There is no call to hang up.")
      return []
    }
    return [.command(.hangUp)]
  }

  // MARK: - The user list

  private mutating func listKey(_ key: KeyInput, target: Canvas.Target?) -> [Effect] {
    switch key {
    case .up, .character("k"): select(by: -1)
    case .down, .character("j"): select(by: 1)
    case .home: selected = users.first
    case .end: selected = users.last
    case .enter: return inviteSelected()
    case .tab, .backTab, .escape: focus = .input
    case .character("?"): openHelp()
    case .mouse: return press(target)
    default:
      // Whoever begins to type wants to chat.
      focus = .input
      return inputKey(key, target: target)
    }
    return []
  }

  private mutating func select(by step: Int) {
    guard !users.isEmpty else { return }
    let index = selected.flatMap { users.firstIndex(of: $0) } ?? 0
    selected = users[min(max(index + step, 0), users.count - 1)]
  }

  private func inviteSelected() -> [Effect] {
    selected.map { [.command(.invite($0))] } ?? []
  }

  private mutating func press(_ target: Canvas.Target?) -> [Effect] {
    switch target {
    case .user(let name):
      selected = name
      return inviteSelected()
    case .chat, .input: focus = .input
    case .key, nil: break
    }
    return []
  }

  // MARK: - The input line

  private mutating func inputKey(_ key: KeyInput, target: Canvas.Target?) -> [Effect] {
    switch key {
    case .character(let character):
      lastTyped = now
      editor.insert(String(character))
    case .enter: return enter()
    case .tab: complete()
    case .backTab: focus = .users
    case .escape: log.scrollToEnd()
    case .mouse: return press(target)
    default: edit(key)
    }
    return []
  }

  private mutating func edit(_ key: KeyInput) {
    switch key {
    case .backspace: editor.deleteBackward()
    case .delete, .control("d"): editor.deleteForward()
    case .left, .control("b"): editor.moveLeft()
    case .right, .control("f"): editor.moveRight()
    case .wordLeft, .alt("b"): editor.moveWordLeft()
    case .wordRight, .alt("f"): editor.moveWordRight()
    case .home, .control("a"): editor.moveHome()
    case .end, .control("e"): editor.moveEnd()
    case .control("k"): editor.killToEnd()
    case .control("u"): editor.killToStart()
    case .control("w"): editor.killWord()
    case .alt("d"): editor.killWordForward()
    case .control("y"): editor.yank()
    case .up, .control("p"): editor.historyUp()
    case .down, .control("n"): editor.historyDown()
    default: break
    }
  }

  private mutating func complete() {
    guard !editor.isEmpty, let completed = SlashCommand.completion(of: editor.text, users: callable) else {
      focus = .users
      return
    }
    editor.replace(with: completed)
  }

  private var callable: [String] { users.filter { $0 != ownName } }

  private mutating func enter() -> [Effect] {
    guard !editor.text.trimmingSpaces.isEmpty else { return [] }
    let isCommand = editor.text.hasPrefix("/") && !editor.text.hasPrefix("//")
    guard isCommand || connection == .online else {
      add(.notice(.warning), "Not sent: there is no connection to the server. The text stays in the input line.")
      return []
    }
    let line = editor.enter()
    log.scrollToEnd()
    if line.hasPrefix("//") { return [.command(.chat(String(line.dropFirst())))] }
    guard line.hasPrefix("/") else { return [.command(.chat(line))] }
    do throws(SlashCommand.Problem) {
      return run(try SlashCommand.parse(line))
    } catch {
      add(.notice(.warning), error.text)
      return []
    }
  }

  private mutating func run(_ command: SlashCommand) -> [Effect] {
    switch command {
    case .call(let name?): return [.command(.invite(match(name)))]
    case .call(nil): add(.notice(.warning), "Whom? /call NAME, or Tab to the user list and Enter.")
    case .answer: return [.command(.answer)]
    case .reject: return [.command(.reject)]
    case .hangUp: return hangUp()
    case .mute: return [toggleMicrophone()]
    case .video: return [toggleCamera()]
    case .name(let name): return [.command(.rename(name))]
    case .render(let mode): return [.render(mode)]
    case .picture(let words):
      if let problem = look.take(words) { add(.notice(.information), problem) }
    case .statistics: toggleStatistics()
    case .help: openHelp()
    case .quit: return quitKey()
    }
    return []
  }

  /// The user that is meant: by the name itself, else by its only match regardless of case.
  private func match(_ name: String) -> String {
    if users.contains(name) { return name }
    let near = users.filter { $0.lowercased() == name.lowercased() }
    return near.count == 1 ? near[0] : name
  }
}
