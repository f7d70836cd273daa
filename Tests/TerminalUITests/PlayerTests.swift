import Frames
import NIOConcurrencyHelpers
import NIOCore
import Picture
import Synchronization
import Testing

@testable import TerminalUI

@Suite struct MovieFeedTests {
  private struct Damaged: Error {}

  /// So many pictures, each with its number as luma, and then what `end` does.
  private func feed(
    _ count: Int, end: @escaping @Sendable () throws -> VideoFrame? = { nil }, wake: @escaping @Sendable () -> Void = {}
  ) -> MovieFeed {
    let pool = VideoFramePool()
    let next = Mutex(0)
    return MovieFeed(
      source: {
        let number = next.withLock { number in
          defer { number += 1 }
          return number
        }
        guard number < count else { return try end() }
        let frame = pool.take(VideoSize(width: 16, height: 16))
        frame.fill(y: UInt8(number))
        return frame
      }, wake: wake)
  }

  private func take(_ feed: MovieFeed) -> MovieFeed.Item? { feed.take(until: .now() + .seconds(10)) }

  private func isNothing(_ item: MovieFeed.Item?) -> Bool {
    if case nil = item { true } else { false }
  }

  @Test func givesEveryPictureInOrderAndThenTheEnd() {
    let feed = feed(5)
    for number in 0..<5 {
      guard case .picture(let frame)? = take(feed) else {
        Issue.record("picture \(number) is missing")
        return
      }
      #expect(frame.y[0] == UInt8(number))
    }
    guard case .end? = take(feed) else {
      Issue.record("the end is missing")
      return
    }
    #expect(isNothing(feed.take(until: .now())))
  }

  @Test func whatIsDamagedFailsBehindThePicturesBeforeIt() {
    let feed = feed(1, end: { throw Damaged() })
    guard case .picture? = take(feed), case .failure(let error)? = take(feed) else {
      Issue.record("a picture and a failure were expected")
      return
    }
    #expect(error is Damaged)
  }

  @Test func aFilmThatStandsStillBlocksNobody() {
    let isOpen = ConditionLock(value: false)
    let feed = feed(
      0,
      end: {
        isOpen.lock(whenValue: true)
        isOpen.unlock()
        return nil
      })
    #expect(isNothing(feed.take(until: .now())))
    #expect(isNothing(feed.take(until: .now() + .milliseconds(5))))
    isOpen.lock()
    isOpen.unlock(withValue: true)
    guard case .end? = take(feed) else {
      Issue.record("the end is missing")
      return
    }
  }

  @Test func wakesWhoeverWaits() {
    let wakes = ConditionLock(value: 0)
    let feed = feed(
      1,
      wake: {
        wakes.lock()
        wakes.unlock(withValue: 1)
      })
    #expect(wakes.lock(whenValue: 1, timeoutSeconds: 10))
    wakes.unlock()
    guard case .picture? = feed.take(until: .now()) else {
      Issue.record("nothing to be taken after the wake")
      return
    }
    feed.stop()
  }
}

@Suite struct PlayClockTests {
  private let start = NIODeadline.uptimeNanoseconds(5_000_000_000)

  /// A time of the film.
  private func film(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000) }

  @Test func theFirstPictureStartsIt() {
    var clock = PlayClock()
    #expect(clock.deadline(of: film(40)) == nil)
    let first = clock.isDue(film(0), now: start)
    let early = clock.isDue(film(40), now: start + .milliseconds(39))
    let inTime = clock.isDue(film(40), now: start + .milliseconds(40))
    #expect(first && !early && inTime)
    #expect(clock.deadline(of: film(40)) == start + .milliseconds(40))
  }

  @Test func aPauseDelaysEverything() {
    var clock = PlayClock()
    _ = clock.isDue(film(0), now: start)
    clock.togglePause(now: start + .milliseconds(10))
    let isDueMeanwhile = clock.isDue(film(40), now: start + .seconds(9))
    #expect(!isDueMeanwhile)
    #expect(clock.deadline(of: film(40)) == nil)
    clock.skip(.seconds(1))
    clock.togglePause(now: start + .milliseconds(1010))
    #expect(clock.deadline(of: film(40)) == start + .milliseconds(1040))
  }

  @Test func lateIsWhatIsWellBehindItsTime() {
    var clock = PlayClock()
    _ = clock.isDue(film(0), now: start)
    #expect(!clock.isLate(film(40), now: start + .milliseconds(60)))
    #expect(clock.isLate(film(40), now: start + .milliseconds(61)))
    clock.skip(.seconds(1))
    #expect(!clock.isLate(film(40), now: start + .milliseconds(1060)))
  }
}
