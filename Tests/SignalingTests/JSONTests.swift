import NIOCore
import TestSupport
import Testing

@testable import Signaling

struct JSONTests {
  private func parse(_ text: String) throws(JSONError) -> JSONObject {
    try JSONObject(parsing: ByteBuffer(string: text))
  }

  @Test(arguments: [
    "{}", " { } \n", #"{"a":1}"#, #"{"a":-0.5e+10,"b":[],"c":{},"d":[1,[2,{"e":null}]],"f":"\u00e9\n\"\\\/"}"#,
    #"{"a":true , "b" : false,"c":1E5}"#,
  ])
  func acceptsJSON(_ text: String) throws {
    _ = try parse(text)
  }

  @Test(arguments: [
    "", " ", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#,
    #"{"a":+1}"#,
    #"{"a":1e}"#, #"{"a":tru}"#, #"{"a":nul"#, #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\u12"#, "{\"a\":\"\n\"}",
    #"{"a":"b"#,
    #"{"a":1}x"#, #"{"a":1}{"b":2}"#, #"{a:1}"#, #"{'a':1}"#, #"{"a":[1,]}"#, #"{"a":[1}}"#, #"{"a":[1"#, #"{"a":NaN}"#,
    #"{"a":-}"#,
    #"{"a" 1}"#,
  ])
  func refusesWhatIsNotJSON(_ text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test(arguments: ["null", "[]", "1", "\"{}\"", "true"])
  func refusesOtherValues(_ text: String) {
    #expect(throws: JSONError.notAnObject) { try parse(text) }
  }

  @Test func boundsDepthAndMembers() throws {
    let depth = JSONObject.maximumDepth
    func nested(_ depth: Int) -> String {
      "{\"a\":" + String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth) + "}"
    }
    _ = try parse(nested(depth))
    #expect(throws: JSONError.tooDeep) { try parse(nested(depth + 1)) }
    #expect(throws: JSONError.tooDeep) { try parse(nested(20_000)) }
    #expect(throws: JSONError.tooDeep) { try parse(String(repeating: #"{"a":"#, count: 20_000)) }
    let members = (0...JSONObject.maximumMembers).map { "\"k\($0)\":0" }.joined(separator: ",")
    #expect(throws: JSONError.tooManyMembers) { try parse("{\(members)}") }
  }

  @Test func decodesValues() throws {
    let object = try parse(
      #"{"s":"a\u00e9\ud83d\ude00\t","lone":"x\ud83dy\udc00z","i":1700000000000,"f":7.0,"big":1e400,"half":1.5,"n":null,"a":[1,null,"b"],"o":{"p":"q"}}"#
    )
    #expect(object["s"]?.string == "aé😀\t")
    #expect(object["lone"]?.string == "x\u{fffd}y\u{fffd}z")
    #expect(object["i"]?.integer == 1_700_000_000_000)
    #expect(object["f"]?.integer == 7)
    #expect(object["big"]?.integer == nil)
    #expect(object["half"]?.integer == nil)
    #expect(object["n"]?.isNull == true)
    #expect(object["a"]?.elements?.map(\.string) == [nil, nil, "b"])
    #expect(object["o"]?.object?["p"]?.string == "q")
    #expect(object["s"]?.integer == nil)
    #expect(object["i"]?.string == nil)
    #expect(object["missing"] == nil)
  }

  @Test func theLastOfEqualKeysCounts() throws {
    let object = try parse(#"{"name":"a","n\u0061me":"b"}"#)
    #expect(object["name"]?.string == "b")
  }

  @Test func replacesMembersAndKeepsTheRest() throws {
    let object = try parse(#" { "x" : 1e999 , "name":"old", "y":[ 1 ,{"name":"inner"}], "n\u0061me" : null } "#)
    let replaced = object.replacing([(key: "name", value: "\"new\""), (key: "id", value: "7")])
    #expect(
      String(buffer: replaced)
        == #" { "x" : 1e999 , "name":"new", "y":[ 1 ,{"name":"inner"}], "n\u0061me" : "new" ,"id":7}"#)
    #expect(String(buffer: try parse("{}").replacing([(key: "name", value: "1")])) == #"{"name":1}"#)
  }

  @Test func quotesEverything() throws {
    let text = "a\"b\\c\u{0}\u{1f}\n\r\t\u{7f}é😀\u{2028}</script>"
    #expect(try parse("{\"a\":\(quoteJSON(text))}")["a"]?.string == text)
  }

  @Test func survivesMutations() {
    let seeds = [
      #"{"type":"message","text":"h\u00e9llo <b>","id":1700000000000,"date":-1.5e3,"x":[1,{"y":[null,true,false]}]}"#,
      #"{"type":"new-ice-candidate","target":"bob","candidate":{"candidate":"candidate:1 1 udp","sdpMid":"0","sdpMLineIndex":0}}"#,
    ]
    var random = SeededGenerator(seed: 1)
    let spice = Array("{}[]\",:\\u0e+-.tfn \u{0}é".utf8)
    for round in 0..<10_000 {
      var bytes = Array(seeds[round % seeds.count].utf8)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] = spice.randomElement(using: &random) ?? 0
        case 1: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
        case 2: bytes.insert(spice.randomElement(using: &random) ?? 0, at: index)
        default: bytes.removeSubrange(index..<min(bytes.count - 1, index + 3))
        }
      }
      guard let object = try? JSONObject(parsing: ByteBuffer(bytes: bytes)) else { continue }
      // Whatever is accepted can be stamped, and the stamp is what a reader then sees.
      let stamped = object.replacing([(key: "name", value: "\"eve\"")])
      #expect((try? JSONObject(parsing: stamped))?["name"]?.string == "eve")
      _ = try? SignalingMessage(parsing: stamped)
    }
  }
}
