/// Where the committed golden files stand.
package enum Golden {
  /// `Tests/Golden/<name>`.
  package static func path(_ name: String, file: String = #filePath) -> String {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return folder.joined(separator: "/") + "/Golden/" + name
  }
}
