import Foundation
import Synchronization

/// An HTTP server on this machine that answers as a test wants it to, badly too.
package final class LocalServer: Sendable {
  package struct Request: Sendable {
    package let method: String
    /// Path and query.
    package let target: String
    /// Names in lower case.
    package let fields: [String: String]
  }

  package struct Reply: Sendable {
    package var status: Int
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]
    /// What Content-Length says, where that is not the truth.
    package var announced: Int?
    /// The connection is cut after so many bytes of the body.
    package var cut: Int?
    /// Nothing more comes after so many bytes of the body, and the connection stays open.
    package var silent: Int?

    package init(
      _ status: Int, _ fields: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
      self.status = status
      self.fields = fields
      self.body = body
    }

    package init(_ status: Int, _ fields: [(name: String, value: String)] = [], text: String) {
      self.init(status, fields, body: Array(text.utf8))
    }
  }

  private struct State: Sendable {
    var requests: [Request] = []
    var isOpen = true
  }

  /// `http://HOST:PORT`.
  package let url: String
  private let listener: Int32
  private let state = Mutex(State())
  private let answer: @Sendable (Request) -> Reply

  /// What was asked so far, in order.
  package var requests: [Request] { state.withLock { $0.requests } }

  /// - Parameters:
  ///   - host: The name in its address; it listens on 127.0.0.1.
  ///   - answer: Called on a thread of the connection.
  package init(
    host: String = "127.0.0.1", answer: @escaping @Sendable (Request) -> Reply
  ) throws {
    self.answer = answer
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, pointer, &length) == 0
      }
    }
    guard isListening else { throw POSIXError(.EADDRINUSE) }
    self.listener = listener
    url = "http://\(host):\(UInt16(bigEndian: address.sin_port))"
    let owner = Owner(self)
    Thread.detachNewThread { Self.accept(on: listener) { owner.server } }
  }

  deinit { close() }

  /// Lets the thread find the server as long as there is one.
  private final class Owner: @unchecked Sendable {
    private(set) weak var server: LocalServer?
    init(_ server: LocalServer) { self.server = server }
  }

  /// Takes no more connections.
  package func close() {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    guard wasOpen else { return }
    // Only this: closed here, its number could be another server's before the thread looks again.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private static func accept(
    on listener: Int32, server: @escaping @Sendable () -> LocalServer?
  ) {
    defer { Foundation.close(listener) }
    while true {
      let connection = Foundation.accept(listener, nil, nil)
      guard connection >= 0 else { return }
      Thread.detachNewThread {
        server()?.serve(connection)
        Foundation.close(connection)
      }
    }
  }

  // MARK: One connection, one request

  private func serve(_ connection: Int32) {
    guard let request = Self.read(connection) else { return }
    state.withLock { $0.requests.append(request) }
    let reply = answer(request)
    var head = "HTTP/1.1 \(reply.status) X\r\nConnection: close\r\n"
    head += "Content-Length: \(reply.announced ?? reply.body.count)\r\n"
    for (name, value) in reply.fields { head += "\(name): \(value)\r\n" }
    guard Self.write(connection, Array((head + "\r\n").utf8)), request.method != "HEAD" else {
      return
    }
    let count = min(reply.cut ?? .max, reply.silent ?? .max, reply.body.count)
    guard Self.write(connection, Array(reply.body.prefix(count))) else { return }
    if reply.silent != nil { Self.waitForEnd(of: connection) }
  }

  private static func read(_ connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n") {
      let count = Foundation.read(connection, &buffer, buffer.count)
      guard count > 0, bytes.count < 1 << 20 else { return nil }
      bytes += buffer.prefix(count)
    }
    let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ").map(String.init)
    guard words.count == 3 else { return nil }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return Request(method: words[0], target: words[1], fields: fields)
  }

  private static func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        send(
          connection, bytes.baseAddress.map { $0 + done }, bytes.count - done,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// Until the other side goes.
  private static func waitForEnd(of connection: Int32) {
    var buffer = [UInt8](repeating: 0, count: 64)
    while Foundation.read(connection, &buffer, buffer.count) > 0 {}
  }
}
