/// Memory that this process may still take, as Linux tells it.
struct AvailableMemory: Equatable {
    var bytes: Int
    /// What sets the bound, in words.
    var source: String

    /// The smaller of what the machine has left and what the control groups of this process have; nil where neither is told.
    ///
    /// - Parameter root: of the file system.
    static func now(root: String = "") -> AvailableMemory? {
        (groups(root) + [machine(root)]).compactMap { $0 }.min { $0.bytes < $1.bytes }
    }

    private static func machine(_ root: String) -> AvailableMemory? {
        guard let text = EnvironmentReport.text("\(root)/proc/meminfo"),
            let kibibytes = EnvironmentReport.field("MemAvailable", in: text).flatMap({ Int($0.prefix { $0.isNumber }) }
            )
        else { return nil }
        return AvailableMemory(bytes: kibibytes << 10, source: "of the machine")
    }

    /// The group of this process and those above it, version 2, or the memory controller's of version 1.
    private static func groups(_ root: String) -> [AvailableMemory?] {
        guard let text = EnvironmentReport.text("\(root)/proc/self/cgroup") else { return [] }
        return text.split(separator: "\n").flatMap { line -> [AvailableMemory?] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasPrefix("/") else { return [] }
            let steps = parts[2].split(separator: "/")
            let paths = (0...steps.count).map { steps.prefix($0).map { "/\($0)" }.joined() }
            if parts[1].isEmpty {
                return paths.map {
                    group("\(root)/sys/fs/cgroup\($0)", "memory.max", "memory.current", "inactive_file")
                }
            }
            guard parts[1].split(separator: ",").contains("memory") else { return [] }
            return paths.map {
                group(
                    "\(root)/sys/fs/cgroup/memory\($0)", "memory.limit_in_bytes", "memory.usage_in_bytes",
                    "total_inactive_file")
            }
        }
    }

    /// A limit less what is used; the file pages that the system would give up do not count as used.
    private static func group(_ folder: String, _ limit: String, _ used: String, _ cached: String) -> AvailableMemory? {
        func number(_ text: some StringProtocol) -> Int? { Int(text.prefix { $0.isNumber }) }
        guard let limit = EnvironmentReport.text("\(folder)/\(limit)").flatMap(number),
            let used = EnvironmentReport.text("\(folder)/\(used)").flatMap(number)
        else { return nil }
        let lines = (EnvironmentReport.text("\(folder)/memory.stat") ?? "").split(separator: "\n")
        let given = lines.first { $0.hasPrefix("\(cached) ") }.flatMap { number($0.dropFirst(cached.utf8.count + 1)) }
        return AvailableMemory(bytes: max(0, limit - used + (given ?? 0)), source: "of the control group")
    }
}
