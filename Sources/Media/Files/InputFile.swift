import Glibc

/// A file that is read from begin to end; a regular one may be read again.
final class InputFile {
  let path: String
  /// In bytes; `Int.max` for a pipe or a device, whose end shows only when it is there.
  let length: Int
  private let descriptor: Int32
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var taken = 0
  /// Offset in the file of the next byte to be read.
  private(set) var position = 0

  /// - Parameter allowsStreams: whether a pipe will do as well, and `-` for standard input.
  /// - Throws: ``MediaError`` as for a device when it cannot be opened.
  init(path: String, allowsStreams: Bool = false) throws(MediaError) {
    self.path = path
    if allowsStreams {
      descriptor = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC)
    } else {
      descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    if descriptor < 0 { throw .opening(errno, device: path) }
    var status = stat()
    let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    let isReadable = isRegular || (allowsStreams && status.st_mode & S_IFMT != S_IFDIR)
    guard isReadable else {
      close(descriptor)
      throw .failed(device: path, detail: "not a regular file")
    }
    length = isRegular ? Int(status.st_size) : .max
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

  /// The next bytes, which stay to be read; fewer when the file ends before. At most 64.
  func peek(count: Int) throws(MediaError) -> [UInt8] {
    guard try fill() else { return [] }
    if taken + count > filled {
      // To the begin, so that there is room behind.
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[taken..<filled]))
      filled -= taken
      taken = 0
      while filled < min(count, 64), try readMore() {}
    }
    return Array(buffer[taken..<min(taken + count, filled)])
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

  /// Leaves out so many bytes, or what there is up to the end of the file.
  func skip(_ count: Int) throws(MediaError) {
    var left = count
    while left > 0, try fill() {
      let step = min(filled - taken, left)
      taken += step
      left -= step
      position += step
    }
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
    if taken < filled { return true }
    taken = 0
    filled = 0
    return try readMore()
  }

  /// Adds to the buffer what comes next; false at the end of the file.
  private func readMore() throws(MediaError) -> Bool {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      if count == 0 { return false }
      if count > 0 {
        filled += count
        return true
      }
      if errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&wait, 1, -1)
      } else if errno != EINTR {
        throw .badFile(path: path, position: position, detail: MediaError.words(errno))
      }
    }
  }
}
