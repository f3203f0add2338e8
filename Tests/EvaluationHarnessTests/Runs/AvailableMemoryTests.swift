import Foundation
import Testing

@testable import EvaluationHarness

@Suite("Memory that is left")
struct AvailableMemoryTests {
    private func system(_ files: [String: String], _ body: (String) throws -> Void) throws {
        try withTemporaryFolder { root in
            for (path, text) in files {
                let url = URL(fileURLWithPath: "\(root)/\(path)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: false, encoding: .utf8)
            }
            try body(root)
        }
    }

    @Test("without control groups it is what the machine has")
    func machine() throws {
        try system(["proc/meminfo": "MemTotal:  8000 kB\nMemAvailable:    5000 kB\n"]) { root in
            #expect(AvailableMemory.now(root: root) == AvailableMemory(bytes: 5000 << 10, source: "of the machine"))
        }
        try system([:]) { #expect(AvailableMemory.now(root: $0) == nil) }
        #expect(try #require(AvailableMemory.now()).bytes > 1 << 20)
    }

    @Test("the tightest control group above the process counts, file pages as free")
    func groups() throws {
        let files = [
            "proc/meminfo": "MemAvailable: 5000 kB\n", "proc/self/cgroup": "0::/jobs/one\n",
            "sys/fs/cgroup/jobs/memory.max": "3000000\n", "sys/fs/cgroup/jobs/memory.current": "1500000\n",
            "sys/fs/cgroup/jobs/memory.stat": "anon 7\ninactive_file 500000\nslab 1\n",
            "sys/fs/cgroup/jobs/one/memory.max": "max\n", "sys/fs/cgroup/jobs/one/memory.current": "1\n",
        ]
        try system(files) { root in
            #expect(
                AvailableMemory.now(root: root) == AvailableMemory(bytes: 2_000_000, source: "of the control group"))
        }
        let first = [
            "proc/self/cgroup": "5:cpu,memory:/a\n1:name=x:/\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "100\n",
            "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "170\n",
        ]
        try system(first) { #expect(AvailableMemory.now(root: $0)?.bytes == 0) }
    }

    @Test(
        "what --memory says",
        arguments: [
            ("available", .available), ("any", .any), ("6GiB", .bytes(6 << 30)), ("1.5MiB", .bytes(3 << 19)),
            ("4096", .bytes(4096)), ("", nil), ("GiB", nil), ("-1", nil), ("0", nil), ("1GB", nil), ("1..5MiB", nil),
            ("9e9", nil), ("99999999TiB", nil),
        ] as [(String, MemoryAllowance?)])
    func allowance(text: String, expected: MemoryAllowance?) {
        #expect(MemoryAllowance(text) == expected)
    }
}
