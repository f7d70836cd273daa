/// What a ``CellRenderer`` knows of every cell: what it shows, the samples that it was drawn from, and those of the last
/// frame. It decides which cells are worth a closer look.
final class CellMemory {
  private let columns: Int
  let shown: Storage<CellLook>
  /// Of the samples that are on the screen.
  private let drawn: Storage<CellSignature>
  /// Frames since the samples changed, up to ``settled``, where the screen shows their exact look.
  private let still: Storage<UInt8>
  /// The samples of the last frame.
  private let luma: Storage<UInt64>
  private let chroma: Storage<UInt64>

  /// A cell is made exact when its samples have stood still for this many frames.
  private static let patience: UInt8 = 15
  private static let settled: UInt8 = .max

  init(columns: Int, rows: Int) {
    self.columns = columns
    let count = columns * rows
    shown = Storage(repeating: .unknown, count: count)
    drawn = Storage(repeating: .zero, count: count)
    still = Storage(repeating: 0, count: count)
    luma = Storage(repeating: 0, count: count * TileRow.lumaWords)
    chroma = Storage(repeating: 0, count: count * TileRow.chromaWords)
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
    let signatures = Storage(repeating: CellSignature.zero, count: Viewport.largestSide)
  }

  /// Takes the samples of a row; returns how many cells of it are selected.
  /// - Parameters:
  ///   - threshold: an error not worth mending.
  ///   - isWhole: whether every cell is to be drawn.
  @inline(__always)
  func select(
    _ tiles: TileRow, row: Int, detail: CellSignature.Detail, threshold: Float, isWhole: Bool,
    into selection: Selection
  ) -> Int {
    let first = row * columns
    let still = still.pointer + first
    let drawn = UnsafePointer(drawn.pointer + first)
    let (columns, errors) = (selection.columns.pointer, selection.errors.pointer)
    let signatures = selection.signatures.pointer
    let weight = detail.weight
    var count = 0
    for column in 0..<self.columns {
      let luma = UnsafePointer(tiles.luma + column * TileRow.lumaWords)
      let chroma = UnsafePointer(tiles.chroma + column * TileRow.chromaWords)
      var isForced = isWhole
      if takesChange(of: first + column, luma, chroma) {
        still[column] = 0
      } else if !isForced {
        if still[column] == Self.settled { continue }
        still[column] += 1
        if still[column] < Self.patience { continue }
        isForced = true
      }
      let signature = CellSignature(luma: luma, chroma: chroma, detail: detail)
      let error = isForced ? Float.infinity : Float(signature.distance(to: drawn[column])) * weight
      guard error > threshold else { continue }
      columns[count] = Int32(truncatingIfNeeded: column)
      errors[count] = error
      signatures[count] = signature
      count += 1
    }
    if count > 0 { (columns + count).update(repeating: columns[count - 1], count: TileBatch.width) }
    return count
  }

  /// Copies a tile over the last one; whether it was different.
  @inline(__always)
  private func takesChange(of cell: Int, _ luma: UnsafePointer<UInt64>, _ chroma: UnsafePointer<UInt64>) -> Bool {
    typealias Luma = SIMD8<UInt64>
    typealias Chroma = SIMD4<UInt64>
    let newLuma = UnsafeRawPointer(luma).loadUnaligned(as: Luma.self)
    let newChroma = UnsafeRawPointer(chroma).loadUnaligned(as: Chroma.self)
    let lumaPlace = UnsafeMutableRawPointer(self.luma.pointer + cell * TileRow.lumaWords)
    let chromaPlace = UnsafeMutableRawPointer(self.chroma.pointer + cell * TileRow.chromaWords)
    let change = newLuma ^ lumaPlace.loadUnaligned(as: Luma.self)
    let tint = newChroma ^ chromaPlace.loadUnaligned(as: Chroma.self)
    let folded = (change.lowHalf | change.highHalf) | tint
    let pair = folded.lowHalf | folded.highHalf
    guard pair[0] | pair[1] != 0 else { return false }
    lumaPlace.storeBytes(of: newLuma, as: Luma.self)
    chromaPlace.storeBytes(of: newChroma, as: Chroma.self)
    return true
  }

  /// Notes that the screen now shows the look of a selected cell.
  @inline(__always)
  func settle(_ selection: Selection, _ index: Int, row: Int) {
    let cell = row * columns + Int(selection.columns.pointer[index])
    drawn.pointer[cell] = selection.signatures.pointer[index]
    if selection.errors.pointer[index] == .infinity { still.pointer[cell] = Self.settled }
  }
}
