import CPCRE2
import Formats

/// A compiled regular expression over UTF-8 bytes (PCRE2 with just-in-time compilation).
///
/// Patterns come in Oniguruma's syntax, which Hugging Face's tokenizers use; `OnigurumaSyntax`
/// translates. Sendable because compiled code is read-only; what a search writes is in `MatchScratch`.
final class Pattern: @unchecked Sendable {
  private let code: OpaquePointer
  private let hasMachineCode: Bool

  /// - Parameters:
  ///   - source: In Oniguruma's syntax.
  ///   - place: The file and key that it comes from, for the error.
  convenience init(_ source: String, place: String) throws(Problem) {
    try self.init(translated: try OnigurumaSyntax.translate(source, place: place), source, place)
  }

  /// A pattern that matches `text` itself.
  convenience init(literal text: String, place: String) throws(Problem) {
    let quoted = text.unicodeScalars.map { "\\x{\(String($0.value, radix: 16))}" }.joined()
    try self.init(translated: quoted, text, place)
  }

  /// A pattern in PCRE2's own syntax.
  convenience init(translated: String, place: String) throws(Problem) {
    try self.init(translated: translated, translated, place)
  }

  private init(translated: String, _ source: String, _ place: String) throws(Problem) {
    // Anchors match at lines, as in Oniguruma; \p{…} and case know all of Unicode.
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
    var errorCode: Int32 = 0
    var errorOffset = 0
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    let bytes = Array(translated.utf8)
    let compiled = pcre2_compile_8(bytes, bytes.count, options, &errorCode, &errorOffset, context)
    guard let compiled else {
      throw Problem(
        place, "the pattern \"\(source)\" cannot be compiled: \(Self.message(errorCode))")
    }
    code = compiled
    hasMachineCode = pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE) == 0
  }

  deinit { pcre2_code_free_8(code) }

  /// Calls `body` for each match from left to right, as Oniguruma's iterator finds them: they do not
  /// overlap, and an empty match right behind another match does not count.
  @inline(__always)
  func forEachMatch(
    in text: UnsafeBufferPointer<UInt8>, _ scratch: MatchScratch, _ body: (Range<Int>) -> Void
  ) {
    var position = 0
    var lastEnd = -1
    while position <= text.count, let match = firstMatch(in: text, from: position, scratch) {
      if match.isEmpty, match.lowerBound == lastEnd {
        position += position < text.count ? UTF8Text.length(ofScalarAt: position, in: text) : 1
        continue
      }
      body(match)
      position = match.upperBound
      lastEnd = match.upperBound
    }
  }

  /// A text with every match replaced.
  func replace(in text: [UInt8], with content: [UInt8], _ scratch: MatchScratch) -> [UInt8] {
    var result: [UInt8] = []
    var done = 0
    text.withUnsafeBufferPointer { bytes in
      forEachMatch(in: bytes, scratch) { match in
        result += bytes[done..<match.lowerBound]
        result += content
        done = match.upperBound
      }
      result += bytes[done...]
    }
    return result
  }

  /// The leftmost match that starts at `start` or behind it.
  private func firstMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int, _ scratch: MatchScratch
  ) -> Range<Int>? {
    var status = PCRE2_ERROR_JIT_BADOPTION
    if hasMachineCode {
      status = pcre2_jit_match_8(
        code, text.baseAddress, text.count, start, 0, scratch.data, scratch.context)
    }
    if status == PCRE2_ERROR_JIT_BADOPTION || status == PCRE2_ERROR_JIT_STACKLIMIT {
      // The interpreter is slower, but keeps its state on the heap.
      status = pcre2_match_8(
        code, text.baseAddress, text.count, start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, scratch.data,
        scratch.context)
    }
    if status == PCRE2_ERROR_NOMATCH { return nil }
    precondition(status >= 0, "a pattern failed: \(Self.message(status))")
    return scratch.bounds[0]..<scratch.bounds[1]
  }

  private static func message(_ code: Int32) -> String {
    var text = [UInt8](repeating: 0, count: 256)
    let length = pcre2_get_error_message_8(code, &text, text.count)
    return String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
  }
}

/// What a search writes: where the match is, and the stack of the compiled code.
/// One thread at a time.
final class MatchScratch {
  fileprivate let data: OpaquePointer?
  fileprivate let context: OpaquePointer?
  /// Start and end of the last match.
  fileprivate let bounds: UnsafeMutablePointer<Int>
  private let stack: OpaquePointer?

  init() {
    data = pcre2_match_data_create_8(1, nil)
    context = pcre2_match_context_create_8(nil)
    stack = pcre2_jit_stack_create_8(32 << 10, 16 << 20, nil)
    precondition(data != nil && context != nil && stack != nil, "out of memory")
    bounds = pcre2_get_ovector_pointer_8(data)
    pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    // Text of any length is legitimate; only memory bounds a search.
    pcre2_set_match_limit_8(context, .max)
    pcre2_set_depth_limit_8(context, .max)
    pcre2_set_heap_limit_8(context, 4 << 20)
  }

  deinit {
    pcre2_match_data_free_8(data)
    pcre2_match_context_free_8(context)
    pcre2_jit_stack_free_8(stack)
  }
}
