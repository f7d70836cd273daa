import Picture

/// A terminal as far as pictures need one: cells with pens, cursor movement, and sixel images over the cells; of other
/// images only where they are. Anything it does not know is counted in `unknown`.
struct ScreenModel {
  enum Ink: Hashable {
    case standard
    case indexed(Int)
    case rgb(Int, Int, Int)
  }

  struct Cell: Hashable {
    var character: Unicode.Scalar = " "
    var foreground = Ink.standard
    var background = Ink.standard
    /// Ink and ground exchanged (SGR 7).
    var isReversed = false
  }

  let columns: Int
  let rows: Int
  let cellWidth: Int
  let cellHeight: Int
  /// Whether a sixel image takes away all that was in the cells under it, as mlterm does.
  private let wipesCells: Bool
  private(set) var cells: [Cell]
  /// Pixels that sixels painted, as 0xRRGGBB, or nil where the cell shows.
  private(set) var pixels: [Int?]
  private(set) var unknown: [String] = []
  /// Sequences that wrote or erased cells: how many cells, and how many images there were.
  private(set) var cellsWritten = 0
  private(set) var images = 0
  /// The cells under the last image of kitty's or iTerm2's.
  private(set) var imageArea: CellRectangle?
  /// The lowest row of pixels an image reached into.
  private(set) var lowestImageRow = -1
  private(set) var scrolls = 0
  private(set) var updateDepth = 0

  private(set) var column = 0
  private(set) var row = 0
  private(set) var pens = Cell()
  private var saved: (Int, Int, Cell) = (0, 0, Cell())
  private var pendingWrap = false
  /// Colours of earlier images, where images share them (CSI ? 1070 l).
  private var sharedRegisters: [Int: Int]?

  init(columns: Int, rows: Int, cellWidth: Int = 8, cellHeight: Int = 16, wipesCells: Bool = false) {
    self.columns = columns
    self.rows = rows
    self.cellWidth = cellWidth
    self.cellHeight = cellHeight
    self.wipesCells = wipesCells
    cells = Array(repeating: Cell(), count: columns * rows)
    pixels = Array(repeating: nil, count: columns * cellWidth * rows * cellHeight)
  }

  subscript(column: Int, row: Int) -> Cell { cells[row * columns + column] }

  mutating func feed(_ bytes: [UInt8]) {
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x1B {
        at = escape(bytes, at + 1)
      } else if byte < 0x20 {
        unknown.append("control \(byte)")
        at += 1
      } else {
        let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        let text = String(decoding: bytes[at..<min(at + length, bytes.count)], as: UTF8.self)
        for scalar in text.unicodeScalars { put(scalar) }
        at += length
      }
    }
  }

  private mutating func escape(_ bytes: [UInt8], _ start: Int) -> Int {
    guard start < bytes.count else { return start }
    switch bytes[start] {
    case 0x5B:
      guard let end = bytes[(start + 1)...].firstIndex(where: { (0x40...0x7E).contains($0) }) else {
        return bytes.count
      }
      control(String(decoding: bytes[start + 1..<end], as: UTF8.self), bytes[end])
      return end + 1
    case 0x50:
      var end = start + 1
      while end + 1 < bytes.count, !(bytes[end] == 0x1B && bytes[end + 1] == 0x5C) { end += 1 }
      sixel(Array(bytes[start + 1..<end]))
      return end + 2
    case 0x5D, 0x5F:
      var end = start + 1
      while end < bytes.count, bytes[end] != 0x07, bytes[end] != 0x1B { end += 1 }
      image(String(decoding: bytes[start..<end], as: UTF8.self))
      return end < bytes.count && bytes[end] == 0x07 ? end + 1 : min(end + 2, bytes.count)
    case 0x37: saved = (column, row, pens)
    case 0x38:
      (column, row, pens) = saved
      pendingWrap = false
    case 0x5C: break
    default: unknown.append("ESC \(bytes[start])")
    }
    return start + 1
  }

  private mutating func control(_ text: String, _ final: UInt8) {
    if text == "?2026" {
      updateDepth += final == 0x68 ? 1 : -1
      return
    }
    if text == "?1070" {
      sharedRegisters = final == 0x6C ? sharedRegisters ?? [:] : nil
      return
    }
    let values = text.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    let first = max(values.first ?? 1, 1)
    switch final {
    case 0x48:
      row = min(first, rows) - 1
      column = min(values.count > 1 ? max(values[1], 1) : 1, columns) - 1
      pendingWrap = false
    case 0x43:
      column = min(column + first, columns - 1)
      pendingWrap = false
    case 0x58:
      for x in column..<min(column + first, columns) { set(x, Cell(background: pens.background)) }
    case 0x6D: graphicRendition(values)
    default: unknown.append("CSI \(text) \(final)")
    }
  }

  private mutating func graphicRendition(_ values: [Int]) {
    var at = 0
    while at < values.count {
      switch values[at] {
      case 0: pens = Cell()
      case 7: pens.isReversed = true
      case 27: pens.isReversed = false
      case 38, 48:
        let isBackground = values[at] == 48
        let ink: Ink
        if at + 4 < values.count, values[at + 1] == 2 {
          ink = .rgb(values[at + 2], values[at + 3], values[at + 4])
          at += 4
        } else if at + 2 < values.count, values[at + 1] == 5 {
          ink = .indexed(values[at + 2])
          at += 2
        } else {
          unknown.append("SGR \(values)")
          return
        }
        if isBackground { pens.background = ink } else { pens.foreground = ink }
      case 30...37: pens.foreground = .indexed(values[at] - 30)
      case 40...47: pens.background = .indexed(values[at] - 40)
      case 90...97: pens.foreground = .indexed(values[at] - 82)
      case 100...107: pens.background = .indexed(values[at] - 92)
      case 39: pens.foreground = .standard
      case 49: pens.background = .standard
      default: unknown.append("SGR \(values)")
      }
      at += 1
    }
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    if pendingWrap {
      pendingWrap = false
      column = 0
      if row == rows - 1 { scrolls += 1 } else { row += 1 }
    }
    set(
      column,
      Cell(
        character: scalar, foreground: pens.foreground, background: pens.background, isReversed: pens.isReversed))
    if column == columns - 1 { pendingWrap = true } else { column += 1 }
  }

  private mutating func set(_ x: Int, _ cell: Cell) {
    cells[row * columns + x] = cell
    cellsWritten += 1
    for y in row * cellHeight..<(row + 1) * cellHeight {
      for pixel in x * cellWidth..<(x + 1) * cellWidth { pixels[y * columns * cellWidth + pixel] = nil }
    }
  }

  /// An image of kitty's (APC) or iTerm2's (OSC 1337), of which only the place matters here. Parts of images that are edited
  /// have none.
  private mutating func image(_ text: String) {
    func cells(_ name: String) -> Int? {
      let keys = text.prefix { $0 != ":" }.split { ",;".contains($0) }
      return keys.lazy.compactMap { $0.hasPrefix(name + "=") ? Int($0.dropFirst(name.count + 1)) : nil }.first
    }
    if text.hasPrefix("_Ga=d"), let area = imageArea {
      paint(area, nil)
      imageArea = nil
    }
    let isOfKitty = text.hasPrefix("_Ga=T")
    guard isOfKitty || text.hasPrefix("]1337;File=") else { return }
    guard let columns = cells(isOfKitty ? "c" : "width"), let rows = cells(isOfKitty ? "r" : "height"),
      column + columns <= self.columns, row + rows <= self.rows
    else { return unknown.append("an image that is cut short or does not fit") }
    images += 1
    let area = CellRectangle(column: column, row: row, columns: columns, rows: rows)
    imageArea = area
    paint(area, 0)
  }

  private mutating func paint(_ area: CellRectangle, _ color: Int?) {
    for y in area.row * cellHeight..<(area.row + area.rows) * cellHeight {
      for x in area.column * cellWidth..<(area.column + area.columns) * cellWidth {
        pixels[y * columns * cellWidth + x] = color
      }
    }
  }

  private mutating func sixel(_ bytes: [UInt8]) {
    images += 1
    guard let image = SixelImage(bytes, registers: sharedRegisters ?? [:]) else {
      unknown.append("DCS")
      return
    }
    if sharedRegisters != nil { sharedRegisters = image.registers }
    let left = column * cellWidth
    let top = row * cellHeight
    lowestImageRow = max(lowestImageRow, top + image.height - 1)
    if wipesCells {
      let width = image.lines.map(\.count).max() ?? 0
      let under = CellRectangle(
        column: column, row: row, columns: min((width + cellWidth - 1) / cellWidth, columns - column),
        rows: min((image.height + cellHeight - 1) / cellHeight, rows - row))
      paint(under, nil)
    }
    for (y, line) in image.lines.enumerated() where top + y < rows * cellHeight {
      for (x, color) in line.enumerated() where left + x < columns * cellWidth {
        guard let color else { continue }
        pixels[(top + y) * columns * cellWidth + left + x] = color
      }
    }
  }

  /// The pixels under the cells of a rectangle, row by row, nil where nothing was painted.
  func pixel(_ x: Int, _ y: Int) -> Int? { pixels[y * columns * cellWidth + x] }
}
