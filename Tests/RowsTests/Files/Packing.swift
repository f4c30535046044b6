import CZlib
import CZstd
import Testing

/// Compressed bytes, as the usual programs write them.
enum Packing {
  static func gzip(_ bytes: [UInt8], level: Int32 = 6) throws -> [UInt8] {
    let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    state.initialize(to: z_stream())
    defer { state.deallocate() }
    let begun = deflateInit2_(
      state, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    try #require(begun == Z_OK)
    defer { deflateEnd(state) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(state, UInt(bytes.count))) + 64)
    let room = output.count
    let code = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        state.pointee.next_in = input.baseAddress
        state.pointee.avail_in = UInt32(input.count)
        state.pointee.next_out = output.baseAddress
        state.pointee.avail_out = UInt32(output.count)
        return deflate(state, Z_FINISH)
      }
    }
    try #require(code == Z_STREAM_END)
    return Array(output.prefix(room - Int(state.pointee.avail_out)))
  }

  /// - Parameter windowLog: How far back it may refer, as a power of two; nil leaves it to the library.
  static func zstd(_ bytes: [UInt8], windowLog: Int32? = nil) throws -> [UInt8] {
    let context = try #require(ZSTD_createCCtx())
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    if let windowLog {
      ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1)
      ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog)
      // With the size in it, a frame is allowed a smaller window.
      ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)
    }
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count =
      windowLog == nil
      ? ZSTD_compress2(context, &output, output.count, bytes, bytes.count)
      : try streamed(context, bytes, &output)
    try #require(ZSTD_isError(count) == 0)
    return Array(output.prefix(count))
  }

  /// As a pipe is compressed, where the size is not known before.
  private static func streamed(
    _ context: OpaquePointer, _ bytes: [UInt8], _ output: inout [UInt8]
  ) throws -> Int {
    try output.withUnsafeMutableBytes { target in
      try bytes.withUnsafeBytes { source in
        var written = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        var half = ZSTD_inBuffer(src: source.baseAddress, size: source.count / 2, pos: 0)
        try #require(
          ZSTD_isError(ZSTD_compressStream2(context, &written, &half, ZSTD_e_continue)) == 0)
        var rest = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: half.pos)
        try #require(ZSTD_compressStream2(context, &written, &rest, ZSTD_e_end) == 0)
        return written.pos
      }
    }
  }
}
