import Glibc

/// The person's clock.
enum LocalTime {
  /// Milliseconds since 1970.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// A time as "12:30" in the time zone of this machine.
  /// - Parameter milliseconds: since 1970; any number, for it comes from others.
  static func text(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var fields = tm()
    guard localtime_r(&seconds, &fields) != nil else { return "--:--" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(fields.tm_hour)):\(two(fields.tm_min))"
  }
}
