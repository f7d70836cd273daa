import NIOCore
import SDP

@testable import PeerConnection

#if canImport(Glibc)
  import Glibc
#endif

/// Two DTLS transports and the wire between them. OpenSSL's retransmission timer looks at the wall clock, so a lost
/// datagram costs the 50 ms that it takes in earnest.
final class DTLSPair {
  let client: DTLSTransport
  let server: DTLSTransport
  /// Datagrams that went over the wire, in order; true for those of the client.
  private(set) var sent: [(fromClient: Bool, datagram: ByteBuffer)] = []
  /// Decides whether a datagram gets lost, by its number on the wire.
  var loses: (Int) -> Bool = { _ in false }
  /// Sends the client hello in two halves, each in a datagram, as browsers do.
  var fragmentsClientHello = false
  private var clientRecords: UInt16 = 0

  init(
    clientProfiles: [SRTPProfile] = SRTPProfile.preferred, serverProfiles: [SRTPProfile] = SRTPProfile.preferred,
    fingerprintForClient: Fingerprint? = nil, fingerprintForServer: Fingerprint? = nil, mtu: Int = 1200,
    roles: (DTLSTransport.Role, DTLSTransport.Role) = (.client, .server)
  ) throws {
    let (clientCertificate, serverCertificate) = (try Certificate(), try Certificate())
    client = try DTLSTransport(
      certificate: clientCertificate, role: roles.0,
      fingerprints: [fingerprintForClient ?? serverCertificate.fingerprint], profiles: clientProfiles, mtu: mtu)
    server = try DTLSTransport(
      certificate: serverCertificate, role: roles.1,
      fingerprints: [fingerprintForServer ?? clientCertificate.fingerprint], profiles: serverProfiles, mtu: mtu)
  }

  func start() {
    client.start()
    server.start()
  }

  /// Carries datagrams until both sides are silent.
  func exchange() {
    while true {
      if let datagram = client.nextDatagram() {
        for part in fragmentsClientHello ? fragments(of: datagram) : [datagram] { carry(part, fromClient: true) }
      } else if let datagram = server.nextDatagram() {
        carry(datagram, fromClient: false)
      } else {
        return
      }
    }
  }

  /// Runs the handshake to its end, waiting for timers where datagrams were lost.
  func run(timeouts: Int = 8) {
    start()
    for _ in 0...timeouts {
      exchange()
      let waits = [client, server].compactMap { $0.timeLeft() }
      guard let wait = waits.min() else { return }
      usleep(UInt32(clamping: wait.nanoseconds / 1000 + 1000))
      client.handleTimeout()
      server.handleTimeout()
    }
  }

  private func carry(_ datagram: ByteBuffer, fromClient: Bool) {
    let number = sent.count
    sent.append((fromClient, datagram))
    if loses(number) { return }
    if fromClient { server.receive(datagram) } else { client.receive(datagram) }
  }

  /// Splits a client hello (RFC 6347 section 4.2.2). Everything the client sends before its keys change gets new record
  /// numbers, since there are more of them than it knows of.
  private func fragments(of datagram: ByteBuffer) -> [ByteBuffer] {
    var input = datagram
    var result: [ByteBuffer] = [ByteBuffer()]
    while let record = input.readSlice(length: 13) {
      guard let epoch = record.getInteger(at: 3, as: UInt16.self),
        let length = record.getInteger(at: 11, as: UInt16.self), var body = input.readSlice(length: Int(length))
      else { break }
      if epoch == 0, record.getInteger(at: 0, as: UInt8.self) == 22, body.getInteger(at: 0, as: UInt8.self) == 1 {
        result = []
        let typeLengthAndSequence = body.readSlice(length: 6) ?? ByteBuffer()
        body.moveReaderIndex(forwardBy: 6)
        let half = body.readableBytes / 2
        for (offset, count) in [(0, half), (half, body.readableBytes - half)] {
          var part = ByteBuffer()
          part.writeImmutableBuffer(typeLengthAndSequence)
          for number in [offset, count] {
            part.writeInteger(UInt8(0))
            part.writeInteger(UInt16(number))
          }
          part.writeImmutableBuffer(body.getSlice(at: body.readerIndex + offset, length: count) ?? ByteBuffer())
          result.append(numbered(record, body: part))
        }
      } else if epoch == 0 {
        result[result.count - 1].writeImmutableBuffer(numbered(record, body: body))
      } else {
        result[result.count - 1].writeImmutableBuffer(record)
        result[result.count - 1].writeImmutableBuffer(body)
      }
    }
    return result
  }

  private func numbered(_ header: ByteBuffer, body: ByteBuffer) -> ByteBuffer {
    var record = header
    record.setInteger(clientRecords, at: 9)
    clientRecords += 1
    record.setInteger(UInt16(body.readableBytes), at: 11)
    record.writeImmutableBuffer(body)
    return record
  }
}
