internal import NIOCore

/// Data between us and peers: permissions, channels, and the two framings (RFC 8656 sections 9 to 12).
extension TURNAllocation {
  /// Sends a datagram to a peer: on its channel if there is one, else in an indication. The first to an IP address wait
  /// until the server permits it.
  /// - Parameter wantsChannel: whether much more will follow.
  func send(_ datagram: ByteBuffer, to peer: TransportAddress, wantsChannel: Bool, now: NIODeadline) {
    guard !hasEnded, datagram.readableBytes <= Limit.datagram else {
      statistics.dropped += 1
      return
    }
    if let index = channels.firstIndex(where: { $0.peer == peer }), channels[index].grant?.isInstalled == true {
      channels[index].grant?.use(now)
      return transmit(datagram, on: channels[index].number)
    }
    if wantsChannel { bindChannel(to: peer, now: now) }
    let ip = peer.with(port: 0)
    if let index = permissions.firstIndex(where: { $0.ip == ip }) {
      permissions[index].grant.use(now)
      if permissions[index].grant.isInstalled {
        indicate(datagram, to: peer)
      } else if !permissions[index].grant.isRefused, permissions[index].held.count < Limit.held {
        permissions[index].held.append((datagram, peer))
      } else {
        statistics.dropped += 1
      }
    } else if permissions.count < Limit.permissions {
      permissions.append(Permission(ip: ip, grant: .permission(now), held: [(datagram, peer)]))
      send(.permission(ip), now: now)
      updateDeadline()
    } else {
      statistics.dropped += 1
    }
  }

  private func transmit(_ datagram: ByteBuffer, on number: UInt16) {
    let length = datagram.readableBytes
    // Padding is for streams only (RFC 8656 section 12.5).
    let frame = frames.frame(
      header: UInt32(number) << 16 | UInt32(length), datagram, padding: isReliable ? -length & 3 : 0)
    hasSent = true
    outputs.append(.transmit(frame, mayDrop: true))
  }

  private func indicate(_ datagram: ByteBuffer, to peer: TransportAddress) {
    var writer = STUNWriter(.indication, method: .send, transactionID: makeTransactionID())
    writer.append(.xorPeerAddress, xored: peer)
    writer.append(data: datagram)
    hasSent = true
    outputs.append(.transmit(writer.finish(fingerprint: false), mayDrop: true))
  }

  // MARK: - From peers

  /// The datagram in a Data indication, if its sender is permitted.
  func unwrap(_ indication: STUNMessage) -> (peer: TransportAddress, datagram: ByteBuffer)? {
    guard indication.method == .data, let peer = indication.xoredAddress(of: .xorPeerAddress),
      let datagram = indication.bytes(of: .data), permits(peer)
    else {
      statistics.discarded += 1
      return nil
    }
    return (peer, datagram)
  }

  /// Takes the framing off a datagram that came on a channel.
  /// - Returns: who sent it; nil if it is malformed or on no channel of ours.
  func unwrapChannelData(_ datagram: inout ByteBuffer) -> TransportAddress? {
    // A channel that waits for its answer counts: data may overtake that.
    guard !hasEnded, let number = ChannelData.unwrap(&datagram),
      let channel = channels.first(where: { $0.number == number })
    else {
      statistics.discarded += 1
      return nil
    }
    return channel.peer
  }

  private func permits(_ peer: TransportAddress) -> Bool {
    permissions.contains { $0.ip.hasSameIP(as: peer) && !$0.grant.isRefused }
  }

  // MARK: - Permissions

  func permissionGranted(_ ip: TransportAddress, now: NIODeadline) {
    guard let index = permissions.firstIndex(where: { $0.ip == ip }) else { return }
    permissions[index].grant.install(now)
    let held = permissions[index].held
    permissions[index].held = []
    for (datagram, peer) in held { indicate(datagram, to: peer) }
  }

  func permissionRefused(_ ip: TransportAddress, now: NIODeadline) {
    guard let index = permissions.firstIndex(where: { $0.ip == ip }) else { return }
    statistics.dropped += permissions[index].held.count
    permissions[index].held = []
    permissions[index].grant.refuse(now)
  }

  func servicePermissions(_ now: NIODeadline) {
    for index in permissions.indices.reversed() {
      let ip = permissions[index].ip
      for channel in channels where channel.peer.hasSameIP(as: ip) {
        if let grant = channel.grant, grant.usedAt > permissions[index].grant.usedAt {
          permissions[index].grant.use(grant.usedAt)
        }
      }
      switch permissions[index].grant.service(now) {
      case .nothing: break
      case .renewal: send(.permission(ip), now: now)
      case .end: permissions.remove(at: index)
      }
    }
  }

  // MARK: - Channels

  private func bindChannel(to peer: TransportAddress, now: NIODeadline) {
    if let index = channels.firstIndex(where: { $0.peer == peer }) {
      guard channels[index].grant == nil else { return }
      channels[index].grant = .channel(now)
      send(.channel(channels[index].number, peer), now: now)
    } else {
      if channels.count == Limit.channels, let unused = channels.firstIndex(where: { $0.grant == nil }) {
        channels.remove(at: unused)
      }
      guard channels.count < Limit.channels, ChannelData.numbers.contains(nextChannelNumber) else { return }
      channels.append(Channel(number: nextChannelNumber, peer: peer, grant: .channel(now)))
      send(.channel(nextChannelNumber, peer), now: now)
      nextChannelNumber += 1
    }
    updateDeadline()
  }

  func withChannel(_ number: UInt16, _ change: (inout Channel) -> Void) {
    guard let index = channels.firstIndex(where: { $0.number == number }) else { return }
    change(&channels[index])
  }

  func serviceChannels(_ now: NIODeadline) {
    for index in channels.indices {
      switch channels[index].grant?.service(now) {
      case nil, .nothing: break
      case .renewal: send(.channel(channels[index].number, channels[index].peer), now: now)
      case .end: channels[index].grant = nil
      }
    }
  }
}
