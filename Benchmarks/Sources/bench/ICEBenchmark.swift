import ArgumentParser
import CAllocationCounter
import ICE
import NIOCore

/// What ICE adds to each datagram of media, without sockets: on the way of hosts, and on a channel of a TURN server.
struct ICEBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ice", abstract: "CPU and allocations a datagram between application and sockets, direct and relayed.")

  @Option(help: "Datagrams each way.")
  var datagrams = 300_000

  func run() throws {
    for throughRelay in [false, true] {
      let call = try ICECall(throughRelay: throughRelay)
      let payload = ByteBuffer(repeating: 0x80, count: 1200)
      let (incoming, from) = call.incoming(payload)
      let way = throughRelay ? "relayed" : "direct"
      measure("\(way), sent") {
        guard call.left.send(payload, now: call.now) else { return false }
        var bytes = 0
        while case .perform(.datagram(let datagram, _, _))? = call.left.pollOutput() { bytes += datagram.readableBytes }
        return bytes == incoming.readableBytes
      }
      measure("\(way), received") {
        if case .application = call.left.receive(incoming, from: from, to: call.leftBase, now: call.now) {
          true
        } else {
          false
        }
      }
    }
  }

  private func measure(_ what: String, _ step: () -> Bool) {
    for _ in 0..<100 { _ = step() }
    let (began, allocations) = (Bench.cpuSeconds, glyphone_allocations())
    var good = 0
    for _ in 0..<datagrams where step() { good += 1 }
    let (time, more) = (Bench.cpuSeconds - began, glyphone_allocations() - allocations)
    let each = PictureBenchmark.text(time * 1e9 / Double(datagrams), 0)
    let allocated = PictureBenchmark.text(Double(more) / Double(datagrams), 2)
    print("\(what): \(each) ns and \(allocated) allocations a datagram, \(good) of \(datagrams)")
  }
}
