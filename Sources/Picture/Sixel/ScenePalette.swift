/// The colours of a scene. They are chosen when it begins, from its first picture, and improved a few at a time while it
/// goes on: each moves to the mean of the pixels it is used for, and one that is hardly used is given to where the error
/// is largest.
final class ScenePalette {
  /// What was seen of a colour since the last improvement.
  private struct Use {
    var count: Int32 = 0
    var y: Int32 = 0
    var u: Int32 = 0
    var v: Int32 = 0
    /// Sum of the distances, and the sample that was farthest away.
    var error: Int32 = 0
    var farthest: Int32 = 0
    var farthestColor = Color.black
  }

  let lookup = PaletteLookup()
  private let limit: Int
  private let histogram = ColorHistogram()
  private let storage = Storage<Color>(repeating: .black, count: PaletteLookup.mostColors)
  private let uses = Storage<Use>(repeating: Use(), count: PaletteLookup.mostColors + 1)
  /// Colours that are no longer what the screen shows under their number.
  private let isStale = Storage<Bool>(repeating: false, count: PaletteLookup.mostColors + 1)
  /// Colours the terminal has not been told.
  let isNew = Storage<Bool>(repeating: true, count: PaletteLookup.mostColors + 1)
  /// Colours for whose pixels the nearest is to be found anew.
  private let isOther = Storage<Bool>(repeating: false, count: PaletteLookup.mostColors + 1)
  private let settled = Storage<Color>(repeating: .black, count: PaletteLookup.mostColors)
  private var roundsLeft = 0
  private var frames = 0
  /// The colour after the last that was moved.
  private var improved = 0
  /// Mean error of the palette when it was made.
  private var freshError = 0
  /// By how much, as a share of that, it was larger with the pictures since, added up.
  private var strain = 0.0

  /// Rounds of moving the colours of a new palette, one with each of the next pictures: together they would hold up the
  /// first one.
  private static let rounds = 2
  /// Frames from one improvement to the next: after each the nearest colours are to be found anew.
  private static let pace = 16
  /// The strain at which other colours are chosen: when the error was a third larger for some ten frames, for instance.
  private static let mostStrain = 3.0
  /// How many pixels are looked at to tell how well the colours suit the picture, and with each picture to improve them.
  private static let samples = (error: 750, use: 1700)
  /// Most colours that are moved, and most that are given away, at once.
  private static let mostMoves = 32
  private static let mostGifts = 4
  /// A colour moves when that is farther than this.
  private static let smallMove: Int32 = 12

  /// - Parameter registers: of the terminal.
  init(registers: Int) {
    limit = min(max(registers, 2), PaletteLookup.mostColors)
  }

  var colors: UnsafeBufferPointer<Color> { UnsafeBufferPointer(start: storage.pointer, count: lookup.count) }

  /// How well the colours suit a picture.
  enum Fit {
    case good
    /// The scene has changed a good deal since they were chosen.
    case poor
    /// Not at all: another scene has begun.
    case none
  }

  func fit(to raster: PixelRaster) -> Fit {
    guard lookup.count > 0 else { return .none }
    let error = error(raster)
    if error > 4 * freshError + 120 { return .none }
    guard roundsLeft == 0 else { return .good }
    strain = max(0, strain + Double(error - freshError) / Double(freshError + 10))
    return strain > Self.mostStrain ? .poor : .good
  }

  /// Chooses colours for a new scene, which the next pictures refine.
  func begin(_ raster: PixelRaster) {
    histogram.count(raster)
    let count = histogram.cut(into: limit, storage.pointer)
    let colors = UnsafeMutableBufferPointer(start: storage.pointer, count: count)
    lookup.setColors(UnsafeBufferPointer(colors))
    histogram.settle(colors, by: lookup)
    histogram.sortByUse(colors)
    for number in 0..<count { colors[number] = SixelColor(colors[number]).shown }
    lookup.setColors(UnsafeBufferPointer(colors))
    uses.fill(Use())
    frames = 0
    strain = 0
    roundsLeft = Self.rounds
    freshError = error(raster)
    everythingIsRepainted()
  }

  /// Moves the colours of a new palette once more to the mean of what is nearest to them.
  private func refine(_ raster: PixelRaster) {
    roundsLeft -= 1
    let colors = UnsafeMutableBufferPointer(start: settled.pointer, count: lookup.count)
    _ = colors.update(fromContentsOf: self.colors)
    histogram.settle(colors, by: lookup)
    for number in 0..<colors.count {
      let moved = SixelColor(colors[number]).shown
      if moved != storage.pointer[number] { set(number, moved) }
    }
    lookup.setColors(self.colors)
    freshError = error(raster)
  }

  /// The whole picture is painted with the colours there are now.
  func everythingIsRepainted() {
    isStale.fill(false)
    isNew.fill(true)
  }

  /// Of so many rows and columns one is looked at, to look at about that many pixels.
  private static func step(for samples: Int, of raster: PixelRaster) -> Int {
    max(1, Int(Double(raster.width * raster.height / samples).squareRoot()))
  }

  /// The mean distance of the picture's pixels to their colours, from a sparse grid.
  private func error(_ raster: PixelRaster) -> Int {
    var sum = 0
    var count = 0
    let step = Self.step(for: Self.samples.error, of: raster)
    for y in stride(from: 0, to: raster.height, by: step) {
      for x in stride(from: y & 7, to: raster.width, by: step) {
        let color = raster.color(x: x, y: y).displayed
        let nearest = lookup.nearest(color)
        sum += Int(lookup.entries[Int(nearest)].distance(y: Int32(color.y), u: Int32(color.u), v: Int32(color.v)))
        count += 1
      }
    }
    return sum / max(count, 1)
  }

  /// Looks at some pixels and the colours they were given. Every so many frames the colours are improved.
  /// - Returns: whether some of them became stale (``forEachStale(_:)``).
  func improve(_ raster: PixelRaster, _ indices: UnsafePointer<UInt8>) -> Bool {
    if roundsLeft > 0 {
      refine(raster)
      return false
    }
    observe(raster, indices)
    frames += 1
    guard frames % Self.pace == 0 else { return false }
    let isAnyStale = adjust()
    uses.fill(Use())
    return isAnyStale
  }

  private func observe(_ raster: PixelRaster, _ indices: UnsafePointer<UInt8>) {
    // Other pixels with every frame, so that small things are seen, too.
    let step = Self.step(for: Self.samples.use, of: raster)
    let phase = frames % step
    for y in stride(from: phase, to: raster.height, by: step) {
      let (luma, chroma) = (raster.y + y * raster.stride, y / 2 * raster.chromaStride)
      let (blue, red) = (raster.u + chroma, raster.v + chroma)
      let numbers = indices + y * raster.stride
      var x = (y + 5 * phase) % step
      while x < raster.width {
        observe(Color(y: luma[x], u: blue[x &>> 1], v: red[x &>> 1]).displayed, Int(numbers[x]))
        x &+= step
      }
    }
  }

  /// Notes a pixel that has the colour of a number.
  @inline(__always)
  private func observe(_ color: Color, _ number: Int) {
    let use = uses.pointer + number
    let (y, u, v) = (Int32(color.y), Int32(color.u), Int32(color.v))
    let distance = lookup.entries[number].distance(y: y, u: u, v: v)
    use.pointee.count &+= 1
    use.pointee.y &+= y
    use.pointee.u &+= u
    use.pointee.v &+= v
    use.pointee.error &+= distance
    if distance > use.pointee.farthest {
      use.pointee.farthest = distance
      use.pointee.farthestColor = color
    }
  }

  private func adjust() -> Bool {
    var changes = 0
    var isAnyStale = false
    isOther.fill(false)
    let first = improved % lookup.count
    for step in 0..<lookup.count where changes < Self.mostMoves {
      let number = (first + step) % lookup.count
      improved = number + 1
      let use = uses.pointer[number]
      guard use.count >= 8 else { continue }
      func mean(_ sum: Int32) -> UInt8 { UInt8(clamping: (sum + use.count / 2) / use.count) }
      let moved = SixelColor(Color(y: mean(use.y), u: mean(use.u), v: mean(use.v))).shown
      guard Self.distance(moved, storage.pointer[number]) > Self.smallMove else { continue }
      set(number, moved)
      isOther.pointer[number] = true
      changes += 1
    }
    for _ in 0..<Self.mostGifts {
      guard let (giver, taker) = gift() else { break }
      set(giver, SixelColor(uses.pointer[taker].farthestColor).shown)
      uses.pointer[giver].count = .max
      uses.pointer[taker].error = 0
      isOther.pointer[giver] = true
      isOther.pointer[taker] = true
      isAnyStale = makeStale(giver)
      changes += 1
    }
    if changes > 0 { lookup.setColors(colors, others: isOther.pointer) }
    return isAnyStale
  }

  /// A colour that is hardly used, and one whose pixels are far from it; nil when an exchange does not pay.
  private func gift() -> (giver: Int, taker: Int)? {
    var giver = 0
    var taker = 0
    for number in 0..<lookup.count {
      if uses.pointer[number].count < uses.pointer[giver].count { giver = number }
      if uses.pointer[number].error > uses.pointer[taker].error { taker = number }
    }
    // Without its colour a pixel is perhaps this much farther from the next one.
    let lost = Int(uses.pointer[giver].count) * 120
    guard giver != taker, Int(uses.pointer[taker].error) / 2 > 2 * lost + 2000 else { return nil }
    return (giver, taker)
  }

  private func set(_ number: Int, _ color: Color) {
    storage.pointer[number] = color
    isNew.pointer[number] = true
  }

  private func makeStale(_ number: Int) -> Bool {
    isStale.pointer[number] = true
    return true
  }

  /// Tells the stale colours, whose pixels are going to be painted anew.
  func forEachStale(_ body: (_ number: UInt8) -> Void) {
    for number in 0..<lookup.count where isStale.pointer[number] { body(UInt8(truncatingIfNeeded: number)) }
    isStale.fill(false)
  }

  private static func distance(_ a: Color, _ b: Color) -> Int32 {
    PaletteLookup.Entry(a).distance(to: PaletteLookup.Entry(b))
  }
}
