public import Media

/// Which devices a call uses.
public struct MediaChoices: Sendable, Equatable {
  public var camera: CameraChoice
  public var microphone: MicrophoneChoice
  public var speaker: SpeakerChoice

  public init(camera: CameraChoice, microphone: MicrophoneChoice, speaker: SpeakerChoice) {
    self.camera = camera
    self.microphone = microphone
    self.speaker = speaker
  }
}

/// The devices of one call, open.
struct MediaDevices: Sendable {
  var camera: (any VideoSource)?
  var microphone: (any AudioSource)?
  var speaker: any AudioSink
  /// What the person should know about them.
  var remarks: [String] = []

  /// As the status line names them.
  var cameraName: String { camera?.name ?? "no camera" }
  var microphoneName: String { microphone?.name ?? "no microphone" }

  /// Why the devices cannot be had just so.
  enum Obstacle: Error {
    /// The person may choose how to go on.
    case ask(DeviceQuestion)
    /// The system said no: MDN's page treats it as the person cancelling.
    case refused(String)
    case failed(String)
  }

  /// Opens what is chosen. Blocks: never call it on an event loop.
  /// - Parameter answer: what the person said to a question before this one.
  static func open(_ choices: MediaChoices, answer: DeviceAnswer?) throws(Obstacle) -> MediaDevices {
    let camera = try open("camera", answer, { () throws(MediaError) in try CameraChoice.testPattern.open() }) {
      () throws(MediaError) in try choices.camera.open()
    }
    do throws(Obstacle) {
      let microphone = try open("microphone", answer, { () throws(MediaError) in try MicrophoneChoice.tone.open() }) {
        () throws(MediaError) in try choices.microphone.open()
      }
      let (speaker, remarks) = try openSpeaker(choices.speaker)
      return MediaDevices(camera: camera, microphone: microphone, speaker: speaker, remarks: remarks)
    } catch {
      camera?.stop()
      throw error
    }
  }

  /// One device, or what stands in for it, or the reason to stop: MDN's three cases.
  private static func open<Device>(
    _ kind: String, _ answer: DeviceAnswer?, _ synthetic: () throws(MediaError) -> Device?,
    device: () throws(MediaError) -> Device?
  ) throws(Obstacle) -> Device? {
    do throws(MediaError) {
      return try device()
    } catch {
      switch (error, answer) {
      case (.notFound, .receiveOnly): return nil
      case (.notFound, .synthetic): return try? synthetic()
      case (.notFound(let name, let detail), _):
        throw .ask(DeviceQuestion(device: kind, text: "No \(kind) was found: \(name) (\(detail))."))
      case (.permissionDenied(let name), _): throw .refused("The call is off: you have no permission to use \(name).")
      default: throw .failed("The \(kind) cannot be opened: \(error).")
      }
    }
  }

  /// A call without loudspeaker is still worth having.
  private static func openSpeaker(_ choice: SpeakerChoice) throws(Obstacle) -> (any AudioSink, [String]) {
    do throws(MediaError) {
      return (try choice.open(), [])
    } catch {
      guard let silent = try? SpeakerChoice.off.open() else { throw .failed("The speaker cannot be opened: \(error).") }
      return (silent, ["You will hear nothing: \(error)."])
    }
  }
}
