import NIOCore

/// Numbered datagrams to the other peer and their echoes.
struct Exchange {
  static let ping: UInt8 = 0x80
  static let pong: UInt8 = 0x81

  /// Pings of the other's that came, since the start.
  private(set) var received = 0
  private var next: UInt32 = 0
  private var isBack: [Bool] = []
  private var lastBack = NIODeadline.now()
  private var gap = TimeAmount.zero
  private var gapEnd = NIODeadline.now()

  mutating func begin(count: Int) {
    next = 0
    isBack = Array(repeating: false, count: count)
    (lastBack, gap) = (.now(), .zero)
  }

  /// The next ping; nil: all were made.
  mutating func nextDatagram(size: Int) -> ByteBuffer? {
    guard next < isBack.count else { return nil }
    var datagram = ByteBuffer()
    datagram.writeInteger(UInt32(Self.ping) << 24)
    datagram.writeInteger(next)
    datagram.writeRepeatingByte(0, count: max(size - 8, 0))
    next += 1
    return datagram
  }

  /// Takes the other's datagram.
  /// - Returns: what to send back.
  mutating func take(_ datagram: ByteBuffer) -> ByteBuffer? {
    let start = datagram.readerIndex
    switch datagram.getInteger(at: start, as: UInt8.self) {
    case Self.ping:
      received += 1
      var echo = datagram
      echo.setInteger(Self.pong, at: start)
      return echo
    case Self.pong:
      if let number = datagram.getInteger(at: start + 4, as: UInt32.self) { takeEcho(Int(number)) }
    default: Report.problem("a datagram of neither kind")
    }
    return nil
  }

  private mutating func takeEcho(_ number: Int) {
    let now = NIODeadline.now()
    if now - lastBack > gap { (gap, gapEnd) = (now - lastBack, now) }
    lastBack = now
    if isBack.indices.contains(number) { isBack[number] = true }
  }

  func report() {
    Report.write(
      "echoed",
      [
        "sent": Int(next), "back": isBack.count { $0 }, "received": received, "gap": Int(gap.nanoseconds / 1_000_000),
        "gapAt": Double(gapEnd.uptimeNanoseconds) / 1e9,
      ])
  }
}
