import Formats
import TestSupport
import Testing

@testable import Hub

/// The environment that Python programs read, under the same names.
@Suite struct SettingsTests {
  private func settings(_ environment: [String: String]) throws -> HubSettings {
    try HubSettings(environment: ["HOME": "/home/u"].merging(environment) { $1 })
  }

  @Test func defaults() throws {
    let settings = try settings([:])
    #expect(settings.endpoint == "https://huggingface.co")
    #expect(settings.cache == "/home/u/.cache/huggingface/hub")
    #expect(settings.token == nil && !settings.isOffline)
  }

  @Test(arguments: [
    (["HF_HOME": "/big/hf"], "/big/hf/hub"),
    (["HF_HOME": "~/hf"], "/home/u/hf/hub"),
    (["HF_HOME": "$HOME/${D}", "D": "x"], "/home/u/x/hub"),
    (["HF_HUB_CACHE": "/c", "HF_HOME": "/big/hf"], "/c"),
    (["HUGGINGFACE_HUB_CACHE": "/old"], "/old"),
    (["XDG_CACHE_HOME": "/xdg"], "/xdg/huggingface/hub"),
    (["HF_HOME": ""], "/home/u/.cache/huggingface/hub"),
  ])
  func theCacheIsWherePythonHasIt(environment: [String: String], expected: String) throws {
    #expect(try settings(environment).cache == expected)
  }

  @Test func tokens() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write("token", "  hf_file\n".utf8)
    #expect(try settings(["HF_TOKEN_PATH": file]).token == "hf_file")
    #expect(try settings(["HF_HOME": directory.path]).token == "hf_file")
    #expect(try settings(["HF_TOKEN": " hf_a ", "HF_TOKEN_PATH": file]).token == "hf_a")
    #expect(try settings(["HF_TOKEN": "", "HF_TOKEN_PATH": file]).token == "hf_file")
    #expect(
      try settings(["HF_TOKEN": "hf_a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]).token == nil)
  }

  /// It becomes a line of a request.
  @Test(arguments: ["hf_a\r\nX-Evil: 1", "two words", "hf_ü"])
  func aTokenWithMoreThanAWordIsRefused(token: String) {
    #expect(throws: Problem.self) { try settings(["HF_TOKEN": token]) }
  }

  @Test(arguments: ["1", "on", "Yes", "TRUE"])
  func offline(value: String) throws {
    #expect(try settings(["HF_HUB_OFFLINE": value]).isOffline)
    #expect(try settings(["TRANSFORMERS_OFFLINE": value]).isOffline)
  }

  @Test func endpoints() throws {
    #expect(try settings(["HF_ENDPOINT": "http://h:1/"]).endpoint == "http://h:1")
    #expect(try !settings(["HF_HUB_OFFLINE": "0"]).isOffline)
    for wrong in ["hub", "ftp://h", "http://h?x=1"] {
      #expect(throws: Problem.self) { try settings(["HF_ENDPOINT": wrong]) }
    }
  }
}

/// When a server wants to be asked again.
@Suite struct PauseTests {
  @Test(arguments: [
    ("Retry-After: 17", 17.0), ("retry-after: 0", 0), ("Retry-After: 1.5", 1.5),
    ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ("RateLimit: \"api\";r=0;t=55", 55), ("RateLimit: limit=10, t=7", 7),
    ("Retry-After: -5", nil), ("Retry-After: soon", nil), ("Retry-After: inf", nil),
    ("Retry-After: nan", nil), ("RateLimit: t=99999999999999999999", nil), ("Age: 3", nil),
  ])
  func whatItAsksFor(line: String, seconds: Double?) {
    var head = HTTPHead(url: "")
    head.take(line: "HTTP/2 429\r\n")
    head.take(line: line + "\r\n")
    #expect(head.status == 429)
    #expect(Retries.pause(asked: head) == seconds)
  }

  @Test func aLaterStatusLineStartsAnew() {
    var head = HTTPHead(url: "")
    for line in [
      "HTTP/1.1 100 Continue", "A: 1", "", "HTTP/1.1 206 Part", "b:  2 ", "Content-Length: -1",
    ] {
      head.take(line: line + "\r\n")
    }
    #expect(head.status == 206 && head["a"] == nil && head["b"] == "2")
    #expect(head.count("content-length") == nil)
  }
}
