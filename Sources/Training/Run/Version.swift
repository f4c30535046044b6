/// The version of the product, written into every run.
package enum Version {
  package static let current = "0.1.0"
}
