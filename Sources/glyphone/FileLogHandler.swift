import Foundation
import Logging
import NIOConcurrencyHelpers

/// Writes each log line to a file, for the terminal is busy with the picture.
struct FileLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.debug
  private let label: String
  private let file: LineFile

  init(label: String, file: LineFile) {
    self.label = label
    self.file = file
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let own = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
    let pairs = own.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let time = Date().formatted(.iso8601.time(includingFractionalSeconds: true))
    file.write("\(time) \(event.level) \(label): \(event.message)\(pairs)")
  }
}

/// A file that takes whole lines from any thread.
final class LineFile: Sendable {
  static let standardOutput = LineFile(.standardOutput)

  private let handle: NIOLockedValueBox<FileHandle>

  private init(_ handle: FileHandle) {
    self.handle = NIOLockedValueBox(handle)
  }

  /// Creates or empties the file. Nobody else may read it: a log holds credentials.
  /// - Throws: ``ArgumentError/cannotWrite(_:_:)``.
  init(path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ArgumentError.cannotWrite(path, String(cString: strerror(errno))) }
    handle = NIOLockedValueBox(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true))
  }

  /// Adds bytes. A full disk loses them.
  func write(_ bytes: [UInt8]) {
    handle.withLockedValue { try? $0.write(contentsOf: Data(bytes)) }
  }

  /// Adds a line. A full disk loses lines, never the call.
  func write(_ line: String) {
    handle.withLockedValue { try? $0.write(contentsOf: Data((line + "\n").utf8)) }
  }
}

/// An argument that cannot be used.
enum ArgumentError: Error, CustomStringConvertible {
  case cannotWrite(String, String)

  var description: String {
    switch self {
    case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
    }
  }
}
