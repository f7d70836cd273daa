/// Which parts of a picture changed: for each row of cells the first and last column of pixels.
final class ChangeMap {
  /// A part of the picture: rows of cells, columns of pixels that begin at a cell.
  struct Part {
    var rows: Range<Int>
    var columns: Range<Int>
  }

  private let rows: Int
  private let cellWidth: Int
  /// First beyond last when there is none.
  private let spans: Storage<(first: Int, last: Int)>

  /// Most parts a frame is made of; terminals draw few large images faster than many small ones.
  static let mostParts = 4
  /// Rows that stand still between two parts.
  private static let gap = 2

  init(rows: Int, cellWidth: Int) {
    self.rows = rows
    self.cellWidth = cellWidth
    spans = Storage(repeating: (first: .max, last: -1), count: rows)
  }

  func clear() {
    spans.fill((first: .max, last: -1))
  }

  /// Notes that the pixels of some columns in a row of cells changed.
  @inline(__always)
  func note(row: Int, _ columns: Range<Int>) {
    let span = spans.pointer + row
    span.pointee = (
      first: min(span.pointee.first, columns.lowerBound), last: max(span.pointee.last, columns.upperBound - 1)
    )
  }

  /// Notes the runs of a raster that changed.
  func note(_ raster: PixelRaster, cellHeight: Int) {
    for y in 0..<raster.height {
      for run in 0..<raster.runs where raster.hasChanged(run: run, row: y) {
        let start = run * PixelRaster.run
        note(row: y / cellHeight, start..<min(start + PixelRaster.run, raster.width))
      }
    }
  }

  /// Goes through the parts from top to bottom.
  func forEachPart(_ body: (Part) -> Void) {
    var parts = 0
    var row = 0
    while row < rows {
      guard spans.pointer[row].last >= 0 else {
        row += 1
        continue
      }
      var end = row + 1
      var columns = spans.pointer[row]
      // The last part takes all that is left; the others end where some rows stand still.
      var next = row + 1
      while next < rows, parts == Self.mostParts - 1 || next - end < Self.gap {
        let span = spans.pointer[next]
        if span.last >= 0 {
          columns = (first: min(columns.first, span.first), last: max(columns.last, span.last))
          end = next + 1
        }
        next += 1
      }
      body(Part(rows: row..<end, columns: columns.first / cellWidth * cellWidth..<columns.last + 1))
      parts += 1
      row = end
    }
  }
}
