/// Writes commands of kitty's graphics protocol, in pieces of no more than 4096 bytes of data, and through tmux where it
/// stands between.
struct KittyCommands {
  private let support: KittySupport
  private let writer: TerminalWriter

  private static let pieceLength = 4096

  /// What a command does.
  enum Action {
    /// Sends an image and shows it.
    case show
    /// Replaces a part of the image.
    case edit
    case delete

    fileprivate var key: StaticString {
      switch self {
      case .show: "_Ga=T"
      case .edit: "_Ga=f"
      case .delete: "_Ga=d"
      }
    }

    /// How the pieces after the first begin: those of a frame have to say again that they are of one.
    fileprivate var laterKey: StaticString {
      switch self {
      case .show, .delete: "_Gq=2"
      case .edit: "_Ga=f,q=2"
      }
    }
  }

  init(_ support: KittySupport, _ writer: TerminalWriter) {
    self.support = support
    self.writer = writer
  }

  /// A command without data. All of them are quiet (q=2): no answers come back into the input.
  func command(_ action: Action, _ keys: (inout BytePen) -> Void = { _ in }) {
    var pen = writer.begin(atMost: 192)
    open(action, &pen)
    keys(&pen)
    close(&pen)
    writer.finish(pen)
  }

  /// A command with data.
  func command(_ action: Action, _ data: UnsafeBufferPointer<UInt8>, _ keys: (inout BytePen) -> Void) {
    let raw = Self.pieceLength / 4 * 3
    var at = 0
    repeat {
      let piece = UnsafeBufferPointer(rebasing: data[at..<min(at + raw, data.count)])
      var pen = writer.begin(atMost: Base64.length(piece.count) + 224)
      let isLast = at + piece.count == data.count
      if at == 0 {
        open(action, &pen)
        keys(&pen)
        if !isLast { pen.literal(",m=1") }
      } else {
        escape(&pen)
        pen.literal(action.laterKey)
        pen.literal(isLast ? ",m=0" : ",m=1")
      }
      pen.byte(0x3B)
      Base64.write(piece, into: &pen)
      close(&pen)
      writer.finish(pen)
      at += piece.count
    } while at < data.count
  }

  /// Ends what a frame that was cut short may have left unfinished, or the pieces of the next would be taken for its. Where
  /// nothing is unfinished it is a quiet error.
  func abandon() {
    var pen = writer.begin(atMost: 64)
    escape(&pen)
    pen.literal("_Gq=2,m=0")
    close(&pen)
    writer.finish(pen)
  }

  private func open(_ action: Action, _ pen: inout BytePen) {
    escape(&pen)
    pen.literal(action.key)
    pen.literal(",q=2,i=")
    pen.number(Int(support.imageID))
  }

  private func escape(_ pen: inout BytePen) {
    // tmux takes everything up to ST, with each ESC inside doubled.
    if support.isInsideTmux { pen.literal("\u{1B}Ptmux;\u{1B}") }
    pen.byte(0x1B)
  }

  private func close(_ pen: inout BytePen) {
    if support.isInsideTmux { pen.byte(0x1B) }
    pen.literal(ControlSequence.stringTerminator)
    if support.isInsideTmux { pen.literal(ControlSequence.stringTerminator) }
  }
}

extension BytePen {
  /// A key and its value, after others.
  mutating func key(_ name: StaticString, _ value: Int) {
    byte(0x2C)
    literal(name)
    byte(0x3D)
    number(value)
  }
}
