import CSamples

/// What a ``CellRenderer`` knows of every cell: what it shows, the samples that it was drawn from, and those of the last
/// frame. It decides which cells are worth a closer look.
final class CellMemory {
  private let columns: Int
  let shown: Storage<CellLook>
  /// Of the samples that are on the screen.
  private let drawn: Storage<glyphone_outline>
  /// Frames since the samples changed, up to ``settled``, where the screen shows their exact look.
  private let still: Storage<UInt8>
  /// Of the samples of the last frame. (The samples themselves would be all that a processor's cache holds.)
  private let sums: Storage<UInt64>

  /// A cell is made exact when its samples have stood still for this many frames.
  private static let patience: UInt8 = 15
  private static let settled: UInt8 = .max

  init(columns: Int, rows: Int) {
    self.columns = columns
    let count = columns * rows
    shown = Storage(repeating: .unknown, count: count)
    drawn = Storage(repeating: glyphone_outline(), count: count)
    still = Storage(repeating: 0, count: count)
    sums = Storage(repeating: 0, count: count)
  }

  /// Forgets what the screen shows.
  func forget() {
    shown.fill(.unknown)
    still.fill(0)
  }

  /// The cells of a row to look at, with how wrong they are on the screen.
  struct Selection {
    let columns = Storage<Int32>(repeating: 0, count: Viewport.largestSide + TileBatch.width)
    /// Squared error of 4x4 samples; infinite for a cell to be made exact whatever it costs.
    let errors = Storage<Float>(repeating: 0, count: Viewport.largestSide)
    /// What they look like.
    fileprivate let outlines = Storage(repeating: glyphone_outline(), count: Viewport.largestSide)
    /// Of every cell of the row, whether its samples are others than in the last frame.
    fileprivate let isChanged = Storage<UInt8>(repeating: 0, count: Viewport.largestSide)
  }

  /// Takes the samples of a row; returns how many cells of it are selected.
  /// - Parameters:
  ///   - threshold: an error not worth mending.
  ///   - isWhole: whether every cell is to be drawn.
  @inline(__always)
  func select(
    _ tiles: TileRow, row: Int, detail: CellDetail, threshold: Float, isWhole: Bool, into selection: Selection
  ) -> Int {
    let first = row * columns
    glyphone_samples_follow(tiles.luma, tiles.chroma, sums.pointer + first, selection.isChanged.pointer, columns)
    let candidates = chooseCandidates(row: row, isWhole: isWhole, into: selection)
    let columns = selection.columns.pointer
    let count = glyphone_samples_select(
      tiles.luma, tiles.chroma, drawn.pointer + first, detail == .halves ? 1 : 0, detail.weight, threshold, columns,
      selection.errors.pointer, selection.outlines.pointer, candidates)
    if count > 0 { (columns + count).update(repeating: columns[count - 1], count: TileBatch.width) }
    return count
  }

  /// The cells of a row that have changed, and those that are to be made exact: their error is infinite, that of others 0.
  @inline(__always)
  private func chooseCandidates(row: Int, isWhole: Bool, into selection: Selection) -> Int {
    let still = still.pointer + row * columns
    let isChanged = UnsafePointer(selection.isChanged.pointer)
    let (columns, errors) = (selection.columns.pointer, selection.errors.pointer)
    var count = 0
    for column in 0..<self.columns {
      var isForced = isWhole
      if isChanged[column] != 0 {
        still[column] = 0
      } else if !isForced {
        if still[column] == Self.settled { continue }
        still[column] += 1
        if still[column] < Self.patience { continue }
        isForced = true
      }
      columns[count] = Int32(truncatingIfNeeded: column)
      errors[count] = isForced ? .infinity : 0
      count += 1
    }
    return count
  }

  /// Notes that the screen now shows the look of a selected cell.
  @inline(__always)
  func settle(_ selection: Selection, _ index: Int, row: Int) {
    settle(selection, index, row: row, outline: selection.outlines.pointer[index])
  }

  /// Notes what the screen now shows of a selected cell.
  @inline(__always)
  func settle(_ selection: Selection, _ index: Int, row: Int, outline: glyphone_outline) {
    let cell = row * columns + Int(selection.columns.pointer[index])
    drawn.pointer[cell] = outline
    if selection.errors.pointer[index] == .infinity { still.pointer[cell] = Self.settled }
  }
}
