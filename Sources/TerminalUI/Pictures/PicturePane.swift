public import Calling
public import Frames
import Picture
import Synchronization

/// Where the pictures of a call are drawn. Frames come in on the media threads and are rendered to terminal bytes there;
/// the main thread fetches the bytes and writes them.
///
/// A picture is rendered only when the main thread has given leave for one (``grant(_:)``), which it does when the terminal
/// has room for it; what comes before is kept, and the newest is drawn then. So no picture ever waits as bytes for longer
/// than the main thread needs to fetch it.
public final class PicturePane: PictureSink {
  /// How and where to draw, as the main thread wants it.
  struct Setting: Equatable, Sendable {
    var viewport: Viewport
    var mode: RenderMode
    var capabilities: TerminalCapabilities
    var look = PictureLook()
    /// A new number means that the terminal's picture area was overwritten.
    var serial: Int

    /// Whether text cannot cover the picture: kitty's images lie over it, but for those whose place is told by characters.
    var liesOverText: Bool { mode == .kitty && capabilities.kitty?.isInsideTmux == false }

    /// Whether the screen still shows what was drawn for another setting.
    func continues(_ other: Setting?) -> Bool {
      guard let other else { return false }
      return viewport == other.viewport && mode == other.mode && capabilities == other.capabilities
        && serial == other.serial && look.fit == other.look.fit
    }
  }

  /// What the two sides hand each other.
  private struct Exchange: Sendable {
    var setting: Setting?
    /// Rendered for this setting, or for one that it continues, and not fetched yet.
    var ready: [UInt8]?
    /// Whether rendered bytes were thrown away: the screen does not show what the renderer believes.
    var hasLost = false
    /// Leave for one picture.
    var allowance: OutputPacer.Allowance?
    /// Fetched by the main thread and not written yet.
    var isBeingWritten = false
    var spare: [UInt8] = []
    var wake: (@Sendable () -> Void)?
  }

  /// What rendering needs. Its lock is taken by the thread that brings a picture; a camera that finds it taken goes on.
  private struct Drawing {
    var renderer: Renderer?
    var rendered: Setting?
    var remote: VideoFrame?
    var local: VideoFrame?
    /// The peer's picture that stands still.
    var frozen: VideoFrame?
    /// Pictures of our own since the peer's last one.
    var localSinceRemote = 0
    /// Whether the newest picture is not on the screen because the terminal was busy.
    var isBehind = false
  }

  /// When this many of our own pictures have come since the peer's last one, they are drawn by themselves.
  private static let patience = 10

  private static let hideCursor = Array("\u{1B}[?25l".utf8)

  private let exchange = Mutex(Exchange())
  private let drawing = Mutex(Drawing())

  public init() {}

  public func showRemote(_ frame: VideoFrame) {
    drawing.withLock { drawing in
      drawing.remote = frame
      drawing.localSinceRemote = 0
      render(&drawing)
    }
  }

  public func showLocal(_ frame: VideoFrame) {
    _ = drawing.withLockIfAvailable { drawing in
      drawing.local = frame
      drawing.localSinceRemote += 1
      if drawing.remote == nil || drawing.localSinceRemote > Self.patience { render(&drawing) }
    }
  }

  public func clear() {
    drawing.withLock { drawing in
      drawing.remote = nil
      drawing.local = nil
      drawing.frozen = nil
      drawing.renderer?.invalidate()
      drawing.isBehind = false
      exchange.withLock { $0.ready = nil }
    }
  }

  private func render(_ drawing: inout Drawing) {
    guard let first = drawing.remote ?? drawing.local else { return }
    // Nil: hidden, or the terminal has no room.
    let order = exchange.withLock { exchange -> (Setting, OutputPacer.Allowance, hasLost: Bool, [UInt8])? in
      guard let setting = exchange.setting, exchange.ready == nil, !exchange.isBeingWritten,
        let allowance = exchange.allowance
      else { return nil }
      defer { (exchange.spare, exchange.hasLost) = ([], false) }
      return (setting, allowance, exchange.hasLost, exchange.spare)
    }
    guard case (let setting, let allowance, let hasLost, var bytes)? = order else {
      drawing.isBehind = true
      return
    }
    if hasLost { drawing.renderer?.invalidate() }
    bytes.removeAll(keepingCapacity: true)
    // Some terminals wipe out what is under a cursor that passes by.
    bytes.append(contentsOf: Self.hideCursor)
    let renderer = prepare(&drawing, setting)
    renderer.lambda = allowance.lambda
    renderer.byteLimit = allowance.bytes
    drawing.frozen = setting.look.isFrozen ? drawing.frozen ?? first : nil
    let rendered = renderer.render(
      remote: drawing.frozen ?? first, selfView: drawing.remote == nil ? nil : drawing.local, in: setting.viewport,
      into: &bytes)
    drawing.isBehind = !rendered.isComplete
    let wake = exchange.withLock { exchange -> (@Sendable () -> Void)? in
      let isWanted = exchange.setting?.continues(setting) == true
      guard isWanted, rendered.bytes > 0 else {
        exchange.spare = bytes
        if !isWanted { exchange.hasLost = true }
        return nil
      }
      exchange.ready = bytes
      exchange.allowance = nil
      return exchange.wake
    }
    wake?()
  }

  private func prepare(_ drawing: inout Drawing, _ setting: Setting) -> Renderer {
    let renderer = drawing.renderer ?? Renderer(mode: setting.mode, capabilities: setting.capabilities)
    drawing.renderer = renderer
    if !setting.continues(drawing.rendered) {
      renderer.mode = setting.mode
      renderer.capabilities = setting.capabilities
      renderer.fit = setting.look.fit
      if renderer.memory == nil, setting.capabilities.kitty?.isLocal == true { renderer.memory = SharedPictureMemory() }
      renderer.invalidate()
    }
    renderer.effects = setting.look.effects
    drawing.rendered = setting
    return renderer
  }
}

// MARK: - The main thread's side

extension PicturePane {
  /// Who is to be woken when a frame can be fetched.
  func setWake(_ wake: (@Sendable () -> Void)?) {
    exchange.withLock { $0.wake = wake }
  }

  /// Says how and where to draw from now on; nil hides the picture. Frames rendered for another place are forgotten, and
  /// the last picture is drawn anew, for the next one may be long in coming.
  func configure(_ setting: Setting?) {
    let isChanged = exchange.withLock { exchange -> Bool in
      guard exchange.setting != setting else { return false }
      if let stale = exchange.ready, setting?.continues(exchange.setting) != true {
        exchange.spare = stale
        exchange.ready = nil
        exchange.hasLost = true
      }
      exchange.setting = setting
      return true
    }
    if isChanged, setting != nil { drawing.withLock { render(&$0) } }
  }

  /// What takes a hidden picture off the terminal, to be written before anything else is drawn there; empty where text
  /// covers it.
  func removal() -> [UInt8] {
    drawing.withLock { drawing in
      guard let renderer = drawing.renderer, let rendered = drawing.rendered, rendered.liesOverText else { return [] }
      drawing.rendered = nil
      var bytes: [UInt8] = []
      renderer.clear(rendered.viewport, into: &bytes)
      return bytes
    }
  }

  /// Whether a frame can be fetched.
  var hasFrame: Bool { exchange.withLock { $0.ready != nil } }

  /// The frame to be written now. Give the buffer back when it is written (``finishWriting(_:)``).
  func takeFrame() -> [UInt8]? {
    exchange.withLock { exchange in
      guard let ready = exchange.ready else { return nil }
      exchange.ready = nil
      exchange.isBeingWritten = true
      return ready
    }
  }

  /// The frame is on the terminal.
  func finishWriting(_ buffer: [UInt8]) {
    exchange.withLock { exchange in
      exchange.isBeingWritten = false
      if exchange.spare.capacity < buffer.capacity { exchange.spare = buffer }
    }
  }

  /// Gives leave for one picture; draws the newest at once if it was passed over.
  func grant(_ allowance: OutputPacer.Allowance) {
    exchange.withLock { $0.allowance = allowance }
    _ = drawing.withLockIfAvailable { drawing in
      if drawing.isBehind { render(&drawing) }
    }
  }
}
