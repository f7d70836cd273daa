import NIOCore
import Signaling

// What a client may say, and where it goes. Everything that is passed on carries the name of the socket it came from;
// fields that the server does not know are kept byte for byte.

extension Chat {
  /// Takes a message from a client.
  mutating func received(_ text: ByteBuffer, from id: ConnectionID, now: NIODeadline) -> [Action] {
    let message: JSONObject
    do { message = try JSONObject(parsing: text) } catch {
      return refuse(id, .badMessage, SignalingMessageError.json(error).description, now: now)
    }
    guard let type = message["type"]?.string else {
      return refuse(id, .badMessage, SignalingMessageError.noType.description, now: now)
    }
    if type == "username" {
      return login(
        id, name: message["name"]?.string ?? "", client: Announcement(message["client"]),
        session: message["session"]?.string, now: now)
    }
    guard let name = name(of: id) else {
      return refuse(id, .notLoggedIn, "send username first", now: now)
    }
    let envelope = Envelope(type: type, sender: id, name: name, message: message)
    switch type {
    case "id", "rejectusername", "userlist", "error":
      return refuse(id, .notAllowed, "\(type) comes from the server only", now: now)
    case "message":
      return chat(envelope, now: now)
    case "video-offer", "video-answer", "new-ice-candidate", "call-state":
      return signal(envelope)
    case "hang-up":
      return hangUp(envelope)
    case "ice-servers":
      let servers = iceServers?.servers(for: name, date: date()) ?? ICEServersMessage(servers: [])
      return [.send(id, SignalingMessage.iceServers(servers).encoded())]
    default:
      return pass(envelope)
    }
  }

  /// A message of somebody who has a name.
  private struct Envelope {
    var type: String
    var sender: ConnectionID
    var name: String
    var message: JSONObject

    /// As MDN's server takes it: a string that is not empty.
    var target: String? { message["target"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// The message with the sender's name, and other members as given.
    func stamped(_ members: (key: String, value: String)...) -> ByteBuffer {
      message.replacing([(key: "name", value: quoteJSON(name))] + members)
    }
  }

  // MARK: - Kinds of messages

  private mutating func chat(_ envelope: Envelope, now: NIODeadline) -> [Action] {
    guard let text = envelope.message["text"]?.string else {
      return refuse(envelope.sender, .badMessage, "text of the message is not a string", now: now)
    }
    let stamped = envelope.stamped(
      (key: "text", value: quoteJSON(HTMLText.withoutTags(text))),
      (key: "id", value: String(envelope.sender.number)))
    guard let target = envelope.target else { return [.broadcast(stamped)] }
    guard let receiver = holder(of: target) else { return unavailable(target, to: envelope.sender) }
    return [.send(receiver, stamped)]
  }

  private mutating func signal(_ envelope: Envelope) -> [Action] {
    guard let target = envelope.target else { return noTarget(envelope) }
    guard let receiver = holder(of: target) else {
      return envelope.type == "video-offer" ? unavailable(target, to: envelope.sender) : []
    }
    if receiver != envelope.sender {
      switch envelope.type {
      case "video-offer":
        users[envelope.sender]?.calls.offered(receiver, as: .calling)
        users[receiver]?.calls.offered(envelope.sender, as: .called)
      case "video-answer":
        users[envelope.sender]?.calls.answered(receiver)
        users[receiver]?.calls.answered(envelope.sender)
      default:
        break
      }
    }
    return [.send(receiver, envelope.stamped())]
  }

  /// MDN's page forgets its target before it hangs up, and pages end their calls on anybody's hang-up: one without a target
  /// goes to the peer of the sender's call and to nobody else.
  private mutating func hangUp(_ envelope: Envelope) -> [Action] {
    let receiver: ConnectionID
    if let target = envelope.target {
      guard let holder = holder(of: target) else { return [] }
      receiver = holder
    } else {
      guard let peer = users[envelope.sender]?.calls.presentPeer else { return noTarget(envelope) }
      receiver = peer
    }
    users[envelope.sender]?.calls.remove(receiver)
    users[receiver]?.calls.remove(envelope.sender)
    guard envelope.target == nil, let name = name(of: receiver) else { return [.send(receiver, envelope.stamped())] }
    return [.send(receiver, envelope.stamped((key: "target", value: quoteJSON(name))))]
  }

  /// Types that MDN's server passes on without knowing them.
  private func pass(_ envelope: Envelope) -> [Action] {
    guard let target = envelope.target else { return [.broadcast(envelope.stamped())] }
    return holder(of: target).map { [.send($0, envelope.stamped())] } ?? []
  }

  // MARK: - Refusals

  /// Tells the sender, and nobody else, that a message was refused, and closes after too many of them.
  private mutating func refuse(_ id: ConnectionID, _ code: ErrorCode, _ text: String, now: NIODeadline) -> [Action] {
    guard var user = users[id] else { return [] }
    let isPatient = user.patience.take(1, now: now) == .zero
    users[id] = user
    guard isPatient else {
      return [.close(id, WebSocketClose(code: WebSocketClose.policyViolation, reason: "too many refused messages"))]
    }
    return [error(to: id, code, text)]
  }

  /// Not held against the sender: a page may still have candidates when its call is over.
  private func noTarget(_ envelope: Envelope) -> [Action] {
    [error(to: envelope.sender, .noTarget, "\(envelope.type) needs a target")]
  }

  /// MDN's server says nothing; those who announced that they understand hear it at once.
  private func unavailable(_ target: String, to id: ConnectionID) -> [Action] {
    guard users[id]?.client?.supports(.unavailable) == true else { return [] }
    return [error(to: id, .unavailable, "\(target) is not online", target: target)]
  }

  private func error(to id: ConnectionID, _ code: ErrorCode, _ text: String, target: String? = nil) -> Action {
    .send(id, SignalingMessage.error(ErrorMessage(code: code, text: text, target: target)).encoded())
  }
}
