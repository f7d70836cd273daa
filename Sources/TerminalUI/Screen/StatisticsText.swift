import Calling
import Frames

/// The figures of a call in words, one line each, most telling first.
enum StatisticsText {
  struct Line: Equatable {
    var label: String
    var text: [Glyph]

    init(_ label: String, _ text: some Sequence<Glyph>) {
      self.label = label
      self.text = Array(text)
    }
  }

  static func lines(_ figures: CallStatistics?, columns: Int) -> [Line] {
    guard let figures else { return [Line("", DisplayText.glyphs("Figures come once a second…"))] }
    let texts = [
      (
        "received",
        media(
          figures.receivedSize.description, figures.receivedFramesPerSecond, figures.receivedKilobitsPerSecond,
          figures.receivedLossPercent)
      ),
      (
        "sent",
        media(
          figures.sentSize.description, figures.sentFramesPerSecond, figures.sentKilobitsPerSecond,
          figures.sentLossPercent)
      ),
      ("round trip", figures.roundTripMilliseconds.map { "\(ScreenView.tenths($0)) ms" } ?? "not measured yet"),
      ("pictures", "\(figures.framesDecoded) decoded, \(figures.framesDropped) dropped, \(figures.framesSent) sent"),
      (
        "sound",
        "\(figures.audioFramesDecoded) decoded, \(figures.audioFramesConcealed) concealed, "
          + "\(figures.audioFramesSent) sent"
      ),
      ("path", figures.path.isEmpty ? "none yet" : figures.path),
    ]
    // What a narrow pane cannot hold of a line stands below it.
    return texts.flatMap { label, text in
      TextWrapping.wrap(DisplayText.glyphs(text), columns: columns - 11).enumerated().map { index, part in
        Line((index == 0 ? label : "").padded(to: 11), part)
      }
    }
  }

  private static func media(_ size: String, _ rate: Double, _ bandwidth: Double, _ loss: Double) -> String {
    "\(size) \(ScreenView.rounded(rate)) fps \(ScreenView.rounded(bandwidth)) kbit/s, "
      + "loss \(ScreenView.tenths(loss)) %"
  }
}

extension String {
  fileprivate func padded(to columns: Int) -> String {
    self + String(repeating: " ", count: Swift.max(columns - count, 0))
  }
}
