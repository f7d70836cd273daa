/// Memory that a terminal on the same machine can read: the way around the terminal line.
public protocol PictureMemory: AnyObject, Sendable {
  /// Makes a new object of memory that the terminal will take and remove.
  /// - Parameters:
  ///   - byteCount: its size, 1 or more.
  ///   - fill: writes the bytes.
  /// - Returns: the name the terminal opens it by; nil when there is no memory, and then the bytes are to be sent.
  func publish(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> String?
}
