internal import CFuzzer
internal import Glibc

/// libFuzzer on one of our parsers or machines: `fuzz TARGET [libFuzzer's arguments]`.
@main
enum Fuzz {
  static func main() {
    let arguments = CommandLine.arguments
    let targets: [String: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt] = [
      "stun": fuzzSTUN, "candidate": fuzzCandidate, "dns": fuzzDNS, "transport": fuzzTransport,
    ]
    guard arguments.count > 1, let target = targets[arguments[1]] else {
      print("usage: fuzz \(targets.keys.sorted().joined(separator: "|")) [CORPUS] [-max_total_time=SECONDS] ...")
      exit(64)
    }
    // The driver keeps the arguments until the end.
    let remaining = [arguments[0]] + arguments.dropFirst(2)
    var pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = .allocate(capacity: remaining.count + 1)
    for (index, argument) in remaining.enumerated() { pointers?[index] = strdup(argument) }
    pointers?[remaining.count] = nil
    var count = CInt(remaining.count)
    exit(LLVMFuzzerRunDriver(&count, &pointers, target))
  }
}

/// A finding. Release builds leave the words of `precondition` out.
func check(_ condition: Bool, _ words: @autoclosure () -> String) {
  if !condition { fail(words()) }
}

/// Dies, which is how libFuzzer learns that the input is a finding, and keeps it.
func fail(_ words: String) -> Never {
  print(words)
  fatalError(words)
}
