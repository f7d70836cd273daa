import TestSupport
import Testing

/// Random operations in random order at random times: see ``AgentFuzz``.
@Suite struct AgentFuzzTests {
  @Test(arguments: 0..<5) func standsAnythingInAnyOrder(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<15 {
      let count = Int.random(in: 0...600, using: &random)
      try AgentFuzz.run((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
  }

  /// The parts of a call in their usual order, with some of the bytes changed.
  @Test(arguments: 0..<5) func standsACallGoneWrong(seed: UInt64) throws {
    var random = SeededGenerator(seed: 100 + seed)
    // A UDP and a TCP base, credentials, candidates; then checks, answers and time in turn.
    let beginning: [UInt8] = [
      0x04, 3, 0, 0, 3, 0, 3, 0, 5, 0, 6, 2, 2, 64, 0, 7, 0, 4, 64, 0, 0, 5, 1,
    ]
    let round: [UInt8] = [9, 3, 0, 2, 0x06, 200, 11, 0, 0, 0, 10, 1, 12, 0, 0, 14, 2, 0, 7]
    var calls = 0
    for _ in 0..<12 {
      var bytes = beginning + (0..<30).flatMap { _ in round }
      for index in bytes.indices where Int.random(in: 0..<20, using: &random) == 0 {
        bytes[index] = UInt8.random(in: 0...255, using: &random)
      }
      if try AgentFuzz.run(bytes) { calls += 1 }
    }
    #expect(calls > 3)
  }
}
