import CMalloc
import Dispatch
public import Logging
import Media
public import NIOCore
public import PeerConnection
public import Signaling

/// Rings, answers and hangs up; joins media to the peer connection. It knows no screen: a terminal UI and a bot are two
/// faces on it.
///
/// What happens in which order is decided by ``CallMachine``; this performs it. Everything runs on the network's event
/// loop, except what blocks (opening and closing devices), which has a queue of its own: serial, so that a device is
/// closed before the next call opens it again.
public actor CallController: CallControlling {
  public struct Configuration: Sendable {
    public var server: SignalingURL
    public var name: String
    public var media: MediaChoices
    /// Whether the test pattern and the tone stand in for devices that are missing, without asking.
    public var standsIn = false
    /// How long an incoming call rings.
    public var ringTime = TimeAmount.seconds(45)
    /// Takes a line of JSON (``StatisticsLine``) at each change of the call and once a second in it. Called on the event
    /// loop.
    public var report: (@Sendable (String) -> Void)?
    /// How peer connections are made.
    public var connection = PeerConnectionConfiguration()

    public init(server: SignalingURL, name: String, media: MediaChoices) {
      self.server = server
      self.name = name
      self.media = media
    }
  }

  public nonisolated let events: AsyncStream<CallEvent>
  public nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

  nonisolated let eventLoop: any EventLoop
  let configuration: Configuration
  let logger: Logger
  let signaling: SignalingClient
  let pictures: any PictureSink
  private let eventSink: AsyncStream<CallEvent>.Continuation
  /// Opens and closes devices, one after the other.
  private let deviceQueue = DispatchQueue(label: "glyphone.devices")
  private let ringer: Ringer
  private var machine: CallMachine
  /// The names of those who are shown under another, because theirs holds what no terminal should get.
  var wireNames: [String: String] = [:]
  /// Whether there is a connection to the server.
  var isOnline = false
  /// The STUN and TURN servers that the chat server told us of.
  var serversOfServer = ICEServerBook()
  var serverRefresh: Scheduled<Void>?
  /// The call of ``machine``, once its devices are open.
  var call: CallConnection?
  private var timer: Scheduled<Void>?
  private var statisticsTimer: RepeatedTask?
  private var certificate: Certificate?
  private var isQuitting = false
  private var reporter = StatisticsReporter()

  /// What is kept for a face that does not keep up; the oldest goes.
  private static let eventBacklog = 4096

  public init(
    configuration: Configuration, pictures: any PictureSink, eventLoop: any EventLoop, logger: Logger
  ) {
    self.configuration = configuration
    self.pictures = pictures
    self.eventLoop = eventLoop
    self.logger = logger
    (events, eventSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventBacklog))
    signaling = SignalingClient(
      configuration: SignalingClientConfiguration(
        url: configuration.server, name: configuration.name, announcement: Self.announcement),
      eventLoop: eventLoop, logger: logger)
    ringer = Ringer(speaker: configuration.media.speaker)
    machine = CallMachine(configuration: .init(ringTime: configuration.ringTime))
  }

  /// The name the server knows us by.
  var ownName: String { machine.ownName }
  /// Whom we are in a call with.
  var peerName: String { machine.status.peer }

  /// Connects to the server and stays in the chat until told to quit.
  public func run() async {
    // Done while nobody waits, so that the first call comes up as quickly as the others.
    deviceQueue.async { PeerConnection.prepare() }
    signaling.start()
    for await event in signaling.events { take(event) }
    eventSink.yield(.finished)
    eventSink.finish()
  }

  public nonisolated func perform(_ command: CallCommand) {
    eventLoop.execute { self.assumeIsolated { $0.take(command) } }
  }

  // MARK: - Driving the machine

  /// Lets the machine take something in, then does what it wants done.
  func step(_ change: (inout CallMachine) -> Void) {
    change(&machine)
    for action in machine.takeActions() { perform(action) }
    timer?.cancel()
    timer = machine.deadline.map { deadline in
      eventLoop.scheduleTask(deadline: deadline) {
        self.assumeIsolated { $0.step { $0.handleTimeout(now: .now()) } }
      }
    }
  }

  private func take(_ command: CallCommand) {
    logger.debug("command", metadata: ["command": "\(command)"])
    switch command {
    case .chat(let text): say(text)
    case .rename(let name): signaling.rename(to: name)
    case .invite(let name): step { $0.invite(name, now: .now()) }
    case .answer: step { $0.answer(now: .now()) }
    case .reject: step { $0.reject() }
    case .hangUp: step { $0.hangUp() }
    case .muteMicrophone(let muted):
      call?.pipeline.setMuted(muted)
      step { $0.setMuted(microphone: muted) }
    case .turnCameraOff(let off):
      call?.pipeline.setCameraOff(off)
      step { $0.setCameraOff(off) }
    case .deviceAnswer(let answer): step { $0.chooseDevices(answer) }
    case .quit: quit()
    }
  }

  private func perform(_ action: CallMachine.Action) {
    switch action {
    case .event(let event): emit(event)
    case .openDevices(let id, let answer): openDevices(id, answer)
    case .makeOffer(let id, let peer):
      disconnect()
      negotiate(id, .makeOffer(to: peer))
    case .makeWay: disconnect()
    case .takeOffer(let id, let peer, let sdp): negotiate(id, .takeOffer(from: peer, sdp: sdp))
    case .takeAnswer(let id, let sdp): negotiate(id, .takeAnswer(sdp: sdp))
    case .restart(let id, let peer): negotiate(id, .restart(to: peer))
    case .addCandidate(let id, let candidate): negotiate(id, .addCandidate(CandidateDescription(candidate)))
    case .sendHangUp(let peer, let reason): sendHangUp(to: peer, reason)
    case .sendRinging(let peer): sendRinging(to: peer)
    case .ring(let ring): ringer.play(ring)
    case .release(let id): release(id)
    }
  }

  func emit(_ event: CallEvent) {
    eventSink.yield(event)
    if let line = reporter.line(for: event) { configuration.report?(line.json) }
  }

  func failNegotiation(_ id: CallMachine.CallID, _ text: String) {
    logger.error("negotiation failed", metadata: ["reason": "\(text)"])
    step { $0.negotiationFailed(id, text) }
  }

  func transportChanged(_ id: CallMachine.CallID, _ transport: CallMachine.Transport) {
    if transport == .connected, call?.id == id {
      call?.pipeline.startSending()
      startStatistics()
    }
    step { $0.transportChanged(id, transport, now: .now()) }
  }

  /// Our DTLS identity: one for the life of the process.
  func identity() throws(PeerConnectionError) -> Certificate {
    if let certificate { return certificate }
    let new = try Certificate()
    certificate = new
    return new
  }

  // MARK: - Devices

  private func openDevices(_ id: CallMachine.CallID, _ answer: DeviceAnswer?) {
    let answer = answer ?? (configuration.standsIn ? .synthetic : nil)
    let choices = configuration.media
    deviceQueue.async {
      let opened: Result<MediaDevices, MediaDevices.Obstacle>
      do throws(MediaDevices.Obstacle) {
        opened = .success(try MediaDevices.open(choices, answer: answer))
      } catch {
        opened = .failure(error)
      }
      self.eventLoop.execute { self.assumeIsolated { $0.devicesOpened(id, opened) } }
    }
  }

  private func devicesOpened(_ id: CallMachine.CallID, _ opened: Result<MediaDevices, MediaDevices.Obstacle>) {
    // Closed again by going out of scope, when the call ended in the meantime.
    guard id == machine.callID, !machine.isIdle else { return }
    switch opened {
    case .success(let devices): devicesReady(id, devices)
    case .failure(.ask(let question)): step { $0.devicesOpened(id, .question(question), now: .now()) }
    case .failure(.refused(let text)): step { $0.devicesOpened(id, .refused(text), now: .now()) }
    case .failure(.failed(let text)): step { $0.devicesOpened(id, .failed(text), now: .now()) }
    }
  }

  private func devicesReady(_ id: CallMachine.CallID, _ devices: MediaDevices) {
    for remark in devices.remarks { emit(.notice(Notice(.warning, remark))) }
    let outlet = CallOutlet { text in
      self.eventLoop.execute { self.assumeIsolated { $0.emit(.notice(Notice(.error, text))) } }
    }
    let pipeline = MediaPipeline(devices: devices, sink: pictures, outlet: outlet)
    pipeline.setMuted(machine.status.isMicrophoneMuted)
    pipeline.setCameraOff(machine.status.isCameraOff)
    call = CallConnection(id: id, outlet: outlet, pipeline: pipeline)
    step {
      $0.devicesOpened(
        id, .ready(camera: devices.cameraName, microphone: devices.microphoneName), now: .now())
    }
  }

  /// Lets go of everything a call had: the connection says goodbye, threads end, devices close.
  private func release(_ id: CallMachine.CallID) {
    statisticsTimer?.cancel()
    statisticsTimer = nil
    guard let call, call.id == id else { return }
    disconnect()
    self.call = nil
    let (pipeline, pictures) = (call.pipeline, pictures)
    deviceQueue.async {
      pipeline.stop()
      pictures.clear()
    }
    // By now all of a call's codecs and pictures are free: tens of megabytes that the allocator would keep for itself.
    deviceQueue.async { _ = malloc_trim(0) }
  }

  // MARK: - Statistics

  private func startStatistics() {
    guard statisticsTimer == nil else { return }
    statisticsTimer = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      Task { await self.sampleStatistics() }
    }
  }

  private func sampleStatistics() async {
    guard let id = call?.id, let connection = call?.peer?.connection, let since = machine.status.since else { return }
    let network = await connection.statistics()
    guard call?.id == id, let media = call?.pipeline.statistics else { return }
    let began = machine.began ?? since
    guard let figures = call?.sampler.sample(network, media, began: began, since: since, now: .now()) else { return }
    emit(.statistics(figures))
  }

  // MARK: - The end

  private func quit() {
    guard !isQuitting else { return }
    isQuitting = true
    if !machine.isIdle { step { $0.hangUp() } }
    ringer.play(.silence)
    serverRefresh?.cancel()
    Task {
      await withCheckedContinuation { continuation in deviceQueue.async { continuation.resume() } }
      await signaling.close()
    }
  }
}
