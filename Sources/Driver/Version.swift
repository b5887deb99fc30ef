/// The version that results and `cyclewright version` state.
package enum Version {
  package static let current = "0.1.0"
}
