import ArgumentParser
import Formats
import Foundation
import Hub
import Training

/// A pull that a person watches: progress on standard error, Ctrl-C stops where nothing is lost.
enum HubDownload {
  static func run(_ pull: RepositoryPull) throws -> RepositoryPull.Snapshot {
    let interruption = Interruption()
    interruption.watch {
      Terminal.error.write("\nstopping; what came so far is kept\n")
    }
    let display = PullDisplay(pull.name, terminal: .error)
    do {
      let snapshot = try pull.run(
        isCancelled: { interruption.isRequested }, onEvent: display.show)
      display.finish()
      return snapshot
    } catch is HubCancelled {
      display.finish()
      Terminal.error.write("stopped; the same command goes on from here\n")
      throw ExitCode(ExitStatus.interrupted)
    } catch {
      display.finish()
      throw error
    }
  }

  /// Endpoint, token and cache as the environment says.
  static func settings() throws(Problem) -> HubSettings {
    var settings = try HubSettings(environment: ProcessInfo.processInfo.environment)
    settings.userAgent = "finetune/\(Version.current)"
    return settings
  }
}
