import Testing

@testable import Signaling

struct SignalingURLTests {
  @Test(arguments: [
    ("ws://localhost", "ws://localhost:6503"), ("ws://localhost:8080", "ws://localhost:8080"),
    ("WSS://Example.org/chat?x=1#part", "wss://Example.org:6503/chat?x=1"), ("ws://[::1]:7", "ws://[::1]:7"),
    ("ws://[::1]", "ws://[::1]:6503"), ("example.org", "ws://example.org:6503"), ("192.0.2.1:99", "ws://192.0.2.1:99"),
    ("ws://a?b", "ws://a:6503/?b"),
  ])
  func reads(_ text: String, _ meaning: String) throws {
    #expect(try SignalingURL(text).description == meaning)
  }

  @Test(arguments: [
    ("http://a", "the scheme must be ws or wss"), ("ws://", "the host is missing"), ("", "the host is missing"),
    ("ws://:80", "the host is missing"), ("ws://a:", "the port must be a number from 1 to 65535"),
    ("ws://a:0", "the port must be a number from 1 to 65535"),
    ("ws://a:65536", "the port must be a number from 1 to 65535"),
    ("ws://a:x", "the port must be a number from 1 to 65535"),
    ("ws://a:+5", "the port must be a number from 1 to 65535"),
    ("ws://u:p@a", "user names and passwords are not supported"),
    ("ws://::1", "an IPv6 address is written in brackets, [::1] for instance"),
    ("ws://[::1", "an IPv6 address is written in brackets, [::1] for instance"),
    ("ws://a b", "only printable ASCII without spaces is allowed"),
    ("ws://a\r\nX: y", "only printable ASCII without spaces is allowed"),
  ])
  func saysWhatIsWrong(_ text: String, _ problem: String) {
    let error = #expect(throws: SignalingURLError.self) { try SignalingURL(text) }
    #expect(error?.problem == problem)
  }
}
