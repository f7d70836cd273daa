internal import NIOCore

/// What the server answers, and what is done about it (RFC 8489 section 9.2.5, RFC 8656 sections 7.3, 8.3, 10.3, 12.3).
extension TURNAllocation {
  func handleResponse(_ response: STUNMessage, now: NIODeadline) {
    guard let index = requests.firstIndex(where: { $0.transaction.id == response.transactionID }),
      requests[index].purpose.method == response.method, isTrustworthy(response, to: requests[index])
    else {
      statistics.discarded += 1
      return
    }
    let request = requests[index]
    if response.messageClass == .successResponse {
      guard response.incomprehensible.isEmpty else {
        statistics.discarded += 1
        return
      }
      requests.remove(at: index)
      succeeded(request.purpose, response, now: now)
    } else if let error = response.errorCode {
      requests.remove(at: index)
      failed(request, error, response, now: now)
    } else {
      statistics.discarded += 1
    }
  }

  /// Whether a response may be believed. Errors that come before the server knows who asks cannot be authentic.
  private func isTrustworthy(_ response: STUNMessage, to request: Request) -> Bool {
    guard request.isAuthenticated, let authentication else { return true }
    if response.hasMessageIntegrity { return authentication.isAuthentic(response) }
    guard response.messageClass == .errorResponse, let code = response.errorCode?.code else { return false }
    return [300, 400, 401, 420, 438, 500].contains(code)
  }

  private func succeeded(_ purpose: Purpose, _ response: STUNMessage, now: NIODeadline) {
    switch purpose {
    case .allocate: allocated(response, now: now)
    case .refresh, .probe: refreshed(lifetime: response.lifetime, now: now)
    case .release: send(.allocate, now: now)
    case .permission(let ip): permissionGranted(ip, now: now)
    case .channel(let number, let peer):
      withChannel(number) { $0.grant?.install(now) }
      // A channel is a permission, too (RFC 8656 section 12).
      permissionGranted(peer.with(port: 0), now: now)
    }
  }

  private func failed(_ request: Request, _ error: STUNErrorCode, _ response: STUNMessage, now: NIODeadline) {
    switch error.code {
    case 401 where !request.isAuthenticated:
      guard authentication != nil else { return end(.refused("it wants a user name and a password")) }
      guard authentication?.adopt(response) == true else {
        return end(.refused("it asks for credentials in a way that is not understood"))
      }
      send(request.purpose, now: now)
    case 401: end(.refused("it does not accept the user name or the password"))
    case 438:
      statistics.staleNonces += 1
      guard request.staleNonces < Limit.staleNonces, authentication?.adopt(response) == true else {
        return end(.refused("it finds every nonce stale"))
      }
      send(request.purpose, staleNonces: request.staleNonces + 1, now: now)
    default:
      switch request.purpose {
      case .allocate: allocationFailed(error, response, now: now)
      case .release: send(.allocate, now: now)
      case .refresh where error.isMismatch, .probe where error.isMismatch: end(.mismatch(error.text))
      case .refresh, .probe: refreshAt = now + Limit.refreshRetry
      case .permission, .channel: grantFailed(request.purpose, error, now: now)
      }
    }
  }

  private func allocationFailed(_ error: STUNErrorCode, _ response: STUNMessage, now: NIODeadline) {
    switch error.code {
    case 300:
      guard let server = response.alternateServer, server.isUsable else {
        return end(.refused("it names another server, and no address of it"))
      }
      end(.redirected(to: server, name: response.text(of: .alternateDomain)))
    case 437 where !isReliable && !hasReleased && authentication?.isReady == true:
      // Ours of before a crash, most likely: the same user may give it back.
      hasReleased = true
      send(.release, now: now)
    case 437, 441: end(.mismatch(error.text))
    case 440:
      guard let less = families.next else { return end(.refused(error.text)) }
      families = less
      send(.allocate, now: now)
    case 486, 508: end(.busy(error.text))
    default: end(.refused(error.text))
    }
  }

  private func grantFailed(_ purpose: Purpose, _ error: STUNErrorCode, now: NIODeadline) {
    if error.code == 437 { return end(.mismatch(error.text)) }
    switch purpose {
    case .permission(let ip): permissionRefused(ip, now: now)
    // Indications still work.
    case .channel(let number, _): withChannel(number) { $0.grant?.refuse(now) }
    case .allocate, .refresh, .probe, .release: break
    }
  }
}

extension STUNErrorCode {
  /// The server has no such allocation, or somebody else has it.
  fileprivate var isMismatch: Bool { code == 437 || code == 441 }

  /// For people: the number, and what the server says, cut to a line.
  var text: String {
    let printable = reason.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(80)
    let words = String(String.UnicodeScalarView(printable))
    return words.isEmpty ? "error \(code)" : "error \(code): \(words)"
  }
}
