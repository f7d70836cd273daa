/// Whom one user is calling, is called by, or talks to, as the offers, answers and hang-ups that pass the server tell.
struct CallLinks {
  enum State {
    /// We offered; no answer yet.
    case calling
    /// The peer offered; no answer yet.
    case called
    case answered
  }

  struct Link {
    var peer: ConnectionID
    var state: State
  }

  /// Links one user may have; past it the oldest goes.
  static let maximum = 16

  /// The oldest first.
  private(set) var links: [Link] = []

  /// Whom a `hang-up` without a target is meant for: the peer of the call, or else whoever was called or called last.
  var presentPeer: ConnectionID? {
    let link =
      links.last { $0.state == .answered } ?? links.last { $0.state == .calling } ?? links.last { $0.state == .called }
    return link?.peer
  }

  /// An offer went out or came in. An offer between those who talk already changes nothing.
  mutating func offered(_ peer: ConnectionID, as state: State) {
    guard !links.contains(where: { $0.peer == peer && $0.state == .answered }) else { return }
    remove(peer)
    if links.count >= Self.maximum {
      links.remove(at: links.firstIndex { $0.state != .answered } ?? 0)
    }
    links.append(Link(peer: peer, state: state))
  }

  /// An answer passed. Without an offer before it, it means nothing.
  mutating func answered(_ peer: ConnectionID) {
    guard let index = links.firstIndex(where: { $0.peer == peer }) else { return }
    links.remove(at: index)
    links.append(Link(peer: peer, state: .answered))
  }

  /// A peer goes on under another connection.
  mutating func replace(_ old: ConnectionID, with new: ConnectionID) {
    for index in links.indices where links[index].peer == old { links[index].peer = new }
  }

  mutating func remove(_ peer: ConnectionID) { links.removeAll { $0.peer == peer } }
}
