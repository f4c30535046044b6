import CZlib

/// What a gzip stream unpacks to: one member or several, each with its checksum verified.
final class GzipStream: ByteStream {
  private let packed: any ByteStream
  private var input = [UInt8](repeating: 0, count: 1 << 16)
  private var next = 0
  private var filled = 0
  /// The library keeps the address of its state.
  private let state: UnsafeMutablePointer<z_stream>
  /// A member has ended, and nothing of another one was seen.
  private var isBetweenMembers = false
  private var limit = ExpansionLimit()

  init(_ packed: any ByteStream) {
    self.packed = packed
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    // The largest window and, by the 16, gzip's header and checksum.
    let code = inflateInit2_(
      state, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib does not start: \(code)")
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int {
    while true {
      if isBetweenMembers, try !beginsMember() { return 0 }
      let before = next
      let (code, count) = inflate(into: &buffer, from: start)
      try limit.add(packed: next - before, unpacked: count)
      switch code {
      case Z_OK: break
      case Z_BUF_ERROR where next == filled || count > 0: break
      case Z_STREAM_END:
        inflateReset(state)
        isBetweenMembers = true
      case Z_MEM_ERROR: throw .content("there is no memory to unpack it; free some")
      default: throw .content(damage)
      }
      if count > 0 { return count }
      if next == filled, !isBetweenMembers, try !refill() {
        throw .content("the gzip file ends too early: it was cut; make or copy it again")
      }
    }
  }

  /// Whether there is another member. Zeros may fill up a file behind the last one.
  private func beginsMember() throws(StreamFault) -> Bool {
    repeat {
      while next < filled, input[next] == 0 { next += 1 }
      if next < filled {
        isBetweenMembers = false
        return true
      }
    } while try refill()
    return false
  }

  private func refill() throws(StreamFault) -> Bool {
    next = 0
    filled = try packed.read(into: &input, from: 0)
    return filled > 0
  }

  private func inflate(into buffer: inout [UInt8], from start: Int) -> (code: Int32, count: Int) {
    let room = min(buffer.count - start, 1 << 30)
    let available = filled - next
    let code = buffer.withUnsafeMutableBufferPointer { target in
      input.withUnsafeMutableBufferPointer { source in
        state.pointee.next_in = source.baseAddress.map { $0 + next }
        state.pointee.avail_in = UInt32(available)
        state.pointee.next_out = target.baseAddress.map { $0 + start }
        state.pointee.avail_out = UInt32(room)
        return CZlib.inflate(state, Z_NO_FLUSH)
      }
    }
    next += available - Int(state.pointee.avail_in)
    return (code, room - Int(state.pointee.avail_out))
  }

  private var damage: String {
    let reason = state.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
    return "the gzip file is damaged\(reason); make or copy it again"
  }
}
