import Formats
import Foundation
package import Model
import Tensors
import Text

/// The checkpoints of a run: everything that continuing bit for bit needs.
///
/// One directory a checkpoint, `step-000050/`, with the adapter in PEFT's layout, `state.h5` (moments
/// of the optimizer, steps done) and `manifest.json` (size and SHA-256 of each file). It is written
/// under another name and renamed when it is complete on disk, so a reader never sees half of one.
package struct CheckpointStore {
  package let directory: String
  /// Newest checkpoints that stay.
  package let keep: Int

  static let stateName = "state.h5"
  static let manifestName = "manifest.json"
  static let formatVersion = 1

  package init(directory: String, keep: Int) {
    self.directory = directory
    self.keep = keep
  }

  /// One complete checkpoint on disk.
  package struct Entry: Sendable, Equatable {
    package let step: Int
    package let path: String
  }

  // MARK: Writing

  /// Saves the state after `optimizer.step` updates and removes what is older than `keep`.
  ///
  /// - Parameters:
  ///   - metrics: Its lines are brought to the disk first: a checkpoint never outlives the record of the steps
  ///     that led to it.
  ///   - template: The chat template that the run trains with, for whoever uses the adapter.
  package func save(
    adapters: AdapterSet, optimizer: AdamW, metrics: MetricsWriter, baseFingerprint: String,
    template: String
  ) throws -> Entry {
    try metrics.synchronize()
    let step = optimizer.step
    let digits = String(step)
    let name = "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    let path = "\(directory)/\(name)"
    try AtomicDirectory.write(path) { temporary in
      try PEFTDirectory.write(adapters, baseFingerprint: baseFingerprint, to: temporary)
      try writeState(optimizer, to: "\(temporary)/\(Self.stateName)")
      try writeFile("\(temporary)/\(ChatTemplate.fileName)", template)
      let files = [
        PEFTDirectory.configName, PEFTDirectory.tensorsName, Self.stateName, ChatTemplate.fileName,
      ]
      let manifest = try Self.manifest(of: files, in: temporary, step: step)
      try writeFile("\(temporary)/\(Self.manifestName)", manifest.text(.indented) + "\n")
    }
    removeOldest(upTo: step)
    return Entry(step: step, path: path)
  }

  private func writeState(_ optimizer: AdamW, to path: String) throws {
    let file = try HDF5Writer(path)
    try file.writeAttribute("format_version", .integer(Self.formatVersion))
    try file.writeAttribute("step", .integer(optimizer.step))
    for (index, parameter) in optimizer.parameters.enumerated() {
      for (group, tensor) in [
        ("first_moment", optimizer.firstMoments[index]),
        ("second_moment", optimizer.secondMoments[index]),
      ] {
        try tensor.withBytes { bytes in
          try file.write(
            "\(group)/\(parameter.name)", .float32, shape: tensor.shape, bytes: bytes)
        }
      }
    }
    try file.close()
  }

  private static func manifest(of files: [String], in directory: String, step: Int) throws -> JSON {
    let entries: [(key: String, value: JSON)] = try files.map { name in
      let path = "\(directory)/\(name)"
      let digest = try SHA256Digest(ofFile: path)
      return (name, ["bytes": .integer(digest.byteCount), "sha256": .string(digest.hex)])
    }
    return [
      "format_version": .integer(formatVersion), "step": .integer(step),
      "files": .object(JSONObject(entries)),
    ]
  }

  // MARK: Reading

  /// The newest checkpoint whose files are all as its manifest says; `warn` gets a sentence for each
  /// one that is not.
  package func newestValid(warn: (String) -> Void) throws -> Entry? {
    for entry in entries().reversed() {
      guard let fault = Self.fault(of: entry) else {
        return entry
      }
      warn("\(entry.path): \(fault); this checkpoint is not used")
    }
    return nil
  }

  /// Checkpoints by step, oldest first.
  package func entries() -> [Entry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let entries = names.compactMap { name -> Entry? in
      guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)) else { return nil }
      return Entry(step: step, path: "\(directory)/\(name)")
    }
    return entries.sorted { $0.step < $1.step }
  }

  /// What is wrong with a checkpoint; nil if nothing is.
  private static func fault(of entry: Entry) -> String? {
    guard let manifest = try? readJSON("\(entry.path)/\(manifestName)"),
      let files = manifest["files"]?.object, manifest["step"]?.integer == entry.step
    else { return "the manifest is missing or damaged" }
    for (name, expected) in files.members {
      guard let digest = try? SHA256Digest(ofFile: "\(entry.path)/\(name)") else {
        return "\(name) is missing or cannot be read"
      }
      guard digest.hex == expected["sha256"]?.string else {
        return "\(name) is not what was written (its SHA-256 differs)"
      }
    }
    return nil
  }

  /// Brings the optimizer to the state of a checkpoint. The adapter's weights are read with
  /// `PEFTDirectory.load` before the optimizer is made.
  package func restore(_ optimizer: AdamW, from entry: Entry) throws {
    let path = "\(entry.path)/\(Self.stateName)"
    let file = try HDF5Reader(path)
    guard try file.integerAttribute("format_version") == Self.formatVersion else {
      throw Problem(path, "written by another version of finetune; continue with that version")
    }
    for (index, parameter) in optimizer.parameters.enumerated() {
      for (group, tensor) in [
        ("first_moment", optimizer.firstMoments[index]),
        ("second_moment", optimizer.secondMoments[index]),
      ] {
        try tensor.withMutableBytes { bytes in
          try file.read("\(group)/\(parameter.name)", .float32, shape: tensor.shape, into: bytes)
        }
      }
    }
    optimizer.step = try file.integerAttribute("step")
  }

  /// Keeps the newest `keep` of the checkpoints up to a step. Later ones are damaged and passed over: they
  /// must not push out what is good.
  private func removeOldest(upTo step: Int) {
    for entry in entries().filter({ $0.step <= step }).dropLast(keep) {
      try? FileManager.default.removeItem(atPath: entry.path)
    }
  }
}
