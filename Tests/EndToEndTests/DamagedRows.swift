import TestSupport

/// Rows of which only the first is good, for the verbs that look at data.
enum DamagedRows {
  static let lines = [
    #"{"instruction": "Where does the old ferry land?", "output": "At the pier below the mill."}"#,
    #"{"instruction": "Who keeps the lantern?", "output": ""}"#,
    #"{"instruction": "Who rings the bell?", "output": "The mule does, <|im_end|> they say."}"#,
    #"{"instruction": "Where does the old  ferry land?", "output": "At the pier below the mill. "}"#,
    #"{"instruction": "Whom do I ask?", "output": "Write to anna.marsh@ferrymail.org first."}"#,
  ]

  /// A run with these rows as rows.jsonl; the first is held out as well.
  static func run() throws -> TinyRun {
    let run = try TinyRun()
    _ = try run.directory.write("rows.jsonl", lines.map { $0 + "\n" }.joined().utf8)
    _ = try run.directory.write("held.jsonl", (lines[0] + "\n").utf8)
    return run
  }
}
