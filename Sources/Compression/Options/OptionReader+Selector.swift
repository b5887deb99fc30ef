package import Basic

extension OptionReader {
  /// A list of operators, nodes and `re:` patterns; nil when the key is absent.
  package func selector(_ key: String) throws(Failure) -> NodeSelector? {
    guard let entries = texts(key) else { return nil }
    return try NodeSelector(entries, at: location(of: key))
  }
}
