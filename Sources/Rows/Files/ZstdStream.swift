import CZstd

/// What a zstd stream unpacks to: one frame or several.
final class ZstdStream: ByteStream {
  /// The window of `zstd --ultra -22`, 128 MB; only `--long` asks for more.
  private static let windowLog: Int32 = 27

  private let packed: any ByteStream
  private var input = [UInt8](repeating: 0, count: 1 << 16)
  private var next = 0
  private var filled = 0
  private let context: OpaquePointer
  /// A frame has ended, and nothing of another one was seen.
  private var isBetweenFrames = true
  private var limit = ExpansionLimit()

  init(_ packed: any ByteStream) {
    self.packed = packed
    guard let context = ZSTD_createDCtx() else { fatalError("no memory for zstd") }
    self.context = context
    let code = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
    precondition(ZSTD_isError(code) == 0, "zstd refuses its own default")
  }

  deinit { ZSTD_freeDCtx(context) }

  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int {
    while true {
      let before = next
      let count = try decompress(into: &buffer, from: start)
      try limit.add(packed: next - before, unpacked: count)
      if count > 0 { return count }
      if next < filled, next > before { continue }
      next = 0
      filled = try packed.read(into: &input, from: 0)
      guard filled == 0 else { continue }
      if isBetweenFrames { return 0 }
      throw .content("the zstd file ends too early: it was cut; make or copy it again")
    }
  }

  private func decompress(
    into buffer: inout [UInt8], from start: Int
  ) throws(StreamFault) -> Int {
    let (code, consumed, count) = buffer.withUnsafeMutableBytes { target in
      input.withUnsafeBytes { source in
        var output = ZSTD_outBuffer(
          dst: target.baseAddress.map { $0 + start }, size: target.count - start, pos: 0)
        var packed = ZSTD_inBuffer(
          src: source.baseAddress.map { $0 + next }, size: filled - next, pos: 0)
        let code = ZSTD_decompressStream(context, &output, &packed)
        return (code, packed.pos, output.pos)
      }
    }
    guard ZSTD_isError(code) == 0 else { throw .content(Self.damage(code)) }
    next += consumed
    // With nothing to read and nothing to write, the library asks for a frame that need not follow.
    if consumed > 0 || count > 0 { isBetweenFrames = code == 0 }
    return count
  }

  private static func damage(_ code: Int) -> String {
    if ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge {
      return
        "it was compressed with a window of more than \(1 << (windowLog - 20)) MB, which would all be held in"
        + " memory; compress it again without --long"
    }
    let reason = String(cString: ZSTD_getErrorName(code))
    return "the zstd file is damaged (\(reason.lowercased())); make or copy it again"
  }
}
