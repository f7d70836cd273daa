import Glibc

/// A regular file that is read from begin to end, and again.
final class InputFile {
  let path: String
  let length: Int
  private let descriptor: Int32
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var taken = 0
  /// Offset in the file of the next byte to be read.
  private(set) var position = 0

  /// - Throws: ``MediaError`` as for a device when it cannot be opened.
  init(path: String) throws(MediaError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw .opening(errno, device: path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .failed(device: path, detail: "not a regular file")
    }
    length = Int(status.st_size)
    buffer = .allocate(byteCount: 65536, alignment: 16)
  }

  deinit {
    close(descriptor)
    buffer.deallocate()
  }

  /// Reads as much as the target holds, or what there is up to the end of the file.
  /// - Returns: bytes read.
  func read(into target: UnsafeMutableRawBufferPointer) throws(MediaError) -> Int {
    var done = 0
    while done < target.count {
      guard try fill() else { break }
      let count = min(filled - taken, target.count - done)
      UnsafeMutableRawBufferPointer(rebasing: target[done...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[taken..<taken + count]))
      taken += count
      done += count
      position += count
    }
    return done
  }

  /// Reads one byte; nil at the end of the file.
  func readByte() throws(MediaError) -> UInt8? {
    guard try fill() else { return nil }
    defer {
      taken += 1
      position += 1
    }
    return buffer[taken]
  }

  /// Reads exactly so many bytes; nil when the file ends before.
  func read(count: Int) throws(MediaError) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
      guard let byte = try readByte() else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  func seek(to offset: Int) throws(MediaError) {
    guard lseek(descriptor, off_t(offset), SEEK_SET) == off_t(offset) else {
      throw .badFile(path: path, position: offset, detail: MediaError.words(errno))
    }
    position = offset
    filled = 0
    taken = 0
  }

  /// Sees to it that the buffer is not empty; false at the end of the file.
  private func fill() throws(MediaError) -> Bool {
    while taken == filled {
      taken = 0
      filled = 0
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count == 0 { return false }
      if count > 0 {
        filled = count
      } else if errno != EINTR {
        throw .badFile(path: path, position: position, detail: MediaError.words(errno))
      }
    }
    return true
  }
}
