extension CellHalves {
  /// The mean colours of the two halves of a tile.
  @inline(__always)
  init(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) {
    let rows =
      ByteSums.even(luma[0], luma[1], luma[2], luma[3]) &+ ByteSums.even(luma[4], luma[5], luma[6], luma[7])
      &+ ByteSums.odd(luma[0], luma[1], luma[2], luma[3]) &+ ByteSums.odd(luma[4], luma[5], luma[6], luma[7])
    // Lanes: upper and lower U, upper and lower V, eight samples each.
    let tint =
      ByteSums.even(chroma[0], chroma[1], chroma[2], chroma[3])
      &+ ByteSums.odd(chroma[0], chroma[1], chroma[2], chroma[3]) &+ (4 &* ByteSums.runningSum)
    func byte(_ value: Int) -> UInt8 { UInt8(truncatingIfNeeded: value) }
    let upper = Color(
      y: byte((ByteSums.lane(rows, 0) + ByteSums.lane(rows, 1) + 16) >> 5), u: byte(ByteSums.lane(tint, 0) >> 3),
      v: byte(ByteSums.lane(tint, 2) >> 3))
    let lower = Color(
      y: byte((ByteSums.lane(rows, 2) + ByteSums.lane(rows, 3) + 16) >> 5), u: byte(ByteSums.lane(tint, 1) >> 3),
      v: byte(ByteSums.lane(tint, 3) >> 3))
    self.init(upper: upper, lower: lower)
  }
}

/// Upper and lower half of the cell, a colour each.
struct HalfMatcher: CellMatcher {
  let pens: PenChooser
  let repertoire = CellWriter.Repertoire.blocks
  let detail = CellDetail.halves

  @inline(__always)
  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      let halves = CellHalves(luma: job.luma(column), chroma: job.chroma(column))
      job.looks[index] =
        !pens.isExact && halves.upper.isNear(halves.lower)
        ? pens.flat(halves.lower, column: column, row: job.row)
        : pens.look(.lowerHalf, ink: halves.lower, ground: halves.upper, column: column, row: job.row)
    }
  }
}
