import Formats

/// Asks the hub: follows redirections, shows the token to the hub alone, tries again where that helps.
/// A client serves one thread.
final class HubClient {
  let settings: HubSettings
  let retries: Retries
  private let connection: HTTPConnection
  private let home: Origin?

  private static let mostRedirects = 10
  /// No list of files and no message of the hub is longer.
  private static let mostBytesInMemory = 256 << 20

  /// - Parameters:
  ///   - isCancelled: Asked all the time; true ends what is going on with `HubCancelled`.
  ///   - note: Gets what a person who waits should know.
  init(
    _ settings: HubSettings, isCancelled: @escaping () -> Bool = { false },
    note: @escaping (String) -> Void = { _ in }
  ) throws(Problem) {
    self.settings = settings
    retries = Retries(patience: settings.patience, isCancelled: isCancelled, note: note)
    connection = try HTTPConnection(settings, isCancelled: isCancelled)
    home = Origin(of: settings.endpoint)
  }

  /// What came of a request: the answers on the way, of which the last is no redirection unless it
  /// leads away from the hub and was not to be followed.
  struct Answer {
    fileprivate(set) var heads: [HTTPHead]
    /// How many of them the hub itself gave; others are a store of files that it refers to.
    fileprivate(set) var headsFromHome: Int

    var head: HTTPHead { heads[heads.count - 1] }
    var isFromHome: Bool { headsFromHome == heads.count }

    /// A field that the hub itself gave on the way.
    func fieldFromHome(_ name: String) -> String? {
      heads.prefix(headsFromHome).reversed().lazy.compactMap { $0[name] }.first
    }
  }

  /// Makes one try. Statuses that may pass are thrown as a `PassingFault`, others are in the answer.
  ///
  /// - Parameters:
  ///   - fieldsForHome: Fields that only the hub is sent, beside the token.
  ///   - body: Gets the bytes of a successful answer.
  func exchange(
    _ request: HTTPRequest, fieldsForHome: [(name: String, value: String)] = [],
    body: @escaping (HTTPHead, UnsafeRawBufferPointer) throws(Problem) -> Void
  ) throws -> Answer {
    var answer = Answer(heads: [], headsFromHome: 0)
    var next = request
    for _ in 0...Self.mostRedirects {
      let isHome = home != nil && Origin(of: next.url) == home
      // Once away from the hub there is no way back to its trust.
      let isTrusted = isHome && answer.headsFromHome == answer.heads.count
      next.fields = request.fields
      if isTrusted {
        next.fields += fieldsForHome
        if let token = settings.token { next.fields.append(("Authorization", "Bearer \(token)")) }
      }
      let head = try perform(next, body)
      answer.heads.append(head)
      if isTrusted { answer.headsFromHome += 1 }
      guard head.isRedirect, let target = head.redirect else {
        try requireLasting(head, isTrusted: isTrusted)
        return answer
      }
      try checkRedirect(to: target)
      if request.method == .head, Origin(of: target) != home { return answer }
      next.url = target
    }
    throw Problem(
      request.url, "it redirects more than \(Self.mostRedirects) times; check HF_ENDPOINT",
      kind: .run)
  }

  /// A whole answer in memory, tried again where that helps; not for files.
  func fetch(_ url: String, method: HTTPRequest.Method = .get) throws -> (Answer, [UInt8]) {
    let limit = settings.patience.answering
    let request = HTTPRequest(method: method, url: url, limit: limit)
    let buffer = Buffer()
    let answer = try retries.run(url) {
      buffer.bytes = []
      return try exchange(request) { (_, bytes) throws(Problem) in
        guard buffer.bytes.count + bytes.count <= Self.mostBytesInMemory else {
          throw Problem(url, "the answer is endless; check HF_ENDPOINT", kind: .run)
        }
        buffer.bytes.append(contentsOf: bytes)
      }
    }
    return (answer, buffer.bytes)
  }

  private final class Buffer { var bytes: [UInt8] = [] }

  // MARK: Steps

  private func perform(
    _ request: HTTPRequest,
    _ body: @escaping (HTTPHead, UnsafeRawBufferPointer) throws(Problem) -> Void
  ) throws -> HTTPHead {
    do {
      return try connection.perform(request) { (head, bytes) throws(Problem) in
        if head.isSuccess { try body(head, bytes) }
      }
    } catch {
      switch error {
      case .broken(let reason): throw PassingFault(reason: reason)
      case .impossible(let reason):
        throw Problem(
          Origin(of: request.url)?.host ?? request.url,
          "no connection: \(reason); check the address (HF_ENDPOINT), the certificates of this machine"
            + " and the proxy (HTTPS_PROXY)", kind: .run)
      case .cancelled: throw HubCancelled()
      case .refused(let problem): throw problem
      }
    }
  }

  /// Throws where the status may be another one soon.
  private func requireLasting(_ head: HTTPHead, isTrusted: Bool) throws(PassingFault) {
    let host = Origin(of: head.url)?.host ?? head.url
    switch head.status {
    case 429:
      throw PassingFault(
        reason: "\(host) says that there were too many requests (429)",
        pause: Retries.pause(asked: head))
    case 408, 425, 500...599:
      throw PassingFault(
        reason: "\(host) answers \(head.status)", pause: Retries.pause(asked: head))
    case 401, 403:
      // An address that the hub signed for a store of files is good for a while only.
      if !isTrusted { throw PassingFault(reason: "\(host) answers \(head.status)") }
    default: break
    }
  }

  private func checkRedirect(to target: String) throws(Problem) {
    guard let origin = Origin(of: target) else {
      throw Problem(
        settings.endpoint, "it redirects to what is no web address; check HF_ENDPOINT", kind: .run)
    }
    guard home?.scheme != "https" || origin.scheme == "https" else {
      throw Problem(
        settings.endpoint,
        "it redirects to \(origin.host) without encryption, which is refused; check HF_ENDPOINT",
        kind: .run)
    }
  }
}
