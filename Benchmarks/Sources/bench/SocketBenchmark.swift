import ArgumentParser
import CAllocationCounter
import CRawDatagrams
import ICE
import NIOCore
import NIOPosix

/// Datagrams over the loopback interface through the driver under ICE, beside the system calls alone.
struct SocketBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sockets",
    abstract: "CPU and allocations a datagram, sent and received, through the sockets of ICE and by raw system calls.")

  @Option(help: "Datagrams in each measurement.")
  var datagrams = 200_000

  @Option(help: "Bytes in each.")
  var size = 1200

  func run() throws {
    for burst in [1, 4, 16] {
      // In turn, and the median: the machine may do other work.
      var (driver, raw): ([Figures], [Figures]) = ([], [])
      for _ in 0..<5 {
        driver.append(try measure { try throughDriver(burst: burst) })
        raw.append(try measure { glyphone_raw_datagrams(datagrams, Int32(burst), Int32(size)) })
      }
      print("bursts of \(burst): driver \(Figures.median(driver)); raw \(Figures.median(raw))")
    }
  }

  private struct Figures: CustomStringConvertible {
    var microseconds: Double
    var allocations: Double

    var description: String {
      "\(PictureBenchmark.text(microseconds, 2)) us, \(PictureBenchmark.text(allocations, 3)) allocations"
    }

    static func median(_ all: [Figures]) -> Figures {
      all.sorted { $0.microseconds < $1.microseconds }[all.count / 2]
    }
  }

  private struct Lost: Error {}

  private func measure(_ work: () throws -> Int) throws -> Figures {
    let (began, allocations) = (Bench.cpuSeconds, glyphone_allocations())
    let count = try work()
    guard count >= datagrams else { throw Lost() }
    return Figures(
      microseconds: (Bench.cpuSeconds - began) * 1e6 / Double(count),
      allocations: Double(glyphone_allocations() - allocations) / Double(count))
  }

  private func throughDriver(burst: Int) throws -> Int {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    return try loop.flatSubmit { [datagrams, size] in
      let done = loop.makePromise(of: Int.self)
      do {
        try Exchange(on: loop, datagrams: datagrams, burst: burst, size: size, done: done).begin()
      } catch {
        done.fail(error)
      }
      return done.futureResult
    }.wait()
  }
}

/// Two sockets: one sends a burst when the other has got all of the one before.
private final class Exchange {
  private let datagrams: Int
  private let burst: Int
  private let payload: ByteBuffer
  private let done: EventLoopPromise<Int>
  private let interface: NetworkInterface
  private var sender: UDPSockets?
  private var receiver: UDPSockets?
  private var (here, there) = (TransportAddress(v4: 0, port: 0), TransportAddress(v4: 0, port: 0))
  private var received = 0
  private var waiting = 0

  init(on loop: any EventLoop, datagrams: Int, burst: Int, size: Int, done: EventLoopPromise<Int>) throws {
    self.datagrams = datagrams
    self.burst = burst
    payload = ByteBuffer(repeating: 0x80, count: size)
    self.done = done
    guard let interface = try NetworkInterface.usable(includeLoopback: true).first(where: { $0.address.isLoopback })
    else { throw ValidationError("there is no loopback interface") }
    self.interface = interface
    sender = UDPSockets(eventLoop: loop, receive: { _, _, _ in }, readComplete: {})
    // They hold the exchange until it is over.
    receiver = UDPSockets(
      eventLoop: loop, receive: { _, _, _ in self.count() }, readComplete: { self.proceed() })
  }

  func begin() throws {
    guard let sender, let receiver else { return }
    here = try sender.open(on: interface)
    there = try receiver.open(on: interface)
    proceed()
  }

  private func count() {
    received += 1
    waiting -= 1
  }

  private func proceed() {
    guard waiting <= 0 else { return }
    guard received < datagrams else { return end() }
    for _ in 0..<burst { sender?.send(payload, from: here, to: there) }
    waiting = burst
    sender?.flush()
  }

  private func end() {
    sender?.close()
    receiver?.close()
    (sender, receiver) = (nil, nil)
    done.succeed(received)
  }
}
