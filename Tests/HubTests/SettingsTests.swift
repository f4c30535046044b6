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
