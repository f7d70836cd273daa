import Picture

/// How the person wants the peer's picture: tones, zoom, how it is fitted in, whether it stands still.
struct PictureLook: Equatable {
  var effects = PictureEffects()
  var fit = PictureFit.letterbox
  var isFrozen = false

  /// The ways to fit a picture in that a person can choose.
  private static let fits: [(fit: PictureFit, name: String)] = [
    (.letterbox, "fit"), (.fill, "fill"), (.actualSize, "1:1"), (.stretch, "stretch"),
  ]

  /// What differs from a picture as it comes, for the status line; empty when nothing does.
  var words: String {
    var parts: [String] = []
    if isFrozen { parts.append("FROZEN") }
    if fit != .letterbox { parts.append(name(of: fit)) }
    if effects.zoom != 1 { parts.append("zoom \(ScreenView.tenths(effects.zoom))") }
    if effects.brightness != 0 { parts.append("brightness \(percent(effects.brightness))") }
    if effects.contrast != 1 { parts.append("contrast \(percent(effects.contrast))") }
    if effects.isGray {
      parts.append("grey")
    } else if effects.saturation != 1 {
      parts.append("saturation \(percent(effects.saturation))")
    }
    if !effects.mirrorsSelfView { parts.append("no mirror") }
    return parts.joined(separator: ", ")
  }

  private func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
  private func name(of fit: PictureFit) -> String { Self.fits.first { $0.fit == fit }?.name ?? "" }

  /// Takes a key that belongs to the picture; false for any other.
  mutating func take(_ key: KeyInput) -> Bool {
    switch key {
    case .alt("p"), .function(8): isFrozen.toggle()
    case .alt("a"), .function(9): nextFit()
    case .alt("g"): effects.isGray.toggle()
    case .alt("x"): effects.mirrorsSelfView.toggle()
    case .alt("+"), .alt("="): effects.zoom *= 1.25
    case .alt("-"): effects.zoom = effects.zoom < 1.26 ? 1 : effects.zoom / 1.25
    case .alt("j"): effects.panX -= 0.1
    case .alt("l"): effects.panX += 0.1
    case .alt("i"): effects.panY -= 0.1
    case .alt("k"): effects.panY += 0.1
    case .alt("1"): effects.brightness -= 0.05
    case .alt("2"): effects.brightness += 0.05
    case .alt("3"): effects.contrast -= 0.1
    case .alt("4"): effects.contrast += 0.1
    case .alt("5"): effects.saturation -= 0.1
    case .alt("6"): effects.saturation += 0.1
    case .alt("0"): self = PictureLook()
    default: return false
    }
    return true
  }

  private mutating func nextFit() {
    let index = Self.fits.firstIndex { $0.fit == fit } ?? 0
    fit = Self.fits[(index + 1) % Self.fits.count].fit
  }

  /// What `/picture` takes.
  static let usage =
    "/picture brightness|contrast|saturation PERCENT, zoom FACTOR, pan X Y, fit|fill|1:1|stretch, grey, mirror, freeze, reset"

  /// Takes the words behind `/picture`.
  /// - Returns: what is wrong with them, for the person who typed them; nil when they were understood.
  mutating func take(_ text: String) -> String? {
    let words = text.lowercased().split(separator: " ").map(String.init)
    guard let first = words.first else { return self.words.isEmpty ? Self.usage : "The picture: \(self.words)." }
    if let found = Self.fits.first(where: { $0.name == first }), words.count == 1 {
      fit = found.fit
      return nil
    }
    switch first {
    case "grey", "gray": effects.isGray.toggle()
    case "mirror": effects.mirrorsSelfView.toggle()
    case "freeze": isFrozen.toggle()
    case "reset": self = PictureLook()
    default: return set(first, words.dropFirst().map { Double($0) })
    }
    return nil
  }

  private mutating func set(_ name: String, _ numbers: [Double?]) -> String? {
    guard let number = numbers.first ?? nil, number.isFinite else { return Self.usage }
    switch name {
    case "brightness": effects.brightness = number / 100
    case "contrast": effects.contrast = number / 100
    case "saturation": effects.saturation = number / 100
    case "zoom": effects.zoom = number
    case "pan":
      guard numbers.count == 2, let second = numbers[1], second.isFinite else { return Self.usage }
      (effects.panX, effects.panY) = (number, second)
    default: return Self.usage
    }
    return nil
  }
}
