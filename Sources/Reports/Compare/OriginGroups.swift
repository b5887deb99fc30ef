/// Two lists of things with source names, grouped by the names that they share, directly or through others.
enum OriginGroups {
  struct Group {
    var first: [Int] = []
    var second: [Int] = []
  }

  /// Every index of both sides is in exactly one group; groups are in order of their first member.
  static func match(_ first: [[String]], _ second: [[String]]) -> [Group] {
    let all = first + second
    var parent = Array(all.indices)
    func root(_ index: Int) -> Int {
      var index = index
      while parent[index] != index {
        parent[index] = parent[parent[index]]
        index = parent[index]
      }
      return index
    }
    var owner: [String: Int] = [:]
    for (index, names) in all.enumerated() {
      for name in names {
        guard let known = owner[name] else {
          owner[name] = index
          continue
        }
        let a = root(known)
        let b = root(index)
        parent[max(a, b)] = min(a, b)
      }
    }
    var groups: [Group] = []
    var place: [Int: Int] = [:]
    for index in all.indices {
      let position = place[root(index)] ?? groups.count
      if position == groups.count {
        place[root(index)] = position
        groups.append(Group())
      }
      if index < first.count {
        groups[position].first.append(index)
      } else {
        groups[position].second.append(index - first.count)
      }
    }
    return groups
  }
}
