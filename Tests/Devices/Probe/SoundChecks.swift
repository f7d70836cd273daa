import Frames
import Glibc
import Media
import NIOCore

enum SoundChecks {
  /// `record DEVICE SECONDS FREQUENCY PEAK`: after a moment to settle, the microphone hears that tone, pure and as loud, in
  /// real time. `record DEVICE SECONDS any 0` only listens.
  static func record(_ arguments: [String]) throws -> String {
    let microphone = try ALSAMicrophone(device: arguments.text(0))
    let periods = Int(try arguments.number(1) * 50)
    var period = AudioPeriod()
    var heard: [Int16] = []
    var first: NIODeadline?
    do {
      for _ in 0..<periods {
        guard try microphone.next(into: &period) else { throw Failure("it stopped") }
        if first == nil {
          say("ready")
          first = period.time
        }
        heard += period.samples
      }
    } catch let error as MediaError {
      return "ended after \(heard.isEmpty ? "no" : "some") sound: \(error)"
    }
    try checkPace(periods: periods, from: first, to: period.time)
    if try arguments.text(2) != "any" {
      return try Tone.check(Array(heard.suffix(48_000)), arguments.number(2), peak: arguments.number(3))
    }
    return "\(periods) periods in real time"
  }

  /// The times that the periods carry must be those of real time.
  private static func checkPace(periods: Int, from first: NIODeadline?, to last: NIODeadline) throws(Failure) {
    let seconds = Double((last - (first ?? last)).nanoseconds) / 1e9
    let wanted = Double(periods - 1) / 50
    guard abs(seconds - wanted) < 0.25 else { throw Failure("\(wanted) s of sound took \(seconds) s") }
  }

  /// `overrun DEVICE`: a reader that is too slow for a while loses sound, and goes on.
  static func overrun(_ arguments: [String]) throws -> String {
    let microphone = try ALSAMicrophone(device: arguments.text(0))
    var period = AudioPeriod()
    for _ in 0..<10 { guard try microphone.next(into: &period) else { throw Failure("it stopped") } }
    sleep(1)
    for _ in 0..<50 { guard try microphone.next(into: &period) else { throw Failure("it stopped") } }
    let age = NIODeadline.now() - period.time
    guard age < .milliseconds(400) else { throw Failure("the sound is \(age.nanoseconds / 1_000_000) ms old") }
    return "goes on, and with new sound"
  }

  /// `play DEVICE SECONDS FREQUENCY PAUSE`: plays a tone in real time; after a second pauses for so many milliseconds.
  static func play(_ arguments: [String]) throws -> String {
    let speaker = try ALSASpeaker(device: arguments.text(0))
    let periods = Int(try arguments.number(1) * 50)
    let frequency = try arguments.number(2)
    var period = AudioPeriod()
    var longest = TimeAmount.zero
    let start = NIODeadline.now()
    do {
      for index in 0..<periods {
        for sample in 0..<period.samples.count {
          period.samples[sample] = Tone.sample(index * period.samples.count + sample, frequency)
        }
        try speaker.play(period)
        if index == 0 { say("ready") }
        longest = max(longest, speaker.delay)
        if index == 50 { usleep(UInt32(try arguments.number(3)) * 1000) }
      }
    } catch let error as MediaError {
      return "ended: \(error)"
    }
    let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
    let wanted = try arguments.number(1)
    // What is queued at the end has not been heard yet; a pause makes it longer.
    let pause = try arguments.number(3) / 1000
    guard seconds > wanted - 0.2, seconds < wanted + pause + 0.5 else { throw Failure("\(wanted) s took \(seconds) s") }
    guard longest >= .milliseconds(20), longest <= .milliseconds(150) else {
      throw Failure("\(longest.nanoseconds / 1_000_000) ms were queued")
    }
    return "played in real time, at most \(longest.nanoseconds / 1_000_000) ms queued"
  }

  /// `stop-microphone DEVICE`: a wait for sound ends when another thread says so.
  static func stop(_ arguments: [String]) throws -> String {
    let microphone = try ALSAMicrophone(device: arguments.text(0))
    var period = AudioPeriod()
    return try StopCheck.run(stop: microphone.stop) { while try microphone.next(into: &period) {} }
  }
}

/// Files for the other side of the cable, whose programs are not ours.
enum SoundFiles {
  /// `make-tone FILE SECONDS FREQUENCY`
  static func make(_ arguments: [String]) throws -> String {
    let sink = try WAVSink(path: arguments.text(0))
    var period = AudioPeriod()
    for index in 0..<Int(try arguments.number(1) * 50) {
      for sample in 0..<960 { period.samples[sample] = Tone.sample(index * 960 + sample, try arguments.number(2)) }
      try sink.play(period)
    }
    return "made"
  }

  /// `check-tone FILE FREQUENCY PEAK`: the file's second half holds that tone.
  static func check(_ arguments: [String]) throws -> String {
    let source = try WAVSource(path: arguments.text(0))
    var period = AudioPeriod()
    var heard: [Int16] = []
    for _ in 0..<100 { if try source.next(into: &period) { heard += period.samples } }
    return try Tone.check(Array(heard.suffix(48_000)), arguments.number(1), peak: arguments.number(2))
  }
}

enum Tone {
  static let peak = 10_000.0

  static func sample(_ index: Int, _ frequency: Double) -> Int16 {
    Int16((sin(2 * .pi * frequency * Double(index) / 48_000) * peak).rounded())
  }

  /// The samples are that tone and hardly anything else.
  static func check(_ samples: [Int16], _ frequency: Double, peak: Double) throws(Failure) -> String {
    var real = 0.0
    var imaginary = 0.0
    var energy = 0.0
    for (index, sample) in samples.enumerated() {
      let angle = 2 * .pi * frequency * Double(index) / 48_000
      real += Double(sample) * cos(angle)
      imaginary += Double(sample) * sin(angle)
      energy += Double(sample) * Double(sample)
    }
    let count = Double(samples.count)
    let amplitude = 2 * (real * real + imaginary * imaginary).squareRoot() / count
    let rest = max(energy / count - amplitude * amplitude / 2, 0).squareRoot()
    guard abs(amplitude - peak) < peak * 0.02, rest < peak * 0.02 else {
      throw Failure("\(frequency) Hz at \(amplitude.rounded()) with \(rest.rounded()) of other sound, not \(peak)")
    }
    return "\(Int(frequency)) Hz at \(Int(amplitude.rounded())), other sound \(Int(rest.rounded()))"
  }
}
