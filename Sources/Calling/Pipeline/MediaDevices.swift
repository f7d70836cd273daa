import Media

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
    let camera = try open("camera", answer, none: nil, synthetic: { () throws(MediaError) in try CameraChoice.testPattern.open() }) {
      () throws(MediaError) in try choices.camera.open()
    }
    do {
      let microphone = try open("microphone", answer, none: nil, synthetic: { () throws(MediaError) in try MicrophoneChoice.tone.open() }) {
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
    _ kind: String, _ answer: DeviceAnswer?, none: Device,
    synthetic: () throws(MediaError) -> Device, device: () throws(MediaError) -> Device
  ) throws(Obstacle) -> Device {
    do {
      do {
        return try device()
      } catch .notFound(let name, let detail) {
        switch answer {
        case .synthetic: return try synthetic()
        case .receiveOnly: return none
        case nil, .cancel:
          throw Obstacle.ask(DeviceQuestion(device: kind, text: "No \(kind) was found: \(name) (\(detail))."))
        }
      }
    } catch let obstacle as Obstacle {
      throw obstacle
    } catch let error as MediaError {
      if case .permissionDenied(let name) = error {
        throw .refused("The call is off: you have no permission to use \(name).")
      }
      throw .failed("The \(kind) cannot be opened: \(error).")
    } catch {
      throw .failed("The \(kind) cannot be opened: \(error).")
    }
  }

  /// A call without loudspeaker is still worth having.
  private static func openSpeaker(_ choice: SpeakerChoice) throws(Obstacle) -> (any AudioSink, [String]) {
    do {
      return (try choice.open(), [])
    } catch {
      guard let silent = try? SpeakerChoice.off.open() else { throw .failed("The speaker cannot be opened: \(error).") }
      return (silent, ["You will hear nothing: \(error)."])
    }
  }
}
