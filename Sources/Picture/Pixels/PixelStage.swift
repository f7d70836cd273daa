import Frames

/// Puts the peer's picture and the self view together in one raster.
final class PixelStage {
  let layout: PictureLayout
  let raster: PixelRaster
  private var remoteSampler: PixelSampler?
  private var selfSampler: PixelSampler?
  private let noise: (luma: UInt8, chroma: UInt8)
  private var hadRemote = false
  private var hadSelfView = false

  /// - Parameter height: of the raster, in pixels; at most that of the layout's picture.
  init(layout: PictureLayout, height: Int, noise: (luma: UInt8, chroma: UInt8)) {
    self.layout = layout
    self.noise = noise
    raster = PixelRaster(width: layout.picture.columns * layout.cellPixels.width, height: height, noise: noise)
  }

  /// Takes the frames; returns whether the picture is another one altogether, because one of the two came or went.
  /// - Parameter isWhole: whether the picture will be drawn whole in any case.
  func take(remote: VideoFrame?, selfView: VideoFrame?, isWhole: Bool) -> Bool {
    raster.clearChanges()
    let isOther = (remote != nil) != hadRemote || (selfView != nil) != hadSelfView
    hadRemote = remote != nil
    hadSelfView = selfView != nil
    // What is drawn anyway may as well be exact; in an empty raster near greys would stay grey.
    raster.noise = isWhole || isOther ? (0, 0) : noise
    let inset = selfView == nil ? nil : hole
    if let remote {
      let sampler = Self.sampler(&remoteSampler, for: remote, raster.width, raster.height, mirrored: false)
      sampler.sample(remote, into: raster, x: 0, y: 0, sparing: inset)
    } else if isOther {
      raster.blank()
    }
    if let selfView, let inset, inset.x < raster.width, inset.y < raster.height {
      let sampler = Self.sampler(
        &selfSampler, for: selfView, raster.width - inset.x, raster.height - inset.y,
        mirrored: layout.mirrorsSelfView)
      sampler.sample(selfView, into: raster, x: inset.x, y: inset.y, sparing: nil)
    }
    return isOther
  }

  /// Where the self view is, in pixels.
  private var hole: PixelHole? {
    layout.selfView.map {
      // Chroma samples lie on even pixels.
      PixelHole(
        x: (($0.column - layout.picture.column) * layout.cellPixels.width) & ~1,
        y: (($0.row - layout.picture.row) * layout.cellPixels.height) & ~1, height: raster.height)
    }
  }

  private static func sampler(
    _ sampler: inout PixelSampler?, for frame: VideoFrame, _ width: Int, _ height: Int, mirrored: Bool
  ) -> PixelSampler {
    if let sampler, sampler.fits(frame, width: width, height: height) { return sampler }
    let made = PixelSampler(
      size: VideoSize(width: frame.width, height: frame.height), width: width, height: height, mirrored: mirrored)
    sampler = made
    return made
  }
}
