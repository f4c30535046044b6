import Formats

extension HubClient.Answer {
  /// What an answer without success means to a person, and what to do about it.
  ///
  /// - Parameters:
  ///   - file: Nil where the repository itself was asked for.
  ///   - hint: More about a repository that was not found, such as what the name was meant to be.
  func problem(
    _ name: HubName, file: String? = nil, settings: HubSettings, hint: String = ""
  ) -> Problem {
    let what = name.kind == .model ? "model" : "data set"
    let page = "\(settings.endpoint)/\(name.kind == .dataset ? "datasets/" : "")\(name.id)"
    let place = file.map { "\(name): \($0)" } ?? name.description
    let hasToken = settings.token != nil
    switch (head.status, fieldFromHome("x-error-code") ?? "") {
    case (401, "GatedRepo"), (403, "GatedRepo"):
      return Problem(
        place,
        "access to this \(what) is given on request\(said); accept its conditions on \(page)"
          + (hasToken
            ? " with the account that the token is of, or use a token that may read gated repositories"
            : ", make a token on \(settings.endpoint)/settings/tokens and put it into HF_TOKEN"))
    case (404, "RevisionNotFound"):
      return Problem(
        place,
        "the \(what) has no revision \"\(name.revision)\"; \(page)/tree/main shows its branches and"
          + " tags")
    case (404, "EntryNotFound"):
      return Problem(
        place, "there is no such file in the repository; \(page)/tree/main lists its files")
    case (401, "RepoNotFound") where !hasToken, (401, "") where !hasToken:
      return Problem(
        place,
        "the hub shows no \(what) of this name to somebody without a token (401)\(hint); check the"
          + " spelling or, for a private or gated one, put a token into HF_TOKEN")
    case (401, _):
      return Problem(
        place,
        "the hub does not accept the token (401)\(said)\(hint); make a new one on"
          + " \(settings.endpoint)/settings/tokens and put it into HF_TOKEN, or unset it")
    case (_, "DisabledRepo"):
      return Problem(place, "the hub has taken this \(what) down\(said); choose another one")
    case (403, _):
      return Problem(
        place,
        "the hub refuses it (403)\(said); look at \(page) for what it asks, and whether the token in"
          + " HF_TOKEN may read this repository")
    case (404, _):
      return Problem(
        place,
        "the hub has no \(what) of this name, or hides it (404)\(hint); check the spelling or, for a"
          + " private one, the token in HF_TOKEN")
    default:
      return Problem(
        place, "the hub answers \(head.status)\(said); check HF_ENDPOINT or try later", kind: .run)
    }
  }

  /// The hub's own words in parentheses, shortened and on one line.
  private var said: String {
    guard let message = fieldFromHome("x-error-message"), !message.isEmpty else { return "" }
    let plain = message.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: plain.prefix(200))
    return " (\"\(String(text))\")"
  }
}
