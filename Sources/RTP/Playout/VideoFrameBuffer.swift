import Frames
import NIOCore

/// Puts VP8 frames together from packets in any order and releases them in decoding order at their playout time.
///
/// Frames are released in an unbroken sequence from a key frame on: VP8 frames refer to those before. While one is
/// missing everything behind it waits; when it stays away, ``needsKeyFrame(now:roundTrip:)`` says so, and the next complete key
/// frame goes on.
struct VideoFrameBuffer: Sendable {
  /// Packets held at most, counted from the newest sequence number back.
  static let maximumPackets = 2048
  /// Frames held at most, complete and not.
  static let maximumFrames = 256
  /// Bytes of payload held at most.
  static let maximumBytes = 8_000_000
  /// Nothing is shown later than that after it was complete.
  static let longestDelay = TimeAmount.milliseconds(1000)
  /// A missing frame that holds others up for that long and two round trips asks for a key frame.
  static let patience = TimeAmount.milliseconds(300)
  /// An incomplete key frame is hoped for that long.
  static let keyFramePatience = TimeAmount.milliseconds(1000)

  private struct Slot: Sendable {
    var sequence = Int64.min
    var payload = ByteBuffer()
    /// Whether the packet holds nothing: padding that only takes up a number.
    var isFiller = false
  }

  private struct Frame: Sendable {
    let timestamp: RTPTimestamp
    var lowest: Int64
    var highest: Int64
    var packets = 1
    var bytes: Int
    /// Where it starts and ends, once those packets came.
    var first: Int64?
    var last: Int64?
    var isKeyFrame = false
    /// The whole frame, when it is complete.
    var payload: ByteBuffer?
    /// When it began to come, and was complete.
    let started: NIODeadline
    var completed = NIODeadline.uptimeNanoseconds(0)
    /// When to show it, lip sync not counted, in nanoseconds.
    var playout: Int64 = 0
  }

  private var slots = [Slot](repeating: Slot(), count: maximumPackets)
  /// In order of sequence.
  private var frames: [Frame] = []
  private var clock = PlayoutClock()
  private var bytes = 0
  /// The lowest number still taken.
  private var floor: Int64?
  private var newest: Int64 = 0
  /// First packet of the next frame to release; `nil` while waiting for a key frame.
  private var next: Int64?
  private var lastRelease = NIODeadline.uptimeNanoseconds(0)

  /// Added to every playout time: the picture waits for the sound.
  var lipSyncDelay = TimeAmount.zero
  /// Frames that came, whole or in part, and were not released.
  private(set) var framesDropped = 0
  private(set) var framesReleased = 0

  init() {
    frames.reserveCapacity(Self.maximumFrames)
  }

  /// The delay for jitter.
  var playoutDelay: TimeAmount { .nanoseconds(clock.delay) }

  /// Packets before this one are of no use any more.
  var firstUseful: Int64? { next ?? floor }

  /// Bytes held.
  var heldBytes: Int { bytes }
  var heldFrames: Int { frames.count }

  /// Takes a packet: its unwrapped sequence number and its payload with the descriptor read off. An empty payload fills a
  /// gap in the numbers.
  mutating func insert(
    _ packet: RTPPacket, sequence: Int64, descriptor: VP8PayloadDescriptor?, now: NIODeadline
  ) {
    guard makeRoom(for: sequence), slots[Self.slot(sequence)].sequence != sequence else { return }
    newest = max(newest, sequence)
    guard let descriptor else {
      slots[Self.slot(sequence)] = Slot(sequence: sequence, isFiller: true)
      skipFillers()
      return
    }
    let size = packet.payload.readableBytes
    slots[Self.slot(sequence)] = Slot(sequence: sequence, payload: packet.payload)
    bytes += size
    let index = frameIndex(for: packet.timestamp, sequence: sequence, size: size, now: now)
    if descriptor.startsFrame {
      frames[index].first = sequence
      frames[index].isKeyFrame = VP8FrameHeader.isKeyFrame(packet.payload)
    }
    if packet.isMarked { frames[index].last = sequence }
    completeIfWhole(index, now: now)
    enforceBounds()
  }

  /// Forgets everything; goes on with the next key frame, at any sequence number.
  mutating func reset() {
    framesDropped += frames.count
    frames.removeAll(keepingCapacity: true)
    clock = PlayoutClock()
    for index in slots.indices { slots[index] = Slot() }
    bytes = 0
    floor = nil
    next = nil
  }

  /// Gives the frames whose time has come, in decoding order.
  mutating func poll(now: NIODeadline, _ body: (EncodedVideoFrame) -> Void) {
    while let index = releasable(now: now) {
      if index > 0 { raiseFloor(to: frames[index].lowest) }
      release(body)
    }
  }

  /// When the next frame is to be released; `nil` when none is ready.
  var nextDeadline: NIODeadline? {
    if let first = frames.first, first.payload != nil, first.first == next { return playoutTime(first) }
    return frames.first { $0.payload != nil && $0.isKeyFrame }.map(playoutTime)
  }

  /// Whether decoding cannot go on, as far as can be told now, without a key frame: none has come yet, or frames have
  /// waited too long for a missing one.
  func needsKeyFrame(now: NIODeadline, roundTrip: TimeAmount) -> Bool {
    let hasHope = frames.contains {
      $0.isKeyFrame && ($0.payload != nil || now - $0.started < Self.keyFramePatience)
    }
    guard floor != nil, !hasHope else { return false }
    guard let next else { return true }
    guard let waiting = frames.first(where: { $0.payload != nil }), waiting.first != next else { return false }
    return now - waiting.completed > Self.patience + roundTrip * 2
  }
}

// MARK: Taking packets

extension VideoFrameBuffer {
  private static func slot(_ sequence: Int64) -> Int { Int(sequence & Int64(maximumPackets - 1)) }

  /// - Returns: whether the number is still of use. The window moves up for a newer one.
  private mutating func makeRoom(for sequence: Int64) -> Bool {
    guard let floor else {
      // Packets before the first may come after it.
      self.floor = sequence - 64
      newest = sequence
      return true
    }
    guard sequence >= next ?? floor, sequence >= floor else { return false }
    if sequence >= floor + Int64(Self.maximumPackets) { raiseFloor(to: sequence - Int64(Self.maximumPackets) + 1) }
    return true
  }

  /// Drops the frames that begin before `sequence`, and takes no packet of theirs any more.
  private mutating func raiseFloor(to sequence: Int64) {
    floor = sequence
    if let next, next < sequence { self.next = nil }
    let before = frames.count
    for frame in frames where frame.lowest < sequence { clear(frame) }
    frames.removeAll { $0.lowest < sequence }
    framesDropped += before - frames.count
  }

  private mutating func clear(_ frame: Frame) {
    bytes -= frame.bytes
    guard frame.payload == nil else { return }
    for sequence in frame.lowest...frame.highest where slots[Self.slot(sequence)].sequence == sequence {
      slots[Self.slot(sequence)].payload = ByteBuffer()
    }
  }

  /// The frame a packet belongs to, made or widened by it.
  private mutating func frameIndex(
    for timestamp: RTPTimestamp, sequence: Int64, size: Int, now: NIODeadline
  ) -> Int {
    guard var index = frames.lastIndex(where: { $0.timestamp == timestamp && $0.payload == nil }) else {
      let index = frames.lastIndex { $0.lowest < sequence }.map { $0 + 1 } ?? 0
      frames.insert(
        Frame(timestamp: timestamp, lowest: sequence, highest: sequence, bytes: size, started: now), at: index)
      return index
    }
    frames[index].highest = max(frames[index].highest, sequence)
    frames[index].packets += 1
    frames[index].bytes += size
    if sequence < frames[index].lowest {
      frames[index].lowest = sequence
      while index > 0, frames[index - 1].lowest > sequence {
        frames.swapAt(index, index - 1)
        index -= 1
      }
    }
    return index
  }

  private mutating func completeIfWhole(_ index: Int, now: NIODeadline) {
    let frame = frames[index]
    guard let first = frame.first, let last = frame.last, frame.lowest == first, frame.highest == last,
      Int64(frame.packets) == last - first + 1
    else { return }
    var whole = ByteBufferAllocator().buffer(capacity: frame.bytes)
    for sequence in first...last {
      whole.writeImmutableBuffer(slots[Self.slot(sequence)].payload)
      slots[Self.slot(sequence)].payload = ByteBuffer()
    }
    frames[index].payload = whole
    frames[index].completed = now
    frames[index].playout = clock.completed(frame.timestamp, now: now)
    skipFillers()
  }

  private mutating func enforceBounds() {
    if frames.count > Self.maximumFrames || bytes > Self.maximumBytes {
      // Whatever waits has waited in vain: start again behind it.
      raiseFloor(to: newest + 1)
    }
  }

  /// Moves on over packets that hold nothing.
  private mutating func skipFillers() {
    while let sequence = next, slots[Self.slot(sequence)].sequence == sequence, slots[Self.slot(sequence)].isFiller {
      next = sequence + 1
    }
  }
}

// MARK: Giving frames

extension VideoFrameBuffer {
  private func playoutTime(_ frame: Frame) -> NIODeadline {
    let latest = frame.completed + Self.longestDelay
    return max(min(NIODeadline(nanoseconds: frame.playout) + lipSyncDelay, latest), lastRelease)
  }

  /// The frame to release now: the next in sequence, or a key frame behind a gap that did not close in time.
  private func releasable(now: NIODeadline) -> Int? {
    guard let first = frames.first else { return nil }
    if first.payload != nil, first.first == next {
      return playoutTime(first) <= now ? 0 : nil
    }
    return frames.firstIndex { $0.payload != nil && $0.isKeyFrame && playoutTime($0) <= now }
  }

  private mutating func release(_ body: (EncodedVideoFrame) -> Void) {
    let frame = frames.removeFirst()
    guard let payload = frame.payload else { return }
    bytes -= frame.bytes
    lastRelease = playoutTime(frame)
    framesReleased += 1
    raiseFloor(to: frame.highest + 1)
    next = frame.highest + 1
    skipFillers()
    body(
      EncodedVideoFrame(
        payload: payload, isKeyFrame: frame.isKeyFrame, timestamp: frame.timestamp.rawValue, time: lastRelease))
  }
}
