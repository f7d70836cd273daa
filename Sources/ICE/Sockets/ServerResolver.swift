internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

extension ICEServer {
  /// The server's addresses in the system's order of preference, at most 4 of each IP version; a name is looked up on a thread that may wait.
  /// - Throws: ``ICEServerError/notFound(host:reason:)``.
  public func resolve() async throws(ICEServerError) -> [TransportAddress] {
    if let address = TransportAddress(host, port: port) { return [address] }
    let found: Result<[TransportAddress], ICEServerError>
    do {
      found = try await NIOThreadPool.singleton.runIfActive { [host, port] in Self.lookUp(host, port: port) }
    } catch {
      throw .notFound(host: host, reason: "\(error)")
    }
    return try found.get()
  }

  private static func lookUp(_ host: String, port: UInt16) -> Result<[TransportAddress], ICEServerError> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    guard status == 0 else { return .failure(.notFound(host: host, reason: String(cString: gai_strerror(status)))) }
    defer { freeaddrinfo(list) }
    var addresses: [TransportAddress] = []
    var entry = list
    while let current = entry {
      let info = current.pointee
      let bytes = UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
      if let address = TransportAddress(socketAddressBytes: bytes, isV6: info.ai_family == AF_INET6),
        addresses.count(where: { $0.family == address.family }) < 4
      {
        addresses.append(address.with(port: port))
      }
      entry = info.ai_next
    }
    return .success(addresses)
  }
}
