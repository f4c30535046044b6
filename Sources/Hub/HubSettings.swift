package import Formats
import Foundation

/// Where the hub is, who asks, and where downloads are kept: what `huggingface_hub` reads from the
/// environment, under the same names.
package struct HubSettings: Sendable {
  /// Without a slash at its end.
  package var endpoint: String
  package var token: String?
  /// Nothing is asked of the network.
  package var isOffline = false
  /// The shared folder of all downloads.
  package var cache: String
  package var userAgent = "finetune"
  package var patience = Patience()

  /// How long to wait for what.
  package struct Patience: Sendable {
    /// Seconds until a connection stands.
    package var connecting = 10
    /// Seconds without a byte after which a transfer is taken for dead.
    package var stalled = 30
    /// Seconds for an answer that is no file.
    package var answering = 120
    /// Tries of one request that brought nothing.
    package var attempts = 6
    /// Seconds before the second try; every further pause is twice as long.
    package var firstPause = 1.0
    /// A pause longer than this, which only the hub can ask for, is not waited for.
    package var longestPause = 300.0
    package init() {}
  }

  package init(endpoint: String, cache: String) {
    self.endpoint = endpoint
    self.cache = cache
  }

  /// - Parameter environment: `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`,
  ///   `HF_HUB_OFFLINE`, `HF_HUB_DOWNLOAD_TIMEOUT`, `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `XDG_CACHE_HOME`.
  package init(environment: [String: String]) throws(Problem) {
    let paths = EnvironmentPaths(environment)
    let home =
      paths["HF_HOME"]
      ?? (paths["XDG_CACHE_HOME"] ?? paths.expanded("~/.cache")) + "/huggingface"
    cache = paths["HF_HUB_CACHE"] ?? paths["HUGGINGFACE_HUB_CACHE"] ?? home + "/hub"
    endpoint = try Self.endpoint(environment["HF_ENDPOINT"])
    isOffline = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].contains {
      Self.isTrue(environment[$0])
    }
    if !Self.isTrue(environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) {
      token = try Self.token(environment, file: paths["HF_TOKEN_PATH"] ?? home + "/token")
    }
    if let text = environment["HF_HUB_DOWNLOAD_TIMEOUT"], !text.isEmpty {
      guard let seconds = Int(text), (1...86_400).contains(seconds) else {
        throw Problem(
          "HF_HUB_DOWNLOAD_TIMEOUT", "found \"\(text)\", expected a number of seconds; or unset it")
      }
      patience.stalled = seconds
    }
  }

  private static func isTrue(_ value: String?) -> Bool {
    ["1", "ON", "YES", "TRUE"].contains(value?.uppercased() ?? "")
  }

  private static func endpoint(_ value: String?) throws(Problem) -> String {
    guard let value, !value.isEmpty else { return "https://huggingface.co" }
    var text = value
    while text.hasSuffix("/") { text.removeLast() }
    guard Origin(of: text) != nil, !text.contains("?"), !text.contains("#") else {
      throw Problem(
        "HF_ENDPOINT",
        "found \"\(value)\", expected an address such as https://huggingface.co; or unset it")
    }
    return text
  }

  private static func token(
    _ environment: [String: String], file: String
  ) throws(Problem) -> String? {
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
      if let token = try usable(environment[name], place: name) { return token }
    }
    guard fileExists(file) else { return nil }
    return try usable(String(decoding: try readFile(file), as: UTF8.self), place: file)
  }

  /// Without white space around it; nil where nothing is left. It becomes a line of the request, so
  /// whatever could end that line is refused.
  private static func usable(_ text: String?, place: String) throws(Problem) -> String? {
    guard let text else { return nil }
    let bytes = text.utf8.drop { $0 <= 0x20 }
    let token = String(decoding: bytes.reversed().drop { $0 <= 0x20 }.reversed(), as: UTF8.self)
    guard !token.isEmpty else { return nil }
    guard token.utf8.count <= 4096, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw Problem(
        place, "this is not an access token, which is one word such as hf_…; set it anew")
    }
    return token
  }
}

/// Paths in environment variables: `~` and `$NAME` in them are filled in, an empty one counts as none.
private struct EnvironmentPaths {
  private let environment: [String: String]

  init(_ environment: [String: String]) { self.environment = environment }

  subscript(name: String) -> String? {
    guard let value = environment[name], !value.isEmpty else { return nil }
    return expanded(value)
  }

  func expanded(_ path: String) -> String {
    var text = path
    if text == "~" || text.hasPrefix("~/") {
      text = (environment["HOME"] ?? NSHomeDirectory()) + text.dropFirst()
    }
    return text.replacing(/\$(?:\{(\w+)\}|(\w+))/) { match in
      let name = String(match.output.1 ?? match.output.2 ?? "")
      return environment[name] ?? String(match.output.0)
    }
  }
}
