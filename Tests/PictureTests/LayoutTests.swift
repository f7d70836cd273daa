import Frames
import TestSupport
import Testing

@testable import Picture

@Suite struct LayoutTests {
  private func layout(
    _ columns: Int, _ rows: Int, _ width: Int, _ height: Int, cell: PixelSize? = PixelSize(width: 8, height: 16),
    fit: PictureFit = .letterbox
  ) -> PictureLayout {
    PictureLayout(
      viewport: Viewport(columns: columns, rows: rows, cellPixels: cell),
      remote: VideoSize(width: width, height: height),
      selfView: nil, fit: fit, images: nil)
  }

  @Test func aWidePictureLeavesRowsFree() {
    #expect(layout(80, 40, 1280, 720).picture == CellRectangle(column: 0, row: 8, columns: 80, rows: 23))
  }

  @Test func aNarrowPictureLeavesColumnsFree() {
    #expect(layout(80, 24, 640, 480).picture == CellRectangle(column: 8, row: 0, columns: 64, rows: 24))
  }

  @Test func theShapeOfCellsCounts() {
    #expect(layout(80, 24, 640, 480, cell: PixelSize(width: 10, height: 10)).picture.columns == 32)
    // Unknown: half as wide as high.
    #expect(layout(80, 24, 640, 480, cell: nil).picture.columns == 64)
    // Not believable: the same.
    #expect(layout(80, 24, 640, 480, cell: PixelSize(width: 0, height: -4)).picture.columns == 64)
  }

  @Test func stretchingFillsTheViewport() {
    #expect(layout(80, 24, 640, 480, fit: .stretch).picture == CellRectangle(columns: 80, rows: 24))
  }

  @Test func everyLayoutLiesInsideOfItsViewport() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<500 {
      let cells = CellRectangle(
        column: .random(in: 0...20, using: &random), row: .random(in: 0...20, using: &random),
        columns: .random(in: 1...200, using: &random), rows: .random(in: 1...100, using: &random))
      let size = VideoSize(width: .random(in: 1...4096, using: &random), height: .random(in: 1...4096, using: &random))
      let layout = PictureLayout(
        viewport: Viewport(cells: cells), remote: size, selfView: size, fit: .letterbox,
        images: Bool.random(using: &random) ? ImageBounds(spareLastRow: true) : nil)
      #expect(isInside(layout.picture, cells))
      if let inset = layout.selfView {
        #expect(!inset.isEmpty && isInside(inset, layout.picture))
        #expect(inset.columns * inset.rows * 4 <= layout.picture.columns * layout.picture.rows)
      }
    }
  }

  @Test(arguments: RenderMode.allCases.filter(\.hasPixels))
  func imagesAreBoundedWhateverTheTerminalSays(mode: RenderMode) {
    let viewport = Viewport(columns: 1024, rows: 1024, cellPixels: PixelSize(width: 128, height: 256))
    let capabilities = TerminalCapabilities(
      colors: .trueColor, sixel: SixelSupport(largestImage: PixelSize(width: 90000, height: 1000)))
    let layout = PictureLayout(
      viewport: viewport, remote: nil, selfView: nil, fit: .stretch, images: ImageBounds(mode, capabilities))
    let height = mode == .sixel ? 768 : 4096
    #expect(layout.picturePixels == PixelSize(width: 4096, height: height))
  }

  private func isInside(_ inner: CellRectangle, _ outer: CellRectangle) -> Bool {
    inner.column >= outer.column && inner.row >= outer.row
      && inner.column + inner.columns <= outer.column + outer.columns
      && inner.row + inner.rows <= outer.row + outer.rows
  }

  @Test func aSelfViewTooSmallToSeeIsLeftOut() {
    let size = VideoSize(width: 640, height: 480)
    func selfView(_ columns: Int, _ rows: Int) -> CellRectangle? {
      PictureLayout(
        viewport: Viewport(columns: columns, rows: rows), remote: size, selfView: size, fit: .letterbox, images: nil
      ).selfView
    }
    #expect(selfView(20, 8) == nil)
    #expect(selfView(64, 24) != nil)
  }
}
