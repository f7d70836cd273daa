import Testing

@testable import Signaling

struct TextTests {
  @Test func stripsWhatSteersATerminal() {
    #expect(TextSafety.singleLine("a\u{1b}[2Jb") == "a[2Jb")
    #expect(TextSafety.singleLine("a\u{9b}31mb\u{7f}\u{0}") == "a31mb")
    #expect(TextSafety.singleLine("line\r\nline\ttab") == "line  line tab")
    #expect(TextSafety.singleLine("x\u{202e}evil\u{2066}y\u{200f}") == "xevily")
    #expect(TextSafety.singleLine("a\u{2028}b\u{85}c") == "a b c")
    #expect(TextSafety.singleLine("日本 é 👩‍👩‍👧 ok") == "日本 é 👩‍👩‍👧 ok")
  }

  @Test func boundsCombiningMarks() {
    let zalgo = "a" + String(repeating: "\u{301}", count: 5000) + "b"
    #expect(TextSafety.singleLine(zalgo).unicodeScalars.count == 2 + TextSafety.maximumMarks)
  }

  @Test(arguments: [
    ("plain", "plain"), ("<b>bold</b>", "bold"), ("1 < 2", "1 &lt; 2"), ("<>", "&lt;>"), ("a<b c>d", "ad"),
    ("<img src=x onerror=alert(1)//", "&lt;img src=x onerror=alert(1)//"),
    ("<<b>script>alert(1)", "script>alert(1)"), ("<scr<b>ipt>", "ipt>"), ("><", ">&lt;"), ("é<i>ü</i>", "éü"),
    ("&lt;b&gt;", "&lt;b&gt;"),
  ])
  func leavesNoTagInHTML(_ html: String, _ harmless: String) {
    #expect(HTMLText.withoutTags(html) == harmless)
  }

  @Test func manyBracketsTakeNoTime() {
    let brackets = String(repeating: "<", count: 1 << 18)
    #expect(HTMLText.withoutTags(brackets).utf8.count == 4 << 18)
    #expect(HTMLText.withoutTags(">" + brackets).utf8.count == (4 << 18) + 1)
  }

  @Test(arguments: ["a < b && c > d", "&lt;", "&amp;amp;", "<script>", "é\u{301}&\u{301}", ""])
  func textSurvivesHTML(_ text: String) {
    let html = HTMLText.encode(text)
    #expect(HTMLText.withoutTags(html) == html)
    #expect(Array(HTMLText.decode(html).utf8) == Array(text.utf8))
  }
}
