/// A colour in percent of red, green and blue, as sixels are told.
struct SixelColor: Hashable {
  var red: Int
  var green: Int
  var blue: Int

  init(_ color: Color) {
    let rgb = color.rgb
    red = (rgb.red * 100 + 127) / 255
    green = (rgb.green * 100 + 127) / 255
    blue = (rgb.blue * 100 + 127) / 255
  }

  /// The colour as terminals show it: rounded to eight bits.
  var shown: Color {
    Color(red: (red * 255 + 50) / 100, green: (green * 255 + 50) / 100, blue: (blue * 255 + 50) / 100)
  }
}
