import CPCRE2
package import Formats

/// A regular expression that a person gives (PCRE2), to be looked for in texts of any length.
///
/// Its work is bounded: a pattern that tries without end is stopped, and said to be at fault. Sendable
/// because compiled code is read-only; what a search writes belongs to the search.
package final class SearchPattern: @unchecked Sendable {
  /// As it was written.
  package let source: String
  private let code: OpaquePointer
  /// The option that it comes from, for errors.
  private let place: String

  /// Steps of one search; ordinary patterns need a few for each byte.
  private static let mostSteps: UInt32 = 20_000_000
  private static let mostKilobytes: UInt32 = 64 << 10

  /// - Throws: For what is no pattern, with the place inside.
  package init(_ source: String, place: String) throws(Problem) {
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
    var (error, offset) = (Int32(0), 0)
    let bytes = Array(source.utf8)
    guard let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil) else {
      throw Problem(
        place,
        "the pattern \"\(source)\" cannot be read at character \(offset + 1): \(Self.message(error))"
      )
    }
    pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    self.source = source
    self.place = place
    self.code = code
  }

  deinit { pcre2_code_free_8(code) }

  /// Whether it stands somewhere in a text.
  ///
  /// - Parameter text: Valid UTF-8.
  /// - Throws: Where the search took too many steps.
  package func matches(_ text: [UInt8]) throws(Problem) -> Bool {
    let data = pcre2_match_data_create_8(1, nil)
    let context = pcre2_match_context_create_8(nil)
    defer {
      pcre2_match_data_free_8(data)
      pcre2_match_context_free_8(context)
    }
    pcre2_set_match_limit_8(context, Self.mostSteps)
    pcre2_set_heap_limit_8(context, Self.mostKilobytes)
    var status = pcre2_match_8(code, text, text.count, 0, PCRE2_NO_UTF_CHECK, data, context)
    if status == PCRE2_ERROR_JIT_STACKLIMIT {
      // The interpreter keeps its state on the heap.
      let options = PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT
      status = pcre2_match_8(code, text, text.count, 0, options, data, context)
    }
    if status >= 0 { return true }
    guard status == PCRE2_ERROR_NOMATCH else {
      throw Problem(
        place,
        "the search for \"\(source)\" was given up (\(Self.message(status))); write a pattern that has"
          + " fewer ways to match")
    }
    return false
  }

  private static func message(_ code: Int32) -> String {
    var text = [UInt8](repeating: 0, count: 256)
    let length = pcre2_get_error_message_8(code, &text, text.count)
    return String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
  }
}
