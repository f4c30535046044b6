import Formats
import Testing

@testable import Hub

@Suite struct NameTests {
  @Test func aNameIsTakenApart() throws {
    let plain = try #require(HubName("Qwen/Qwen2.5-0.5B"))
    #expect(plain.id == "Qwen/Qwen2.5-0.5B" && plain.kind == .model)
    #expect(plain.revision == "main" && plain.file == nil)
    #expect(plain.description == "Qwen/Qwen2.5-0.5B")
    let full = try #require(HubName("o/n@refs/pr/1:Q4_K_M"))
    #expect(full.revision == "refs/pr/1" && full.file == "Q4_K_M")
    #expect(full.description == "o/n@refs/pr/1:Q4_K_M")
    let file = try #require(HubName("o/n:folder/model.gguf"))
    #expect(file.file == "folder/model.gguf" && file.revision == "main")
    let data = try #require(HubName("datasets/o/n@v1:data/train.jsonl"))
    #expect(data.kind == .dataset && data.id == "o/n" && data.file == "data/train.jsonl")
    #expect(data.description == "datasets/o/n@v1:data/train.jsonl")
    #expect(HubName("o/n", kind: .dataset)?.description == "datasets/o/n")
  }

  /// What is a path, or would leave the cache folder or the address, is no name.
  @Test(arguments: [
    "", "base", "/etc/passwd", "./o/n", "../n", "o/..", "o/n/m", "o//n", "o/", "/n", "~/n",
    "a--b/n", "o/n--m", "o/n.", "-o/n", "o/n b", "o/n?x=1", "o/n#x", "o/%2e%2e", "ö/n",
    "o/model.gguf", "o/model.safetensors", "o/n@", "o/n@../../x", "o/n@a/../b", "o/n@a b",
    "o/n@-x", "o/n@.git", "o/n@a.lock", "o/n@a\u{7}", "o/n:", "o/n:../x", "o/n:/x", "o/n@main:",
    "datasets/o", "datasets/o/n/m",
  ])
  func whatIsNoNameIsNone(text: String) { #expect(HubName(text) == nil) }

  @Test func addressesAreEncoded() throws {
    let settings = HubSettings(endpoint: "https://hub.example/x", cache: "/c")
    let name = try #require(HubName("datasets/o/n@feature/a+b"))
    #expect(
      HubAddress.api(name, settings)
        == "https://hub.example/x/api/datasets/o/n/revision/feature%2Fa%2Bb")
    #expect(
      HubAddress.file("a b/ü#?.json", of: name, commit: "abc", settings)
        == "https://hub.example/x/datasets/o/n/resolve/abc/a%20b/%C3%BC%23%3F.json")
  }

  @Test(arguments: [
    ("https://hub.example/x", "https hub.example 443"),
    ("HTTP://Hub.Example:8080", "http hub.example 8080"),
    ("https://hub.example@evil.example/", "https evil.example 443"),
    ("https://hub.example:443@evil.example:444/", "https evil.example 444"),
    ("http://127.0.0.1:80/", "http 127.0.0.1 80"),
  ])
  func anOriginIsWhoIsAsked(url: String, expected: String) throws {
    let origin = try #require(Origin(of: url))
    #expect("\(origin.scheme) \(origin.host) \(origin.port)" == expected)
  }

  @Test(arguments: ["file:///etc/passwd", "ftp://host/", "host", "", "https://", "http://a b/"])
  func whatIsNoWebAddressHasNoOrigin(url: String) { #expect(Origin(of: url) == nil) }

  @Test(arguments: [
    ("\"abc\"", "abc"), ("W/\"abc-1_2.3\"", "abc-1_2.3"), ("abc", "abc"), ("\"../x\"", nil),
    ("\"\"", nil), ("\".abc\"", nil), ("\"a/b\"", nil), ("a\u{0}b", nil),
    (String(repeating: "a", count: 129), nil),
  ])
  func entityTags(field: String, expected: String?) {
    #expect(EntityTag(field)?.value == expected)
  }
}
