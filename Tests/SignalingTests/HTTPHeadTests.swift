import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Signaling

struct HTTPHeadTests {
  private let request = "GET /a b HTTP/1.1\r\nHost: x\r\nConnection:\t keep-alive,\tUPGRADE \r\nEmpty:\r\n\r\n"

  private func read(_ text: String, step: Int = .max) throws(HTTPHeadError) -> (head: HTTPHead?, rest: String) {
    var reader = HTTPHeadReader()
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let head = try reader.receive(ByteBuffer(bytes: bytes.prefix(step)))
      bytes = bytes.dropFirst(step)
      if let head { return (head, String(buffer: reader.rest) + String(decoding: bytes, as: UTF8.self)) }
    }
    return (nil, "")
  }

  @Test(arguments: [Int.max, 1, 3])
  func readsOneHeadAndLeavesTheRest(step: Int) throws {
    let second = "GET / HTTP/1.1\r\n\r\n"
    let (head, rest) = try read(request + second, step: step)
    #expect(rest == second)
    #expect(head?.startLine == "GET /a b HTTP/1.1")
    #expect(head?.lists("upgrade", in: "connection") == true)
    #expect(head?.lists("close", in: "connection") == false)
    #expect(head?.headers["Empty"] == [""])
    #expect(try read(request.dropLast(1) + "").head == nil)
  }

  @Test func writesWhatItReads() throws {
    let head = HTTPHead(startLine: "HTTP/1.1 200 All is well", headers: ["A": "b", "C": "d, e"])
    #expect(try read(String(buffer: head.encoded)).head == head)
    #expect(head.startParts == ["HTTP/1.1", "200", "All is well"])
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n",
    "GET / HTTP/1.1\r\nA b: c\r\n\r\n", "GET / HTTP/1.1\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nÄ: b\r\n\r\n",
  ])
  func refusesWhatIsNoHead(_ text: String) {
    #expect(throws: HTTPHeadError.self) { try read(text) }
  }

  @Test func isBounded() {
    #expect(throws: HTTPHeadError.self) { try read(String(repeating: "x", count: HTTPHead.maximumBytes + 1)) }
    let fields = String(repeating: "A: b\r\n", count: HTTPHead.maximumFields + 1)
    #expect(throws: HTTPHeadError.self) { try read("GET / HTTP/1.1\r\n\(fields)\r\n") }
  }

  @Test func survivesNoise() {
    var random = SeededGenerator(seed: 6)
    for _ in 0..<5_000 {
      var bytes = Array(request.utf8)
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          [0x0a, 0x0d, 0x3a, 0x20, 0xff, 0].randomElement(using: &random) ?? 0
      }
      var reader = HTTPHeadReader()
      guard let head = try? reader.receive(ByteBuffer(bytes: bytes)) else { continue }
      #expect(!head.headers.contains { $0.name.contains("\n") || $0.value.contains("\n") })
    }
  }
}
