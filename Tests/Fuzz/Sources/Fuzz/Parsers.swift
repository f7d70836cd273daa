internal import NIOCore

@testable internal import ICE

/// Any bytes as a datagram with STUN: read it whole, in every way there is.
func fuzzSTUN(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let datagram = ByteBuffer(bytes: UnsafeBufferPointer(start: data, count: count))
  guard let message = try? STUNMessage(parsing: datagram) else { return 0 }
  check(STUNMessage.isSTUN(datagram), "parsed, but not recognized")
  for type in STUNAttributeType.understood {
    _ = message.bytes(of: type)
    _ = message.text(of: type)
    _ = message.xoredAddress(of: type)
  }
  _ = (message.mappedAddress, message.relayedAddresses, message.alternateServer, message.lifetime)
  _ = (message.channelNumber, message.errorCode, message.unknownAttributes, message.incomprehensible)
  _ = (message.priority, message.iceControlled, message.iceControlling)
  _ = (message.isAuthentic(key: "password".utf8), message.isAuthentic(key: "password".utf8, .sha256))
  return 0
}

/// Any text as a candidate-attribute; what could be read is written and read again the same.
func fuzzCandidate(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
  if let candidate = try? Candidate.parse(text) {
    let again = try? Candidate.parse(candidate.attribute)
    check(again == candidate, "\(candidate.attribute.debugDescription) is read as another candidate")
  }
  return 0
}

/// Any bytes as a datagram of multicast DNS.
func fuzzDNS(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let datagram = ByteBuffer(bytes: UnsafeBufferPointer(start: data, count: count))
  if let message = DNSMessage(parsing: datagram) { _ = message.serialized(flushesCache: true) }
  return 0
}
