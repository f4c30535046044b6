import CCurl
import Formats

/// One exchange after the other over libcurl; the connection to a host is kept for the next.
///
/// Redirections are not followed here: who asks must see them. A connection serves one thread.
final class HTTPConnection {
  private let handle: UnsafeMutableRawPointer
  private let settings: HubSettings
  private let isCancelled: () -> Bool

  /// Before any thread uses the library.
  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  init(_ settings: HubSettings, isCancelled: @escaping () -> Bool) throws(Problem) {
    guard Self.isLibraryReady, let handle = curl_easy_init() else {
      throw Problem("libcurl", "it cannot be started; check its installation", kind: .run)
    }
    self.handle = handle
    self.settings = settings
    self.isCancelled = isCancelled
  }

  deinit { curl_easy_cleanup(handle) }

  /// Makes the request and hands the body on as it comes; `body` also gets the status and fields.
  func perform(
    _ request: HTTPRequest,
    body: @escaping (HTTPHead, UnsafeRawBufferPointer) throws(Problem) -> Void
  ) throws(HTTPFault) -> HTTPHead {
    guard let origin = Origin(of: request.url) else {
      throw .impossible("\"\(request.url)\" is not an http or https address")
    }
    let exchange = Exchange(request, body: body, isCancelled: isCancelled)
    curl_easy_reset(handle)
    let list = fieldList(request.fields)
    defer { curl_slist_free_all(list) }
    configure(request, origin, list)
    let code = withExtendedLifetime(exchange) {
      let context = Unmanaged.passUnretained(exchange).toOpaque()
      receive(in: context)
      return curl_easy_perform(handle)
    }
    if let fault = exchange.fault { throw fault }
    guard code == CURLE_OK else { throw Self.fault(code) }
    var head = exchange.head
    head.redirect = curl_redirect_url(handle).map { String(cString: $0) }
    return head
  }

  private func configure(
    _ request: HTTPRequest, _ origin: Origin, _ list: UnsafeMutablePointer<curl_slist>?
  ) {
    let patience = settings.patience
    curl_set_text(handle, CURLOPT_URL, request.url)
    curl_allow_only_http(handle)
    curl_set_text(handle, CURLOPT_USERAGENT, settings.userAgent)
    if let list { curl_set_list(handle, CURLOPT_HTTPHEADER, list) }
    if request.method == .head { curl_set_long(handle, CURLOPT_NOBODY, 1) }
    curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    curl_set_long(handle, CURLOPT_CONNECTTIMEOUT, patience.connecting)
    curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
    curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, patience.stalled)
    if let limit = request.limit { curl_set_long(handle, CURLOPT_TIMEOUT, limit) }
    // Pieces of 256 KiB instead of 16: fewer calls and writes.
    curl_set_long(handle, CURLOPT_BUFFERSIZE, 1 << 18)
    if origin.isLoopback { curl_set_text(handle, CURLOPT_PROXY, "") }
  }

  private func receive(in context: UnsafeMutableRawPointer) {
    curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    curl_set_data_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let exchange = exchange(context), let bytes else { return 0 }
      exchange.takeLine(UnsafeRawBufferPointer(start: bytes, count: size * count))
      return size * count
    }
    curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
    curl_set_data_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let exchange = exchange(context) else { return 0 }
      let isTaken = exchange.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
      // Any other number than what was offered ends the transfer.
      return isTaken ? size * count : 0
    }
    curl_set_long(handle, CURLOPT_NOPROGRESS, 0)
    curl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
    curl_set_progress_function(handle) { context, _, _, _, _ in
      exchange(context)?.isGoingOn() == true ? 0 : 1
    }
  }

  private func fieldList(
    _ fields: [(name: String, value: String)]
  ) -> UnsafeMutablePointer<curl_slist>? {
    fields.reduce(nil) { list, field in
      curl_slist_append(list, "\(field.name): \(field.value)") ?? list
    }
  }

  private static func fault(_ code: CURLcode) -> HTTPFault {
    let reason = String(cString: curl_easy_strerror(code)).lowercased()
    switch code {
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_UNSUPPORTED_PROTOCOL,
      CURLE_URL_MALFORMAT, CURLE_SSL_ENGINE_NOTFOUND, CURLE_OUT_OF_MEMORY,
      CURLE_TOO_MANY_REDIRECTS:
      return .impossible(reason)
    default: return .broken(reason)
    }
  }
}

/// What libcurl's functions hold on to during one exchange.
private final class Exchange {
  private(set) var head: HTTPHead
  private(set) var fault: HTTPFault?
  private let body: (HTTPHead, UnsafeRawBufferPointer) throws(Problem) -> Void
  private let isCancelled: () -> Bool

  init(
    _ request: HTTPRequest,
    body: @escaping (HTTPHead, UnsafeRawBufferPointer) throws(Problem) -> Void,
    isCancelled: @escaping () -> Bool
  ) {
    head = HTTPHead(url: request.url)
    self.body = body
    self.isCancelled = isCancelled
  }

  func takeLine(_ bytes: UnsafeRawBufferPointer) {
    head.take(line: String(decoding: bytes, as: UTF8.self))
  }

  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard isGoingOn() else { return false }
    do {
      try body(head, bytes)
      return true
    } catch {
      fault = .refused(error)
      return false
    }
  }

  func isGoingOn() -> Bool {
    if fault == nil, isCancelled() { fault = .cancelled }
    return fault == nil
  }
}

private func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange? {
  context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
}
