import NIOCore
import Testing

@testable import ChatServer

struct TokenBucketTests {
  @Test func allowsBurstsAndThenARate() {
    let start = NIODeadline.uptimeNanoseconds(1)
    var bucket = TokenBucket(rate: 10, burst: 5, now: start)
    for _ in 0..<5 { #expect(bucket.take(1, now: start) == .zero) }
    #expect(bucket.take(1, now: start) == .milliseconds(100))
    #expect(bucket.take(1, now: start) == .milliseconds(200))
    #expect(bucket.take(0, now: start + .milliseconds(250)) == .zero)
    // An hour of silence fills it to the burst and no further.
    for _ in 0..<5 { #expect(bucket.take(1, now: start + .hours(1)) == .zero) }
    #expect(bucket.take(1, now: start + .hours(1)) > .zero)
  }
}
