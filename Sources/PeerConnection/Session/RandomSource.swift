/// One random source for all parts of a session. A generator that is a value would give each part a copy of its own, and
/// all of them the same numbers.
struct RandomSource: RandomNumberGenerator {
  private final class Shared {
    var generator: any RandomNumberGenerator

    init(_ generator: any RandomNumberGenerator) {
      self.generator = generator
    }
  }

  private let shared: Shared

  init(_ generator: any RandomNumberGenerator) {
    shared = Shared(generator)
  }

  mutating func next() -> UInt64 { shared.generator.next() }
}
